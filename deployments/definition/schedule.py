"""When a job starts: its fields, and what must hold between them."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from core.errors import EXCLUDES, MISSING
from core.shapes import Flag, NotSet, Report, Shape, Text, Values, WholeNumber, choice
from deployments.definition.values import LocalTime, Zone, within_reckoning
from deployments.models.choices import MissedRunPolicy, ScheduleType, TimeoutUnit, TimezoneType
from scheduling import recurrence, windows

RUN_ONCE = frozenset({ScheduleType.ON_DEMAND, ScheduleType.ONCE})
SHORTEST_INTERVAL = timedelta(minutes=5)
_LONGEST_WINDOW = {TimeoutUnit.HOURS: 168, TimeoutUnit.MINUTES: 10_080}
_DAYS = 7
# Wire names of the fields that only one type of schedule has, by that type. PATCH clears those of the old type.
FIELDS_OF: dict[ScheduleType, tuple[str, ...]] = {
    ScheduleType.WEEKLY: ("recurringWeekDays",),
    ScheduleType.MONTHLY: (
        "dayOfMonth",
        "recurringLastDayOfMonth",
        "recurringDayOfMonth",
        "recurringWeekDayOfMonth",
        "monthlyRecurringType",
        "patchTuesdayPlusXDays",
    ),
    ScheduleType.INTERVAL: ("recurrenceInterval", "doNotRunUntil"),
}
# Python names of the same.
_ONLY_FOR = {
    ScheduleType.WEEKLY: ("recurring_week_days",),
    ScheduleType.MONTHLY: (
        "day_of_month",
        "recurring_last_day_of_month",
        "recurring_day_of_month",
        "recurring_week_day_of_month",
        "monthly_recurring_type",
        "patch_tuesday_plus_x_days",
    ),
    ScheduleType.INTERVAL: ("recurrence_interval", "do_not_run_until"),
}


def _week_days(value: object) -> object:
    """`0,0,1,0,0,0,0`, position 0 is Sunday; also as a list."""
    items = value.split(",") if isinstance(value, str) else value
    marks = (
        [str(int(item) if isinstance(item, bool) else item).strip() for item in items]
        if isinstance(items, list)
        else []
    )
    if len(marks) != _DAYS or not set(marks) <= {"0", "1"}:
        raise ValueError("must be seven figures 0 or 1, Sunday first, such as '0,0,1,0,0,0,0'")
    return ",".join(marks)


def _instant(value: object) -> object:
    """ISO 8601 with an offset."""
    if not isinstance(value, str):
        raise ValueError("must be an instant in ISO 8601, such as 2025-04-14T13:45:00Z")
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError("must be an instant in ISO 8601 with an offset, such as 2025-04-14T13:45:00Z")
    return within_reckoning(found).astimezone(UTC)


def _duration(value: str | None) -> str | None:
    if value is None:
        return None
    if recurrence.shortest(recurrence.parse_duration(value)) < SHORTEST_INTERVAL:
        raise ValueError("must be PT5M or longer")
    return value


def _within(value: str | None) -> str | None:
    if value is None:
        return None
    duration = recurrence.parse_duration(value)
    if duration.months:
        raise ValueError("must be in days, hours or minutes, such as 'PT4H' or 'P1D': months differ in length")
    if not SHORTEST_INTERVAL <= duration.beside_months <= windows.LONGEST:
        raise ValueError(f"must be PT5M to P{windows.LONGEST.days}D")
    return value


class ScheduleFields(Shape):
    """The fields of a job that say when."""

    schedule_type: Annotated[ScheduleType, choice(ScheduleType), Field(description="When it starts.")]
    start_date_time: Annotated[
        LocalTime,
        Field(
            description="Wall-clock time, such as `2025-4-14 01:45:48 PM`: the first start that may be, and the time "
            "of day of all. Required unless On-demand; an On-demand job answers the moment of its creation."
        ),
    ] = None
    recurring: Annotated[
        Flag | None, Field(description="Follows scheduleType where absent; must not contradict it.")
    ] = None
    recurring_week_days: Annotated[
        str | None,
        NotSet,
        BeforeValidator(_week_days),
        WithJsonSchema({"type": "string", "pattern": "^[01](,[01]){6}$"}),
        Field(description="Weekly: `0,0,1,0,0,0,0`; the first is Sunday.", examples=["0,0,1,0,0,0,0"]),
    ] = None
    day_of_month: Annotated[
        WholeNumber | None,
        Field(ge=1, le=31, description="Monthly: this day; a month that is too short runs on its last day."),
    ] = None
    recurring_last_day_of_month: Annotated[Flag | None, Field(description="Monthly: the last day.")] = None
    recurring_day_of_month: Annotated[
        WholeNumber | None,
        Field(ge=1, le=5, description="Monthly, with recurringWeekDayOfMonth: the nth such weekday; 5 is the last."),
    ] = None
    recurring_week_day_of_month: Annotated[
        WholeNumber | None, Field(ge=0, le=6, description="Monthly, with recurringDayOfMonth: 0 is Sunday.")
    ] = None
    monthly_recurring_type: Annotated[
        WholeNumber | None, Field(ge=0, le=1, description="Monthly: 1 counts from Patch Tuesday.")
    ] = None
    patch_tuesday_plus_x_days: Annotated[
        WholeNumber | None,
        Field(
            alias="patchTuesdayPlusXDays",
            ge=-27,
            le=27,
            description="Monthly: days after (or before) Patch Tuesday, the second Tuesday; 0 where absent.",
        ),
    ] = None
    recurrence_interval: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_duration),
        Field(max_length=64, description="Interval: an ISO 8601 duration, PT5M or longer.", examples=["P1DT12H"]),
    ] = None
    do_not_run_until: Annotated[
        datetime | None,
        NotSet,
        BeforeValidator(_instant),
        Field(description="Interval: the first start, from which all others are counted; startDateTime where absent."),
    ] = None
    timezone_type: Annotated[
        TimezoneType,
        choice(TimezoneType),
        Field(description="Whose clock the schedule is read by: that of `timezone`, or each machine's own."),
    ] = TimezoneType.SPECIFIC
    timezone: Annotated[
        Zone, Field(description="An IANA name. With AGENT_TZ it is that of machines which tell none.")
    ] = "UTC"
    timeout: Annotated[
        WholeNumber,
        Field(
            description="The patch window: 1 to 168 HOURS, 1 to 10080 MINUTES, or -1: until the next occurrence, 30 "
            "days at most."
        ),
    ] = -1
    timeout_unit: Annotated[TimeoutUnit, choice(TimeoutUnit), Field(description="Of timeout.")] = TimeoutUnit.HOURS
    missed_run_policy: Annotated[
        MissedRunPolicy,
        choice(MissedRunPolicy),
        Field(
            description="What a missed start gets, of a run (the service was down, the job was disabled) and of a host "
            "(offline, or an earlier run still on it): nothing, a later start within missedRunWithin, or one at any "
            "time in the window."
        ),
    ] = MissedRunPolicy.RUN_WITHIN
    missed_run_within: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_within),
        Field(
            max_length=64,
            description="RunWithin: how late a start may be, PT5M to P30D in ISO 8601; PT4H where absent.",
            examples=["PT4H"],
        ),
    ] = None


def _start_is_given(values: Values, report: Report) -> None:
    if not values.sound("schedule_type", "start_date_time") or values.get("schedule_type") in {None, "On-demand"}:
        return
    if values.get("start_date_time") is None:
        report.add("start_date_time", "required", "is required unless scheduleType is On-demand", MISSING)


def _recurring_follows_type(values: Values, report: Report) -> None:
    kind, recurring = values.get("schedule_type"), values.get("recurring")
    if kind is None or recurring is None:
        return
    if recurring != (kind not in RUN_ONCE):
        right = "false" if recurring else "true"
        report.add("recurring", "excludes", f"must be {right} or absent when scheduleType is {kind}", EXCLUDES)


def _fields_belong_to_type(values: Values, report: Report) -> None:
    """What another type of schedule has may only be sent where it says nothing."""
    kind = values.get("schedule_type")
    if kind is None:
        return
    for other, names in _ONLY_FOR.items():
        for name in names if other != kind else ():
            if _says_something(name, values.get(name)):
                report.add(name, "excludes", f"is only for scheduleType {other}; leave it out", EXCLUDES)


def _says_something(name: str, value: object) -> bool:
    if name == "recurring_week_days":
        return value is not None and "1" in str(value)
    if name in {"recurring_last_day_of_month", "monthly_recurring_type"}:
        return bool(value)
    return value is not None


def _weekly_names_a_day(values: Values, report: Report) -> None:
    if values.get("schedule_type") != ScheduleType.WEEKLY or not values.sound("recurring_week_days"):
        return
    days = values.get("recurring_week_days")
    if days is None:
        report.add("recurring_week_days", "required", "is required when scheduleType is Weekly", MISSING)
    elif "1" not in days:
        report.add("recurring_week_days", "invalid", "must have a 1 for at least one day, Sunday first")


def _monthly_names_one_day(values: Values, report: Report) -> None:
    if values.get("schedule_type") != ScheduleType.MONTHLY or not values.sound(*_ONLY_FOR[ScheduleType.MONTHLY]):
        return
    _nth_weekday_is_whole(values, report)
    _patch_tuesday_is_meant(values, report)
    chosen = [names for names in _SELECTORS if any(_says_something(name, values.get(name)) for name in names)]
    if not chosen:
        message = (
            "a monthly job needs one of dayOfMonth, recurringLastDayOfMonth, recurringDayOfMonth with "
            "recurringWeekDayOfMonth, or monthlyRecurringType 1 with patchTuesdayPlusXDays"
        )
        report.add("day_of_month", "required", message, MISSING)
    for names in chosen[1:]:
        name = next(name for name in names if _says_something(name, values.get(name)))
        report.add(name, "excludes", "a monthly job takes exactly one way to name its day; leave this out", EXCLUDES)


_SELECTORS = (
    ("day_of_month",),
    ("recurring_last_day_of_month",),
    ("recurring_day_of_month", "recurring_week_day_of_month"),
    ("patch_tuesday_plus_x_days", "monthly_recurring_type"),
)


def _nth_weekday_is_whole(values: Values, report: Report) -> None:
    nth, day = "recurring_day_of_month", "recurring_week_day_of_month"
    for name, other in ((nth, day), (day, nth)):
        if values.get(name) is None and values.get(other) is not None:
            report.add(name, "required", "is required: the two name the nth weekday together", MISSING)


def _patch_tuesday_is_meant(values: Values, report: Report) -> None:
    if values.get("patch_tuesday_plus_x_days") is not None and values.get("monthly_recurring_type") == 0:
        message = "0 excludes patchTuesdayPlusXDays; send 1, or leave it out"
        report.add("monthly_recurring_type", "excludes", message, EXCLUDES)


def _interval_is_whole(values: Values, report: Report) -> None:
    if values.get("schedule_type") != ScheduleType.INTERVAL:
        return
    if values.sound("recurrence_interval") and values.get("recurrence_interval") is None:
        report.add("recurrence_interval", "required", "is required when scheduleType is Interval", MISSING)
    if values.get("timezone_type") == TimezoneType.AGENT:
        message = "AGENT_TZ excludes scheduleType Interval, which counts instants; send SPECIFIC_TZ"
        report.add("timezone_type", "excludes", message, EXCLUDES)


def _window_is_in_range(values: Values, report: Report) -> None:
    if not values.sound("timeout", "timeout_unit"):
        return
    timeout, unit = values.get("timeout"), values.get("timeout_unit")
    if timeout != -1 and not 1 <= timeout <= _LONGEST_WINDOW[unit]:
        report.add("timeout", "invalid", f"must be -1 for none, or 1 to {_LONGEST_WINDOW[unit]} {unit}")


SCHEDULE_RULES = (
    _start_is_given,
    _recurring_follows_type,
    _fields_belong_to_type,
    _weekly_names_a_day,
    _monthly_names_one_day,
    _interval_is_whole,
    _window_is_in_range,
)
