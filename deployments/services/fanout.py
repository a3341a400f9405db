"""A run's hosts: every asset that its targets include, with what it has to do there, or why not, and when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Case, CharField, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Greatest, Least
from django.db.models.lookups import GreaterThan, LessThan, LessThanOrEqual

from deployments import schedules
from deployments.due import may_be_late
from deployments.models import JobType, Run, ScheduleType, TimezoneType, Trigger
from deployments.reasons import Reason
from deployments.services.rollouts import waved
from deployments.services.snapshots import target_of
from deployments.states import HostTaskState
from inventory.models import AssetPatch, PatchStatus
from inventory.targeting import considered
from scheduling import zones


def hosts_of(run: Run) -> QuerySet[Any]:
    """The assets considered, the excluded ones too, each with `reason_` ('' if none), `start_` and `deadline_`.

    The run's snapshot is all that counts; the run itself need not be stored.
    """
    assets = considered(customer_id=run.customer_id, target=target_of(run.snapshot))
    return assets.annotate(reason_=_reason(run), **_times(run))


def make_host_tasks(run: Run, *, at: datetime) -> None:
    """One INSERT … SELECT: a row for every asset considered, those with nothing to do already at their end."""
    hosts = waved(hosts_of(run).annotate(ends_=_missed(run, F("reason_"), at=at)), run, left_out="ends_")
    rows = hosts.values_list(
        Value(run.customer_id),
        Value(run.pk),
        F("pk"),
        Case(
            When(ends_="", then=Value(HostTaskState.PENDING.value)),
            When(ends_=Reason.EXCLUDED.value, then=Value(HostTaskState.SKIPPED.value)),
            When(ends_=Reason.START_MISSED.value, then=Value(HostTaskState.MISSED.value)),
            default=Value(HostTaskState.NOT_APPLICABLE.value),
            output_field=CharField(),
        ),
        _at(at),
        F("ends_"),
        F("start_"),
        _start_before(run, at=at),
        F("deadline_"),
        Case(When(ends_="", then=None), default=_at(at), output_field=DateTimeField()),
        F("wave_"),
    )
    try:
        sql, params = rows.order_by().query.sql_with_params()
    except EmptyResultSet:
        # The targets name nobody, as when all assets of the job have been deleted since.
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deployments_hosttask (customer_id, run_id, asset_id, state, state_changed_at, reason, "
            f"start_at, start_before, deadline, finished_at, wave) {sql}",
            params,
        )


def _times(run: Run) -> dict[str, Any]:
    """Start and deadline of each asset: one for all, or by the asset's own clock."""
    if run.job.timezone_type != TimezoneType.AGENT or run.trigger != Trigger.SCHEDULE:
        return {"start_": _at(run.scheduled_for), "deadline_": _at(run.deadline)}
    named = considered(customer_id=run.customer_id, target=target_of(run.snapshot)).values_list("timezone", flat=True)
    starts: dict[datetime, list[str]] = {}
    deadlines: dict[datetime, list[str]] = {}
    for name in named.order_by("timezone").distinct():
        zone = zones.canonical_name(name) or run.job.timezone
        start = schedules.start_in(run.job, zone, run.scheduled_for)
        starts.setdefault(start, []).append(name)
        deadlines.setdefault(schedules.deadline_of(run.job, start=start, zone=zone), []).append(name)
    return {"start_": _by_zone(starts, run.scheduled_for), "deadline_": _by_zone(deadlines, run.deadline)}


def _missed(run: Run, reason: F, *, at: datetime) -> Any:
    """`reason`, or that a machine's own start passed too long ago: the run may have begun for others' sake alone."""
    job = run.job
    by_clocks = job.timezone_type == TimezoneType.AGENT and run.trigger == Trigger.SCHEDULE
    # Once it has been enabled inside its window, a job that runs once begins wherever that is open.
    if not by_clocks or (job.schedule_type == ScheduleType.ONCE and job.disabled_until is not None):
        return reason
    late = may_be_late(job)
    over = LessThanOrEqual(F("deadline_"), _at(at)) if late is None else LessThan(F("start_"), _at(at - late))
    return Case(When(Q(over, reason_=""), then=Value(Reason.START_MISSED.value)), default=reason)


def _start_before(run: Run, *, at: datetime) -> Any:
    """By when each asset must have begun: counted from its start, or from now where that has passed already.

    Until its wave opens, an asset misses nothing: that is when the count begins.
    """
    late = may_be_late(run.job)
    if late is None:
        return F("deadline_")
    begun = Least(F("deadline_"), Greatest(F("start_"), _at(at)) + Value(late), output_field=DateTimeField())
    return Case(When(GreaterThan(F("wave_"), Value(1)), then=F("deadline_")), default=begun)


def _by_zone(times: Mapping[datetime, list[str]], otherwise: datetime) -> Case:
    whens = [When(timezone__in=names, then=_at(time)) for time, names in times.items()]
    return Case(*whens, default=_at(otherwise), output_field=DateTimeField())


def _at(time: datetime) -> Value:
    return Value(time, DateTimeField())


def _reason(run: Run) -> Case:
    """Why an asset has nothing to do in this run, or '' where it has."""
    return Case(
        When(target_of(run.snapshot).excluded(), then=Value(Reason.EXCLUDED.value)),
        When(~Q(platform=run.snapshot["platform"]), then=Value(Reason.OTHER_PLATFORM.value)),
        *_nothing_to_do(run),
        default=Value(""),
        output_field=CharField(),
    )


def _nothing_to_do(run: Run) -> list[When]:
    """By its last scan, the asset needs no patch of the run. One without a scan finds out itself."""
    patch_ids = [patch["pk"] for patch in run.snapshot["patches"]]
    if not patch_ids:
        # A query that finds nothing leaves nothing to do; a job of actions alone never asked for patches.
        empty = run.snapshot.get("wantsPatches")
        return [When(pk__isnull=False, then=Value(Reason.NO_PATCH_MISSING.value))] if empty else []
    here = AssetPatch.objects.filter(customer_id=run.customer_id, asset_id=OuterRef("pk"), patch_id__in=patch_ids)
    scanned = Q(scanned_at__isnull=False)
    if run.snapshot["type"] == JobType.INSTALL:
        missing = Exists(here.filter(status=PatchStatus.MISSING))
        return [When(scanned & ~Q(missing), then=Value(Reason.NO_PATCH_MISSING.value))]
    replaced = Exists(here.exclude(from_version="").filter(Q(status=PatchStatus.INSTALLED) | Q(broken=True)))
    return [When(scanned & ~Q(replaced), then=Value(Reason.NOTHING_TO_ROLL_BACK.value))]
