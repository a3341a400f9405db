"""Two other ways to find out when something recurs, which share no arithmetic with the one under test.

`rrule`: python-dateutil's rules for the wall clock, and for the instant a search among the offsets that the zone has.
`watched`: somebody who looks at a clock and a calendar every minute.
"""

import calendar
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, MONTHLY, SECONDLY, TU, WEEKLY, rrule, weekday

from scheduling.recurrence import (
    Daily,
    Interval,
    MonthlyOnDay,
    MonthlyOnLastDay,
    MonthlyOnWeekday,
    Once,
    PatchTuesday,
    Rule,
    Weekly,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_NEAR = {Daily: 5 * DAY, Weekly: 23 * DAY}


def clock(at: datetime, zone: str) -> datetime:
    """What a clock shows, without a trace of the offset it does that by."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


# --- python-dateutil -------------------------------------------------------------------------------------------------


def rrule_locals(rule: Rule, around: datetime) -> list[datetime]:
    """The wall-clock times of a rule that has days, in some days or months around one."""
    near = _NEAR.get(type(rule), 95 * DAY)
    # A rule without an interval is the same from any later day, and rrule counts from its first.
    begin = max(rule.start, datetime.combine((around - near).date(), rule.start.time()))
    until = around + near
    if isinstance(rule, Once):
        return [rule.start]
    if isinstance(rule, PatchTuesday):
        tuesdays = rrule(MONTHLY, dtstart=begin - 31 * DAY, until=until + 31 * DAY, byweekday=TU(2))
        return [found for day in tuesdays if begin <= (found := day + rule.offset * DAY) <= until]
    return list(_rrule_of(rule, begin, until))


def _rrule_of(rule: Rule, begin: datetime, until: datetime) -> rrule:
    match rule:
        case Daily():
            return rrule(DAILY, dtstart=begin, until=until)
        case Weekly(weekdays=days):
            return rrule(WEEKLY, dtstart=begin, until=until, byweekday=[(day - 1) % 7 for day in days])
        case MonthlyOnDay(day=day):
            return rrule(MONTHLY, dtstart=begin, until=until, **_clamped(day))
        case MonthlyOnLastDay():
            return rrule(MONTHLY, dtstart=begin, until=until, bymonthday=-1)
        case MonthlyOnWeekday(nth=nth, weekday=day):
            nth = -1 if nth == 5 else nth
            return rrule(MONTHLY, dtstart=begin, until=until, byweekday=weekday((day - 1) % 7)(nth))
    raise AssertionError(rule)


def _clamped(day: int) -> dict[str, object]:
    return {"bymonthday": tuple(range(min(day, 28), day + 1)), "bysetpos": -1}


def rrule_instants(rule: Rule, zone: str, around: datetime) -> list[datetime]:
    """The instants of a rule nearest to one, up to two to each side; of an interval its anchor, too."""
    if not isinstance(rule, Interval):
        shown = clock(around, zone)
        locals_ = rrule_locals(rule, shown)
        return sorted({searched_instant(found, zone) for found in _nearest(locals_, shown)})
    longest = timedelta(31 * rule.period.months + rule.period.days, rule.period.seconds)
    until = max(around, rule.anchor) + 4 * longest
    if not rule.period.by_calendar:
        return list(rrule(SECONDLY, dtstart=rule.anchor, until=until, interval=rule.period.seconds))
    locals_ = _calendar_locals(rule, clock(rule.anchor, zone), clock(until, zone))
    return [rule.anchor, *sorted({searched_instant(found, zone) for found in locals_[1:]})]


def _nearest(locals_: list[datetime], shown: datetime) -> list[datetime]:
    passed = sum(found <= shown for found in locals_)
    return locals_[max(passed - 2, 0) : passed + 2]


def _calendar_locals(rule: Interval, anchor: datetime, until: datetime) -> list[datetime]:
    period = rule.period
    if period.months and not (period.days or period.seconds):
        return list(rrule(MONTHLY, dtstart=anchor, until=until, interval=period.months, **_clamped(anchor.day)))
    if period.days and not (period.months or period.seconds):
        return list(rrule(DAILY, dtstart=anchor, until=until, interval=period.days))
    # rrule has no such steps.
    found, step = [anchor], 0
    while found[-1] <= until:
        step += 1
        found.append(
            anchor
            + relativedelta(months=step * period.months)
            + relativedelta(days=step * period.days, seconds=step * period.seconds)
        )
    return found


def searched_instant(local: datetime, zone: str) -> datetime:
    """The first instant at which a clock shows a time or, if it never does, more, by the offsets around."""
    near = [local.replace(tzinfo=UTC) + hours * HOUR for hours in range(-26, 27, 13)]
    offsets = {at.astimezone(ZoneInfo(zone)).utcoffset() for at in near}
    readings = [local.replace(tzinfo=UTC) - offset for offset in offsets]
    shown = [at for at in readings if clock(at, zone) == local]
    if shown:
        return min(shown)
    low, high = min(readings) - HOUR, max(readings) + HOUR
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if clock(middle, zone) < local else (low, middle)
    return high


# --- A watched clock -------------------------------------------------------------------------------------------------


class Watch:
    """What a clock in a zone shows in each minute of 36 hours, of which `middle` is the middle."""

    def __init__(self, zone: str, middle: datetime) -> None:
        self.zone = zone
        self.middle = middle.replace(second=0, microsecond=0)
        self.start, self.end = self.middle - 18 * HOUR, self.middle + 18 * HOUR
        self.minutes = [self.start + number * MINUTE for number in range(36 * 60)]
        self.shown = [clock(at, zone) for at in self.minutes]
        self.before = clock(self.start - MINUTE, zone)

    def occurrences(self, rule: Rule) -> list[datetime]:
        """The minutes in which a rule comes to pass; its time of day has to be a whole minute."""
        if isinstance(rule, Interval) and not rule.period.by_calendar:
            return [
                at for at in self.minutes if at >= rule.anchor and (at - rule.anchor) % _seconds(rule) == timedelta()
            ]
        due = sorted(self._due(rule))
        found, furthest = [], self.before
        for at, shown in zip(self.minutes, self.shown, strict=True):
            # A clock that was put back shows nothing new until it is past what it has shown.
            if shown > furthest:
                if any(furthest < local <= shown for local in due):
                    found.append(at)
                furthest = shown
        if isinstance(rule, Interval):
            found = [at for at in found if at > rule.anchor]
            found = [rule.anchor, *found] if self.start <= rule.anchor < self.end else found
        return found

    def _due(self, rule: Rule) -> Iterator[datetime]:
        """The wall-clock times of a rule on the days that the clock shows, and one more to each side."""
        first, last = self.before.date() - DAY, max(self.shown).date() + DAY
        if isinstance(rule, Interval):
            yield from _steps(rule, clock(rule.anchor, self.zone), datetime.combine(last, datetime.min.time()))
            return
        on_day = _calendar_of(rule)
        while first <= last:
            local = datetime.combine(first, rule.start.time())
            if local >= rule.start and on_day(first):
                yield local
            first += DAY


def _seconds(rule: Interval) -> timedelta:
    return timedelta(seconds=rule.period.seconds)


def _steps(rule: Interval, anchor: datetime, until: datetime) -> Iterator[datetime]:
    step, local = 0, anchor
    while local <= until:
        yield local
        step += 1
        months = anchor.year * 12 + anchor.month - 1 + step * rule.period.months
        day = min(anchor.day, calendar.monthrange(months // 12, months % 12 + 1)[1])
        local = anchor.replace(year=months // 12, month=months % 12 + 1, day=day)
        local += step * timedelta(rule.period.days, rule.period.seconds)


def _calendar_of(rule: Rule) -> Callable[[date], bool]:  # noqa: PLR0911 - one for each kind
    """Whether a rule has a day, as one says it who looks at a calendar on the wall."""
    match rule:
        case Once(start=start):
            return lambda day: day == start.date()
        case Daily():
            return lambda day: True
        case Weekly(weekdays=weekdays):
            return lambda day: day.isoweekday() % 7 in weekdays
        case MonthlyOnDay(day=number):
            return lambda day: day.day == number or (day.day < number and _ends_month(day))
        case MonthlyOnLastDay():
            return _ends_month
        case MonthlyOnWeekday(nth=5, weekday=weekday):
            return lambda day: day.isoweekday() % 7 == weekday and (day + 7 * DAY).month != day.month
        case MonthlyOnWeekday(nth=nth, weekday=weekday):
            return lambda day: day.isoweekday() % 7 == weekday and (day.day + 6) // 7 == nth
        case PatchTuesday(offset=offset):
            return lambda day: _is_patch_tuesday(day - offset * DAY)
    raise AssertionError(rule)


def _ends_month(day: date) -> bool:
    return (day + DAY).day == 1


def _is_patch_tuesday(day: date) -> bool:
    return day.isoweekday() == 2 and 8 <= day.day <= 14
