"""A schedule as a sentence for people. Pure functions; no Django."""

from collections.abc import Sequence
from datetime import datetime

from scheduling import zones
from scheduling.recurrence import (
    Daily,
    Duration,
    Interval,
    MonthlyOnDay,
    MonthlyOnLastDay,
    MonthlyOnWeekday,
    Once,
    OnDemand,
    PatchTuesday,
    Rule,
    Weekly,
)

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_NTH = ("first", "second", "third", "fourth", "last")
_EVERY_MONTH_HAS = 28
_EACH = "each machine's time zone"


def sentence(rule: Rule, zone: str | None) -> str:
    """`weekly on Monday and Thursday at 02:30 in Europe/Berlin`; without a zone it is each machine's own."""
    match rule:
        case OnDemand():
            return "on demand"
        case Interval(period=period, anchor=anchor):
            return f"every {_period(period)}, from {_instant(anchor, zone or 'UTC')}"
        case Once(start=start):
            return f"once, on {start:%Y-%m-%d} {_at(start, zone)}"
        case _:
            return f"{_days(rule)} {_at(rule.start, zone)}"


def _days(rule: Daily | Weekly | MonthlyOnDay | MonthlyOnLastDay | MonthlyOnWeekday | PatchTuesday) -> str:
    match rule:
        case Daily():
            return "daily"
        case Weekly(weekdays=weekdays):
            return f"weekly on {_weekdays(weekdays)}"
        case PatchTuesday(offset=0):
            return "monthly on Patch Tuesday"
        case PatchTuesday(offset=offset):
            return f"monthly, {_count(abs(offset), 'day')} {'after' if offset > 0 else 'before'} Patch Tuesday"
        case _:
            return f"monthly on {_day_of_month(rule)}"


def _day_of_month(rule: MonthlyOnDay | MonthlyOnLastDay | MonthlyOnWeekday) -> str:
    match rule:
        case MonthlyOnDay(day=day):
            return f"day {day} (the last day of shorter months)" if day > _EVERY_MONTH_HAS else f"day {day}"
        case MonthlyOnLastDay():
            return "the last day"
        case MonthlyOnWeekday(nth=nth, weekday=weekday):
            return f"the {_NTH[nth - 1]} {_WEEKDAYS[weekday]}"


def _weekdays(weekdays: tuple[int, ...]) -> str:
    days = sorted(set(weekdays))
    return "every day" if len(days) == len(_WEEKDAYS) else _listed([_WEEKDAYS[day] for day in days])


def _at(local: datetime, zone: str | None) -> str:
    return f"at {_clock(local)} in {zone or _EACH}"


def _instant(at: datetime, zone: str) -> str:
    local = zones.clock(at, zone)
    return f"{local:%Y-%m-%d} at {_clock(local)} in {zone}"


def _clock(local: datetime) -> str:
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _period(period: Duration) -> str:
    parts = [_count(figure, unit) for figure, unit in _figures(period) if figure]
    return parts[0].removeprefix("1 ") if len(parts) == 1 else _listed(parts)


def _figures(period: Duration) -> Sequence[tuple[int, str]]:
    if period == Duration(days=period.days // 7 * 7):
        return [(period.days // 7, "week")]
    minutes, seconds = divmod(period.seconds, 60)
    return [
        (period.months // 12, "year"),
        (period.months % 12, "month"),
        (period.days, "day"),
        (minutes // 60, "hour"),
        (minutes % 60, "minute"),
        (seconds, "second"),
    ]


def _count(figure: int, unit: str) -> str:
    return f"{figure} {unit}" if figure == 1 else f"{figure} {unit}s"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
