"""Runs, their host tasks, and the steps of those."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q

from deployments.causes import MAX_LENGTH
from deployments.models.choices import Stage, StepKind, Trigger
from deployments.models.jobs import Job
from deployments.models.moving import Moving
from deployments.reasons import SENTENCES, Reason
from deployments.states import (
    FAILED_HOST_TASKS,
    FINAL_HOST_TASKS,
    FINAL_RUNS,
    HELD_HOST_TASKS,
    HOST_TASK_MOVES,
    HOST_TASKS_AT_WORK,
    RUN_MOVES,
    HostTaskState,
    RunState,
    StepState,
)
from inventory.models import Asset, Patch
from tenants.models import CustomerOwned, CustomerQuerySet, SameCustomerKey


class RunQuerySet(CustomerQuerySet):
    """Runs of a customer."""

    def open(self) -> Self:
        """Those that have not ended."""
        return self.exclude(state__in=FINAL_RUNS)


class Run(Moving, CustomerOwned):
    """One occurrence of a job, with a frozen snapshot of it: nothing edited later changes it."""

    MOVES = RUN_MOVES
    EVENT = "run"

    job = SameCustomerKey(Job, on_delete=models.PROTECT, related_name="runs")
    instance = models.IntegerField()
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    # When it was meant to start. Windows and deadlines count from here, never from when somebody got round to it.
    scheduled_for = models.DateTimeField()
    deadline = models.DateTimeField()
    # The run of the linked job that started this one.
    parent_run = SameCustomerKey("self", null=True, on_delete=models.PROTECT, related_name="started_runs")
    # The run whose failed hosts this one tries again.
    retry_of = SameCustomerKey("self", null=True, on_delete=models.PROTECT, related_name="retries")
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.PENDING)
    state_changed_at = models.DateTimeField()
    reason = models.CharField(max_length=32, choices=Reason.choices, blank=True)
    # Figures to the reason, where it has some; of one that stands still, what holds it back.
    note = models.CharField(max_length=200, blank=True)
    # At what percentage of ended hosts it counts as complete for those who are told; null where its end does.
    tells_at_share = models.SmallIntegerField(null=True)
    share_told_at = models.DateTimeField(null=True)
    # Whether jobs that are linked to its own may start before it has ended.
    children_wait = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    snapshot = models.JSONField(default=dict)
    # While it waits to be approved, and afterwards: what would be done where.
    plan_hash = models.CharField(max_length=64, blank=True)
    # While it is frozen: when to look again.
    resumes_at = models.DateTimeField(null=True)
    # Of a run in waves: hosts of waves up to this one may begin. Null where the job has no rollout.
    open_wave = models.SmallIntegerField(null=True)
    # Failures from before this do not count against it: somebody resumed it in spite of them.
    sample_from = models.DateTimeField(null=True)
    # How many host tasks ended in each state, counted when the run ends.
    counts = models.JSONField(default=dict)

    objects: ClassVar = RunQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "instance"], name="one_run_per_instance_of_a_job"),
            models.UniqueConstraint(
                fields=["job", "scheduled_for"],
                condition=Q(trigger=Trigger.SCHEDULE),
                name="one_run_per_scheduled_occurrence",
            ),
            models.UniqueConstraint(fields=["customer", "job", "parent_run"], name="a_run_starts_a_child_once"),
            models.CheckConstraint(
                condition=Q(retry_of=None) ^ Q(trigger=Trigger.RETRY), name="a_retry_says_of_which_run"
            ),
            models.CheckConstraint(
                condition=Q(resumes_at=None) ^ Q(state=RunState.FROZEN), name="a_run_resumes_if_and_only_if_frozen"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, reason="") & ~Q(state__in=sorted(FINAL_RUNS))
                | Q(finished_at__isnull=False, state__in=sorted(FINAL_RUNS)) & ~Q(reason=""),
                name="a_run_has_an_end_and_a_reason_if_and_only_if_final",
            ),
        ]
        indexes: ClassVar = [
            # The sweep: what is still going.
            models.Index(fields=["deadline"], condition=~Q(state__in=sorted(FINAL_RUNS)), name="run_open"),
            # Feeds: what a customer's jobs did lately.
            models.Index(fields=["customer", "scheduled_for"], name="run_by_start"),
            # The tick: frozen ones whose freeze has ended.
            models.Index(fields=["resumes_at"], condition=Q(state=RunState.FROZEN), name="run_resumes"),
            # The sweep: whose children may be started.
            models.Index(
                fields=["id"],
                condition=Q(children_wait=True) & ~Q(state__in=sorted(FINAL_RUNS)),
                name="run_children_wait",
            ),
            # The sweep: which go on in waves.
            models.Index(
                fields=["id"], condition=Q(open_wave__isnull=False, state=RunState.RUNNING), name="run_in_waves"
            ),
            # The sweep: whose share is to be told.
            models.Index(
                fields=["id"],
                condition=Q(tells_at_share__isnull=False, share_told_at=None) & ~Q(state__in=sorted(FINAL_RUNS)),
                name="run_tells_share",
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.instance} of job {self.job_id}"

    def event_ids(self) -> dict[str, Any]:
        """Customer, job and run."""
        return {"customer_id": self.customer_id, "job_id": self.job_id, "run_id": self.pk}

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_RUNS


class HostTaskQuerySet(CustomerQuerySet):
    """Host tasks of a customer."""

    def open(self) -> Self:
        """Those that have not ended."""
        return self.exclude(state__in=FINAL_HOST_TASKS)

    def held(self) -> Self:
        """Those that an agent may be at work on."""
        return self.filter(state__in=HELD_HOST_TASKS)


class HostTask(Moving, CustomerOwned):
    """One host's share of a run: where it stands, its lease, its outcome."""

    MOVES = HOST_TASK_MOVES
    EVENT = "host_task"

    run = SameCustomerKey(Run, on_delete=models.CASCADE, related_name="host_tasks", db_index=False)
    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="host_tasks", db_index=False)
    state = models.CharField(max_length=20, choices=HostTaskState.choices)
    state_changed_at = models.DateTimeField()
    reason = models.CharField(max_length=32, choices=Reason.choices, blank=True)
    start_at = models.DateTimeField()
    # Who has not begun by then missed the start; later than the deadline it never is.
    start_before = models.DateTimeField()
    deadline = models.DateTimeField()
    attempt = models.IntegerField(db_default=0)
    # Rises with each lease: a report that carries an older one comes from somebody who lost it.
    fence = models.IntegerField(db_default=0)
    lease_until = models.DateTimeField(null=True)
    # Of the current attempt: reports up to this number have been taken in.
    accepted_through = models.IntegerField(db_default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Of a run in waves: in which it is; null where it has nothing to do.
    wave = models.SmallIntegerField(null=True)

    objects: ClassVar = HostTaskQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "asset"], name="one_host_task_per_asset_of_a_run"),
            models.UniqueConstraint(
                fields=["asset"],
                condition=Q(state__in=sorted(HELD_HOST_TASKS)),
                name="one_running_host_task_per_asset",
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None, reason="") & ~Q(state__in=sorted(FINAL_HOST_TASKS))
                | Q(finished_at__isnull=False, state__in=sorted(FINAL_HOST_TASKS)) & ~Q(reason=""),
                name="a_host_task_has_an_end_and_a_reason_if_and_only_if_final",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__isnull=False)
                | ~Q(state__in=["Leased", "Running", "AwaitingReboot", "Verifying"]),
                name="held_work_has_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(start_before__lte=F("deadline")), name="a_start_is_missed_by_the_deadline_at_the_latest"
            ),
        ]
        indexes: ClassVar = [
            # What an asset is to do next.
            models.Index(fields=["asset", "start_at"], condition=Q(state="Pending"), name="host_task_next"),
            # The sweep: starts that were missed, leases that ran out, deadlines that passed.
            models.Index(fields=["start_before"], condition=Q(state="Pending"), name="host_task_starts"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["Leased", "Running", "AwaitingReboot", "Verifying"]),
                name="host_task_leases",
            ),
            # What a restart of the machine settles.
            models.Index(fields=["asset"], condition=Q(reason="reboot_pending"), name="host_task_pending_reboots"),
            models.Index(
                fields=["deadline"], condition=Q(state__in=sorted(HELD_HOST_TASKS)), name="host_task_deadlines"
            ),
            # Of a run in waves: whether a wave has ended, how many are at work, whether any failed.
            models.Index(
                fields=["run", "wave"],
                condition=Q(wave__isnull=False) & ~Q(state__in=sorted(FINAL_HOST_TASKS)),
                name="host_task_open_of_wave",
            ),
            models.Index(
                fields=["run"],
                condition=Q(wave__isnull=False, state__in=sorted(HOST_TASKS_AT_WORK)),
                name="host_task_at_work",
            ),
            models.Index(
                fields=["run"],
                condition=Q(wave__isnull=False, state__in=sorted(FAILED_HOST_TASKS)),
                name="host_task_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"host task {self.pk}"

    def event_ids(self) -> dict[str, Any]:
        """Customer, run, host task and asset."""
        return {
            "customer_id": self.customer_id,
            "run_id": self.run_id,
            "host_task_id": self.pk,
            "asset_id": self.asset_id,
        }

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_HOST_TASKS

    @property
    def sentence(self) -> str:
        """The reason in words, or empty while it goes on."""
        return SENTENCES[Reason(self.reason)] if self.reason else ""


class Step(CustomerOwned):
    """One action, patch or scan of a host task, with its result. Made when the work is handed out."""

    host_task = SameCustomerKey(HostTask, on_delete=models.CASCADE, related_name="steps", db_index=False)
    attempt = models.IntegerField()
    number = models.IntegerField()
    kind = models.CharField(max_length=16, choices=StepKind.choices)
    stage = models.CharField(max_length=16, choices=Stage.choices, blank=True)
    title = models.CharField(max_length=600)
    # Of the snapshot: the action's id, bare, since the job may be edited while its run goes on.
    action_id = models.UUIDField(null=True)
    patch = SameCustomerKey(Patch, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    state = models.CharField(max_length=16, choices=StepState.choices, default=StepState.PENDING)
    reason = models.CharField(max_length=32, blank=True)
    exit_code = models.IntegerField(null=True)
    output = models.TextField(blank=True)
    output_cut = models.BooleanField(default=False)
    # Of a failed one: what its output comes to, without what is this host's own.
    cause = models.CharField(max_length=MAX_LENGTH, blank=True)
    from_version = models.CharField(max_length=255, blank=True)
    to_version = models.CharField(max_length=255, blank=True)
    # How often it was tried, where that is more than once.
    tries = models.PositiveSmallIntegerField(db_default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Of a patch: whether the closing scan showed it. Null until that scan.
    verified = models.BooleanField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "host_task", "attempt", "number"], name="one_step_per_number_of_an_attempt"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"
