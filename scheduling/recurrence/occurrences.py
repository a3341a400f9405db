"""When a rule's times come in a zone: the instants, in UTC.

They are the instants of `zones.instant`: a wall-clock time in a gap is the first instant after the gap, one that comes
twice is the first. As those never decrease while wall-clock times rise, the arithmetic is done on the clock, and what
is left is to look past a time that had come already before the clock was put back, or that a gap moved to the same
instant. Two times that a gap moves to one instant are one occurrence.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from scheduling import zones
from scheduling.recurrence.calendar_steps import CalendarSteps
from scheduling.recurrence.durations import Duration
from scheduling.recurrence.rules import FIRST_YEAR, LAST_YEAR, Interval, Rule

# Beyond these nothing recurs in any zone, and clocks could leave the years that can be reckoned with.
_EARLIEST, _LATEST = datetime(FIRST_YEAR - 1, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 2, 1, 1, tzinfo=UTC)
# An interval, which has no days of its own, recurs from the one until before the other.
_FIRST, _END = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_FIRST_ANCHOR = datetime(1, 1, 2, tzinfo=UTC)
_A_MOMENT = timedelta(microseconds=1)
_BEFORE_FIRST = _FIRST - _A_MOMENT


class LocalTimes(Protocol):
    """What has wall-clock times."""

    def next_local(self, local: datetime) -> datetime | None: ...
    def previous_local(self, local: datetime) -> datetime | None: ...


def next_after(rule: Rule, zone: str, after: datetime) -> datetime | None:
    """The first occurrence, in UTC, strictly after an instant; None where there is none until the end of 2200."""
    at = _reckoned(after)
    return _next_of_interval(rule, zone, at) if isinstance(rule, Interval) else _next(rule, rule, zone, at)


def previous_before(rule: Rule, zone: str, before: datetime) -> datetime | None:
    """The last occurrence, in UTC, strictly before an instant; None where there is none since 1970."""
    at = _reckoned(before)
    return _previous_of_interval(rule, zone, at) if isinstance(rule, Interval) else _previous(rule, rule, zone, at)


def between(rule: Rule, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The occurrences, in UTC, from `start` until before `end`, one by one as they are asked for."""
    end = _reckoned(end)
    found = next_after(rule, zone, _reckoned(start) - _A_MOMENT)
    while found is not None and found < end:
        yield found
        found = next_after(rule, zone, found)


def next_local_after(rule: Rule, local: datetime) -> datetime | None:
    """The first wall-clock time of a rule strictly after another, wherever that clock may hang.

    Raises ValueError for an Interval, which counts from an instant.
    """
    return _wall_clock(rule).next_local(local)


def previous_local_before(rule: Rule, local: datetime) -> datetime | None:
    """The last wall-clock time of a rule strictly before another. Raises ValueError for an Interval."""
    return _wall_clock(rule).previous_local(local)


def occurrence_at(rule: Rule, zone: str, local: datetime) -> datetime:
    """The occurrence that a wall-clock time of a rule makes in a zone."""
    found = zones.instant(local, zone)
    # An anchor in the second of two equal hours is itself the first occurrence, and not its time an hour before.
    return max(found, rule.anchor) if isinstance(rule, Interval) else found


def local_times(rule: Rule, zone: str) -> LocalTimes:
    """The wall-clock times of a rule in a zone. Not for an Interval of elapsed time, which has none of its own."""
    return _steps(rule.anchor, zone, rule.period) if isinstance(rule, Interval) else rule


@lru_cache(maxsize=10_000)
def _steps(anchor: datetime, zone: str, period: Duration) -> CalendarSteps:
    if not FIRST_YEAR <= anchor.year <= LAST_YEAR:
        # At both ends of the calendar there are clocks that show a year which it does not have.
        anchor = min(max(anchor, _FIRST_ANCHOR), _LATEST)
    return CalendarSteps(zones.clock(anchor, zone), period.months, period.beside_months)


def _next(rule: Rule, times: LocalTimes, zone: str, at: datetime) -> datetime | None:
    local = times.next_local(zones.clock(at, zone))
    while local is not None:
        found = occurrence_at(rule, zone, local)
        if found > at:
            return found
        local = times.next_local(local)
    return None


def _previous(rule: Rule, times: LocalTimes, zone: str, at: datetime) -> datetime | None:
    local = times.previous_local(_furthest_clock(at, zone))
    while local is not None:
        found = occurrence_at(rule, zone, local)
        if found < at:
            return found
        local = times.previous_local(local)
    return None


def _next_of_interval(rule: Interval, zone: str, at: datetime) -> datetime | None:
    at = max(at, _BEFORE_FIRST)
    if at < rule.anchor:
        found: datetime | None = rule.anchor
    elif rule.period.by_calendar:
        found = _next(rule, _steps(rule.anchor, zone, rule.period), zone, at)
    else:
        period = rule.period.beside_months
        found = rule.anchor + ((at - rule.anchor) // period + 1) * period
    return found if found and found < _END else None


def _previous_of_interval(rule: Interval, zone: str, at: datetime) -> datetime | None:
    at = min(at, _END)
    if at <= rule.anchor:
        return None
    if rule.period.by_calendar:
        found = _previous(rule, local_times(rule, zone), zone, at)
    else:
        period = rule.period.beside_months
        found = rule.anchor + (at - rule.anchor - _A_MOMENT) // period * period
    return found if found and found >= _FIRST else None


def _wall_clock(rule: Rule) -> LocalTimes:
    if isinstance(rule, Interval):
        raise ValueError("an interval counts from an instant, and has no wall-clock times without a zone")
    return rule


def _reckoned(at: datetime) -> datetime:
    """An instant in UTC, or the nearest to it of those that are reckoned with."""
    if at.tzinfo is None:
        raise ValueError("must be an instant, with an offset")
    if at.year < FIRST_YEAR - 1:
        return _EARLIEST
    if at.year > LAST_YEAR + 1:
        return _LATEST
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _furthest_clock(at: datetime, zone: str) -> datetime:
    """The latest that clocks have shown before an instant: more than they show now, where they were put back."""
    shown = zones.clock(at, zone)
    if not shown.fold:
        return shown
    # The hour comes for the second time: its first time went on until so much later on the clock.
    return shown + (at - zones.instant(shown, zone))
