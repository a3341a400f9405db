"""A job's schedule as a rule of recurrence, and the starts and deadlines that follow from it. Pure; no queries.

`job` is anything with the columns of a job's schedule. With AGENT_TZ every machine reads the same wall-clock time by
its own clock: one occurrence then lasts from the moment when the first zone on Earth reaches it to the last one's.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.models.choices import ScheduleType, TimezoneType
from scheduling import local_time, recurrence, windows, zones

# POSIX signs: these are UTC+14 and UTC-12, where a wall-clock time comes first and last.
FIRST_ZONE, LAST_ZONE = "Etc/GMT-14", "Etc/GMT+12"
EVERYWHERE = (FIRST_ZONE, LAST_ZONE)
AROUND_THE_EARTH = timedelta(hours=26)
# The columns that say when a job starts, and when its windows close. The tick's role may read no others.
STARTS = (
    "schedule_type",
    "start_local",
    "recurring_week_days",
    "day_of_month",
    "recurring_last_day_of_month",
    "recurring_day_of_month",
    "recurring_week_day_of_month",
    "monthly_recurring_type",
    "patch_tuesday_plus_x_days",
    "recurrence_interval",
    "do_not_run_until",
    "timezone_type",
    "timezone",
)
COLUMNS = (*STARTS, "timeout", "timeout_unit")
A_MOMENT = timedelta(microseconds=1)


def rule_of(job: Any) -> recurrence.Rule:
    """The rule that a job's columns say."""
    start = local_time.parse(job.start_local)
    match ScheduleType(job.schedule_type):
        case ScheduleType.ON_DEMAND:
            return recurrence.OnDemand()
        case ScheduleType.ONCE:
            return recurrence.Once(start)
        case ScheduleType.DAILY:
            return recurrence.Daily(start)
        case ScheduleType.WEEKLY:
            marks = str(job.recurring_week_days).split(",")
            return recurrence.Weekly(start, tuple(day for day, mark in enumerate(marks) if mark == "1"))
        case ScheduleType.MONTHLY:
            return _monthly(job, start)
        case ScheduleType.INTERVAL:
            anchor = job.do_not_run_until or zones.instant(start, job.timezone)
            return recurrence.Interval(recurrence.parse_duration(job.recurrence_interval), anchor)


def next_start(job: Any, *, after: datetime) -> datetime | None:
    """The first start after an instant, in UTC; of an AGENT_TZ job the earliest on Earth. None where there is none."""
    return next_in(job, zone_of(job), after=after)


def next_in(job: Any, zone: str, *, after: datetime) -> datetime | None:
    """The first start after an instant where clocks are those of `zone`."""
    if job.schedule_type == ScheduleType.INTERVAL:
        # An interval is counted from its anchor, and begins no earlier than the job's start.
        after = max(after, zones.instant(local_time.parse(job.start_local), zone) - A_MOMENT)
    return recurrence.next_after(rule_of(job), zone, after)


def coming(job: Any, zone: str, *, after: datetime, most: int) -> Iterator[datetime]:
    """The next starts after an instant where clocks are those of `zone`, at most so many."""
    for _ in range(most):
        found = next_in(job, zone, after=after)
        if found is None:
            return
        yield found
        after = found


def zone_of(job: Any) -> str:
    """The zone whose clock the tick reads a job's schedule by."""
    return FIRST_ZONE if job.timezone_type == TimezoneType.AGENT else job.timezone


def start_in(job: Any, zone: str, occurrence: datetime) -> datetime:
    """When an occurrence that `next_start` gave begins on machines of `zone`."""
    if job.timezone_type != TimezoneType.AGENT:
        return occurrence
    local = occurrence.astimezone(zones.zone(FIRST_ZONE)).replace(tzinfo=None)
    return zones.instant(local, zone)


def starts_differ(one: Any, other: Any) -> bool:
    """Whether two definitions start at different times."""
    return any(getattr(one, name) != getattr(other, name) for name in STARTS)


def first_start_of(job: Any, occurrence: datetime, among: Iterable[str] = EVERYWHERE) -> datetime:
    """When an occurrence that `next_start` gave begins where it begins first, of these zones."""
    return min(start_in(job, zone, occurrence) for zone in among)


def last_start_of(job: Any, occurrence: datetime, among: Iterable[str] = EVERYWHERE) -> datetime:
    """When it has begun in all of them."""
    return max(start_in(job, zone, occurrence) for zone in among)


def deadline_of(job: Any, *, start: datetime, zone: str | None = None) -> datetime:
    """When the window of a start closes. Without a length it lasts until the next occurrence, 30 days at most."""
    following = next_in(job, zone or job.timezone, after=start) if job.timeout == windows.NO_END else None
    return windows.deadline(start=start, timeout=job.timeout, unit=job.timeout_unit, next_start=following)


def last_deadline_of(job: Any, *, occurrence: datetime) -> datetime:
    """When the window of an occurrence has closed everywhere."""
    if job.timezone_type != TimezoneType.AGENT:
        return deadline_of(job, start=occurrence)
    return deadline_of(job, start=last_start_of(job, occurrence), zone=LAST_ZONE)


def once_at(job: Any) -> datetime:
    """The start of a Once job, as the tick looks for it."""
    return zones.instant(local_time.parse(job.start_local), zone_of(job)).astimezone(UTC)


def _monthly(job: Any, start: datetime) -> recurrence.Rule:
    if job.day_of_month is not None:
        return recurrence.MonthlyOnDay(start, job.day_of_month)
    if job.recurring_last_day_of_month:
        return recurrence.MonthlyOnLastDay(start)
    if job.recurring_day_of_month is not None:
        return recurrence.MonthlyOnWeekday(start, job.recurring_day_of_month, job.recurring_week_day_of_month)
    return recurrence.PatchTuesday(start, job.patch_tuesday_plus_x_days or 0)
