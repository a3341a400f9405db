"""Jobs and what they name.

A job's columns are the fields of the wire contract. What a client's id can reach (assets, tags, patches, calendars,
co-authors) is a row of its own with a composite foreign key, so that the database refuses another customer's.
"""

import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from calendars.models import Calendar
from deployments.models.choices import (
    Combine,
    HistoryStrategy,
    JobType,
    MissedRunPolicy,
    Part,
    ScheduleType,
    TimeoutUnit,
    TimezoneType,
)
from deployments.models.moving import Moving
from deployments.states import JOB_MOVES, LIVE_JOBS, JobState
from inventory.models import Asset, CustomPatchUrl, Patch, Platform, Tag
from tenants.models import CustomerOwned, CustomerQuerySet, SameCustomerKey, User


class JobQuerySet(CustomerQuerySet):
    """Jobs of a customer."""

    def live(self) -> Self:
        """Those that clients see."""
        return self.filter(state__in=LIVE_JOBS)

    def named(self, name: str) -> Self:
        """Those that a client calls so, by id or external id: at most one, or two where one's id is another's name.

        The one with the id comes first.
        """
        try:
            identifier = uuid.UUID(name)
        except ValueError:
            return self.filter(external_id=name).order_by("-pk")
        id_first = Case(When(public_id=identifier, then=0), default=1)
        return self.filter(Q(public_id=identifier) | Q(external_id=name)).order_by(id_first, "-pk")

    def due(self, limit: int, *, late: bool, after: timedelta) -> Self:
        """Enabled jobs whose time has come by the database's clock, locked; other schedulers pass over them.

        Those whose time came longer than `after` ago are late, and are claimed apart. Served by the partial index
        `job_due`: its cost depends on how many are due, not on how many exist.
        """
        bounds: dict[str, Any] = {"due_at__lte": Now() - after}
        if not late:
            bounds = {"due_at__gt": Now() - after, "due_at__lte": Now()}
        return (
            self.filter(state=JobState.ENABLED, **bounds)
            .order_by("due_at")
            .select_for_update(skip_locked=True, of=("self",))[:limit]
        )


class Job(Moving, CustomerOwned):
    """A deployment job: the definition. `deployments.definition` says what each field means."""

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
    custom_patch_url = SameCustomerKey(CustomPatchUrl, null=True, on_delete=models.PROTECT, related_name="jobs")
    remediation_qids = models.JSONField(null=True)
    is_vuln_context = models.BooleanField(null=True)
    history_strategy = models.CharField(max_length=8, choices=HistoryStrategy.choices, default=HistoryStrategy.FULL)
    retention_period = models.IntegerField(default=90)
    rollout = models.JSONField(null=True)
    requires_approval = models.BooleanField(default=False)
    # Which keys the client sent empty (`""`, `[]`) rather than not at all: they come back as they were sent.
    sent_empty = models.JSONField(default=dict)

    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(null=True)
    deleted_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    deleted_at = models.DateTimeField(null=True)

    # The next start; null where there is none. With AGENT_TZ, the moment when the first zone on Earth reaches it.
    next_run_at = models.DateTimeField(null=True)
    # When the tick looks at the job: at its next start, which with AGENT_TZ is in the end that of its first machine.
    due_at = models.DateTimeField(null=True)
    # From here on its starts have been missed: it is disabled, but was not always.
    disabled_since = models.DateTimeField(null=True)
    # Starts before this were missed because it was disabled; the tick settles them one by one.
    disabled_until = models.DateTimeField(null=True)
    # Counts the changes of the definition and the status; the ETag is made of it.
    revision = models.IntegerField(default=1)
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
            models.CheckConstraint(
                condition=Q(next_run_at=None, due_at=None) | Q(next_run_at__isnull=False, due_at__isnull=False),
                name="a_job_is_due_if_and_only_if_it_has_a_next_run",
            ),
        ]
        indexes: ClassVar = [
            # The tick.
            models.Index(fields=["due_at"], condition=Q(state="Enabled"), name="job_due"),
            # Lists by name, and newest first; counts; and `byname`.
            models.Index(
                fields=["customer", "name", "id"], condition=Q(state__in=sorted(LIVE_JOBS)), name="job_live_by_name"
            ),
            models.Index(
                fields=["customer", "created_at", "id"],
                condition=Q(state__in=sorted(LIVE_JOBS)),
                name="job_live_by_creation",
            ),
            # Those of deleted jobs, too: their history is found by them.
            models.Index(fields=["customer", "external_id"], name="job_by_external_id"),
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
    # A job that lost a tag which narrows it would reach more machines than its author meant.
    tag = SameCustomerKey(Tag, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=16, choices=Part.choices)
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "part", "tag"], name="a_job_names_a_tag_once"),
        ]


class JobPatch(CustomerOwned):
    """A patch of a job's explicit list."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="patch_links")
    patch = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="job_links")
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


class JobCalendar(CustomerOwned):
    """A calendar whose freezes hold a job back."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="calendar_links")
    # A job that lost a calendar would start where its author meant it to wait.
    calendar = SameCustomerKey(Calendar, on_delete=models.PROTECT, related_name="+")
    position = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "job", "calendar"], name="a_job_names_a_calendar_once"),
        ]

    def __str__(self) -> str:
        return self.job.name
