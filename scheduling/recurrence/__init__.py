"""When schedules recur: closed-form arithmetic on dates, for any IANA zone, in the years 1970 to 2200. No Django."""

from scheduling.recurrence.durations import Duration, parse_duration, shortest
from scheduling.recurrence.notes import notes
from scheduling.recurrence.occurrences import (
    between,
    next_after,
    next_local_after,
    previous_before,
    previous_local_before,
)
from scheduling.recurrence.rules import (
    FIRST_YEAR,
    LAST_YEAR,
    Daily,
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

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "Daily",
    "Duration",
    "Interval",
    "MonthlyOnDay",
    "MonthlyOnLastDay",
    "MonthlyOnWeekday",
    "OnDemand",
    "Once",
    "PatchTuesday",
    "Rule",
    "Weekly",
    "between",
    "next_after",
    "next_local_after",
    "notes",
    "parse_duration",
    "previous_before",
    "previous_local_before",
    "shortest",
]
