"""Jobs, runs, host tasks and steps.

A job's columns are the fields of the wire contract. What a client's id can reach (assets, tags, patches, co-authors) is
a row of its own with a composite foreign key, so that the database refuses another customer's.
"""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core import events
from core.errors import Conflict
from deployments.reasons import SENTENCES, Reason
from deployments.states import (
    FINAL_HOST_TASKS,
    FINAL_RUNS,
    HELD_HOST_TASKS,
    HOST_TASK_MOVES,
    JOB_MOVES,
    LIVE_JOBS,
    RUN_MOVES,
    HostTaskState,
    JobState,
    RunState,
    StepState,
)
from inventory.models import Asset, Patch, Platform, Tag
from tenants.models import CustomerOwned, CustomerQuerySet, SameCustomerKey, User


class JobType(models.TextChoices):
    """What a job does with its patches."""

    INSTALL = "Install"
    ROLLBACK = "Rollback"


class ScheduleType(models.TextChoices):
    """When a job starts."""

    ON_DEMAND = "On-demand"
    ONCE = "Once"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    INTERVAL = "Interval"


class TimezoneType(models.TextChoices):
    """Whose clock a schedule is read by: each machine's own, or that of one named zone."""

    AGENT = "AGENT_TZ"
    SPECIFIC = "SPECIFIC_TZ"


class TimeoutUnit(models.TextChoices):
    """Of the patch window."""

    HOURS = "HOURS"
    MINUTES = "MINUTES"


class Combine(models.TextChoices):
    """How several tags combine."""

    ANY = "Any"
    ALL = "All"


class MissedRunPolicy(models.TextChoices):
    """What a start that was missed gets."""

    SKIP = "Skip"
    RUN_WITHIN = "RunWithin"
    AT_NEXT_CONTACT = "AtNextContact"


class HistoryStrategy(models.TextChoices):
    """What of a run is kept."""

    OFF = "OFF"
    MINIMAL = "MINIMAL"
    ERROR = "ERROR"
    FULL = "FULL"


class Trigger(models.TextChoices):
    """What opened a run."""

    SCHEDULE = "schedule"
    ENABLED = "enabled"
    USER = "user"
    PARENT = "parent"


class Part(models.TextChoices):
    """Which list of a job's targets a row belongs to."""

    INCLUDE = "include"
    MATCH_ALL = "match_all"
    EXCLUDE = "exclude"


class Stage(models.TextChoices):
    """Before or after the patches."""

    PRE = "predeploy"
    POST = "postdeploy"


class Moving(models.Model):
    """A row with a state that changes only by legal moves, each with its event in the same transaction."""

    MOVES: ClassVar[Mapping[Any, Collection[Any]]]
    EVENT: ClassVar[str]

    # Each kind of row declares its own choices and length.
    state: Any

    class Meta:
        abstract = True

    def move_to(
        self, state: str, *, at: datetime, data: Mapping[str, Any] | None = None, told_as: str = "", **changes: Any
    ) -> None:
        """Go from the state that this object shows to `state`, setting `changes` with it.

        The event is called after the new state, or `told_as` where the state alone does not say what happened.
        Raises Conflict where the move is illegal, or where the row has meanwhile left the old state: somebody else was
        first.
        """
        if state not in self.MOVES[self.state]:
            raise Conflict(f"This {self.EVENT.replace('_', ' ')} is {self.state}; it cannot become {state}.")
        changes |= {"state": state, "state_changed_at": at}
        rows: models.QuerySet[Any] = type(self)._default_manager.all()
        moved = rows.filter(pk=self.pk, state=self.state).update(**changes)
        if not moved:
            raise Conflict(f"This {self.EVENT.replace('_', ' ')} has just been changed by somebody else.")
        for name, value in changes.items():
            setattr(self, name, value)
        events.record(kind=f"{self.EVENT}.{told_as or state.lower()}", at=at, data=data, **self.event_ids())

    def event_ids(self) -> dict[str, Any]:
        """The ids that this row's events carry."""
        raise NotImplementedError


class JobQuerySet(CustomerQuerySet):
    """Jobs of a customer."""

    def live(self) -> Self:
        """Those that clients see."""
        return self.filter(state__in=LIVE_JOBS)

    def due(self, limit: int) -> Self:
        """Enabled jobs whose time has come by the database's clock, locked; other schedulers pass over them.

        Served by the partial index `job_due`: its cost depends on how many are due, not on how many exist.
        """
        return (
            self.filter(state=JobState.ENABLED, next_run_at__lte=Now())
            .order_by("next_run_at")
            .select_for_update(skip_locked=True, of=("self",))[:limit]
        )


class Job(Moving, CustomerOwned):
    """A deployment job: the definition. contract.md §3.1 says what each field means."""

    MOVES = JOB_MOVES
    EVENT = "job"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    external_id = models.CharField(max_length=256, null=True)
    name = models.CharField(max_length=256)
    description = models.TextField(null=True)
    type = models.CharField(max_length=16, choices=JobType.choices)
    platform = models.CharField(max_length=16, choices=Platform.choices)
    state = models.CharField(max_length=16, choices=JobState.choices)
    state_changed_at = models.DateTimeField()

    is_dynamic_patches_qql = models.BooleanField(default=False)
    dynamic_qql_type = models.SmallIntegerField(default=0)
    dynamic_patches_qql = models.TextField(null=True)
    additional_dynamic_qql_type = models.SmallIntegerField(default=0)
    additional_dynamic_patches_qql = models.TextField(null=True)

    filter_type = models.CharField(max_length=8, choices=Combine.choices, default=Combine.ANY)
    exclusion_filter_type = models.CharField(max_length=8, choices=Combine.choices, default=Combine.ANY)

    schedule_type = models.CharField(max_length=16, choices=ScheduleType.choices)
    # Wall-clock time where `timezone` is; no zone of its own, hence text: `2025-04-14T13:45:48`.
    start_local = models.CharField(max_length=19)
    recurring = models.BooleanField(default=False)
    recurring_week_days = models.CharField(max_length=13, null=True)
    day_of_month = models.SmallIntegerField(null=True)
    recurring_last_day_of_month = models.BooleanField(null=True)
    recurring_day_of_month = models.SmallIntegerField(null=True)
    recurring_week_day_of_month = models.SmallIntegerField(null=True)
    monthly_recurring_type = models.SmallIntegerField(null=True)
    patch_tuesday_plus_x_days = models.SmallIntegerField(null=True)
    recurrence_interval = models.CharField(max_length=64, null=True)
    do_not_run_until = models.DateTimeField(null=True)
    timezone_type = models.CharField(max_length=16, choices=TimezoneType.choices)
    timezone = models.CharField(max_length=64)
    timeout = models.IntegerField(default=-1)
    timeout_unit = models.CharField(max_length=8, choices=TimeoutUnit.choices, default=TimeoutUnit.HOURS)
    missed_run_policy = models.CharField(
        max_length=16, choices=MissedRunPolicy.choices, default=MissedRunPolicy.RUN_WITHIN
    )
    missed_run_within = models.CharField(max_length=64, default="PT4H")

    pre_deployment = models.JSONField(null=True)
    during_deployment = models.JSONField(null=True)
    post_deployment = models.JSONField(null=True)
    minimize_window = models.BooleanField(default=False)
    opportunistic_downloads = models.BooleanField(default=False)
    continue_on_patch_failure = models.BooleanField(default=False)
    download_randomize_time = models.SmallIntegerField(null=True)
    download_randomize_time_unit = models.CharField(max_length=8, choices=TimeoutUnit.choices, null=True)
    enable_reattempt_failed_patches = models.BooleanField(default=False)
    reattempt_failed_patches = models.JSONField(null=True)

    linked_job = SameCustomerKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    chained_job_rule = models.JSONField(null=True)
    notification = models.JSONField(null=True)
    custom_patch_url_id = models.BigIntegerField(null=True)
    remediation_qids = models.JSONField(null=True)
    is_vuln_context = models.BooleanField(null=True)
    history_strategy = models.CharField(max_length=8, choices=HistoryStrategy.choices, default=HistoryStrategy.FULL)
    retention_period = models.IntegerField(default=90)
    rollout = models.JSONField(null=True)
    calendar_ids = models.JSONField(null=True)
    requires_approval = models.BooleanField(default=False)
    # Which keys the client sent empty (`""`, `[]`) rather than not at all: they come back as they were sent.
    sent_empty = models.JSONField(default=dict)

    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(null=True)
    deleted_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    deleted_at = models.DateTimeField(null=True)

    # The next start that the tick looks for; null where there is none.
    next_run_at = models.DateTimeField(null=True)
    # Counts the runs of this job; changed under the job's row lock.
    last_instance = models.IntegerField(default=0)

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "external_id"],
                condition=Q(state__in=sorted(LIVE_JOBS)),
                name="one_live_job_per_external_id",
            ),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_has_a_known_state"),
            models.CheckConstraint(
                condition=Q(next_run_at=None) | Q(state=JobState.ENABLED), name="only_an_enabled_job_has_a_next_run"
            ),
        ]
        indexes: ClassVar = [
            # The tick.
            models.Index(fields=["next_run_at"], condition=Q(state="Enabled"), name="job_due"),
            # Lists, newest first, and `byname`.
            models.Index(fields=["customer", "-id"], condition=Q(state__in=sorted(LIVE_JOBS)), name="job_live"),
            models.Index(fields=["customer", "name"], name="job_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_ids(self) -> dict[str, Any]:
        """Customer and job."""
        return {"customer_id": self.customer_id, "job_id": self.pk}

    @property
    def is_run_once(self) -> bool:
        """On-demand and Once jobs are enabled once, and are neither edited nor disabled after that."""
        return self.schedule_type in {ScheduleType.ON_DEMAND, ScheduleType.ONCE}


class JobAsset(CustomerOwned):
    """An asset that a job names, to include or to exclude."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="asset_links")
    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=16, choices=Part.choices)
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "part", "asset"], name="a_job_names_an_asset_once"),
        ]


class JobTag(CustomerOwned):
    """A tag that a job names."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="tag_links")
    tag = SameCustomerKey(Tag, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=16, choices=Part.choices)
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "part", "tag"], name="a_job_names_a_tag_once"),
        ]


class JobPatch(CustomerOwned):
    """A patch of a job's explicit list."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="patch_links")
    patch = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="+")
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "patch"], name="a_job_names_a_patch_once"),
        ]


class JobCoAuthor(CustomerOwned):
    """A person who may edit a job beside its author."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="co_author_links")
    user = SameCustomerKey(User, on_delete=models.CASCADE, related_name="+")
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "user"], name="a_job_names_a_co_author_once"),
        ]


class JobAction(CustomerOwned):
    """A pre- or post-action of a job. Its script is stored here once and answered as a path."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="actions")
    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    position = models.IntegerField()
    action = models.CharField(max_length=32)
    params = models.JSONField(default=dict)
    script = models.BinaryField(null=True)
    script_type = models.CharField(max_length=8, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "job", "stage", "position"], name="one_action_per_place_of_a_job"
            ),
        ]


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
    state = models.CharField(max_length=20, choices=RunState.choices, default=RunState.PENDING)
    state_changed_at = models.DateTimeField()
    reason = models.CharField(max_length=32, choices=Reason.choices, blank=True)
    opened_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    snapshot = models.JSONField(default=dict)
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
            models.CheckConstraint(
                condition=Q(finished_at=None, reason="") & ~Q(state__in=sorted(FINAL_RUNS))
                | Q(finished_at__isnull=False, state__in=sorted(FINAL_RUNS)) & ~Q(reason=""),
                name="a_run_has_an_end_and_a_reason_if_and_only_if_final",
            ),
        ]
        indexes: ClassVar = [
            # The sweep: what is still going.
            models.Index(fields=["deadline"], condition=~Q(state__in=sorted(FINAL_RUNS)), name="run_open"),
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
    deadline = models.DateTimeField()
    attempt = models.IntegerField(db_default=0)
    # Rises with each lease: a report that carries an older one comes from somebody who lost it.
    fence = models.IntegerField(db_default=0)
    lease_until = models.DateTimeField(null=True)
    # Of the current attempt: reports up to this number have been taken in.
    accepted_through = models.IntegerField(db_default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

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
                condition=Q(lease_until__isnull=False) | ~Q(state__in=["Leased", "Running", "Verifying"]),
                name="held_work_has_a_lease",
            ),
        ]
        indexes: ClassVar = [
            # What an asset is to do next.
            models.Index(fields=["asset", "start_at"], condition=Q(state="Pending"), name="host_task_next"),
            # The sweep: leases that ran out, deadlines that passed.
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["Leased", "Running", "Verifying"]),
                name="host_task_leases",
            ),
            models.Index(
                fields=["deadline"], condition=~Q(state__in=sorted(FINAL_HOST_TASKS)), name="host_task_deadlines"
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


class StepKind(models.TextChoices):
    """What a step does."""

    ACTION = "action"
    PATCH = "patch"
    SCAN = "scan"


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
    from_version = models.CharField(max_length=255, blank=True)
    to_version = models.CharField(max_length=255, blank=True)
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
