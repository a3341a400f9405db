"""What is remarkable about an occurrence."""

from datetime import date, datetime, timedelta

from scheduling import zones
from scheduling.recurrence.calendar_steps import CalendarSteps
from scheduling.recurrence.occurrences import local_times, occurrence_at
from scheduling.recurrence.rules import Interval, MonthlyOnDay, PatchTuesday, Rule

GAP_SHIFTED = "gap_shifted"
FOLD_FIRST = "fold_first"
CLAMPED = "clamped_to_last_day"
CROSSES_MONTH = "crosses_month"
_A_MOMENT = timedelta(microseconds=1)


def notes(rule: Rule, zone: str, occurrence: datetime) -> frozenset[str]:
    """What is remarkable about an occurrence of a rule in a zone; nothing about an instant that is none.

    `gap_shifted`: clocks skipped its time; `fold_first`: clocks show its time again later; `clamped_to_last_day`: the
    month is too short for its day; `crosses_month`: it is in another month than its Patch Tuesday.
    """
    if isinstance(rule, Interval) and not rule.period.by_calendar:
        return frozenset()
    shown = zones.clock(occurrence, zone)
    local = local_times(rule, zone).previous_local(shown + _A_MOMENT)
    if local is None or occurrence_at(rule, zone, local) != occurrence:
        return frozenset()
    found = set()
    if local != shown:
        found.add(GAP_SHIFTED)
    elif _comes_again(occurrence, zone):
        found.add(FOLD_FIRST)
    return frozenset(found | _of_the_day(rule, zone, local))


def _comes_again(occurrence: datetime, zone: str) -> bool:
    clock = occurrence.astimezone(zones.zone(zone))
    return clock.replace(fold=1).utcoffset() != clock.utcoffset()


def _of_the_day(rule: Rule, zone: str, local: datetime) -> set[str]:
    match rule:
        case MonthlyOnDay(day=day) if local.day < day:
            return {CLAMPED}
        case PatchTuesday(offset=offset):
            tuesday = date.fromordinal(local.toordinal() - offset)
            return {CROSSES_MONTH} if tuesday.month != local.month else set()
        case Interval():
            times = local_times(rule, zone)
            return {CLAMPED} if isinstance(times, CalendarSteps) and times.is_clamped(local) else set()
    return set()
