"""The kinds of schedule. Each knows, by arithmetic on dates, its next and previous wall-clock time; none knows a zone.

Inside, a day is its proleptic ordinal (`date.toordinal`), of which the remainder by 7 is the weekday, 0 for Sunday.
"""

from calendar import isleap
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from scheduling.recurrence.durations import Duration

# Nothing recurs outside of these years: everything here is reckoned, and tested, within them.
FIRST_YEAR, LAST_YEAR = 1970, 2200
_FIRST_DAY, _LAST_DAY = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY, _TUESDAY, _LAST = 2, 2, 5


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Never by itself."""

    def next_local(self, local: datetime) -> datetime | None:
        return None

    def previous_local(self, local: datetime) -> datetime | None:
        return None


@dataclass(frozen=True, slots=True)
class _FromStart:
    start: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is not None:
            raise ValueError("start must be a wall-clock time, without a zone")


@dataclass(frozen=True, slots=True)
class Once(_FromStart):
    """At its start alone."""

    def next_local(self, local: datetime) -> datetime | None:
        return self.start if local < self.start and self._exists else None

    def previous_local(self, local: datetime) -> datetime | None:
        return self.start if local > self.start and self._exists else None

    @property
    def _exists(self) -> bool:
        return FIRST_YEAR <= self.start.year <= LAST_YEAR


@dataclass(frozen=True, slots=True)
class _OnDays(_FromStart):
    """The start's time of day on certain days, of which the first is not before the start's."""

    def next_local(self, local: datetime) -> datetime | None:
        time = self.start.time()
        day = max(local.toordinal() + (local.time() >= time), self.start.toordinal(), _FIRST_DAY)
        if day <= _LAST_DAY:
            day = self._day_from(day)
        return datetime.combine(date.fromordinal(day), time) if day <= _LAST_DAY else None

    def previous_local(self, local: datetime) -> datetime | None:
        time = self.start.time()
        first = max(self.start.toordinal(), _FIRST_DAY)
        day = min(local.toordinal() - (local.time() <= time), _LAST_DAY)
        if day >= first:
            day = self._day_until(day)
        return datetime.combine(date.fromordinal(day), time) if day >= first else None

    def _day_from(self, day: int) -> int:
        """The first of its days on or after a day."""
        raise NotImplementedError

    def _day_until(self, day: int) -> int:
        """The last of its days on or before a day."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Daily(_OnDays):
    """Every day."""

    def _day_from(self, day: int) -> int:
        return day

    def _day_until(self, day: int) -> int:
        return day


@dataclass(frozen=True, slots=True)
class Weekly(_OnDays):
    """On some days of every week; 0 is Sunday."""

    weekdays: tuple[int, ...]

    def __post_init__(self) -> None:
        _FromStart.__post_init__(self)
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise ValueError("weekdays must be at least one of 0 (Sunday) to 6")

    def _day_from(self, day: int) -> int:
        return day + _days_ahead(self.weekdays)[day % 7]

    def _day_until(self, day: int) -> int:
        return day - _days_back(self.weekdays)[day % 7]


@dataclass(frozen=True, slots=True)
class _Monthly(_OnDays):
    def _day_from(self, day: int) -> int:
        on = date.fromordinal(day)
        found = self._day_in(on.year, on.month)
        return found if found >= day else self._day_in(*_next_month(on.year, on.month))

    def _day_until(self, day: int) -> int:
        on = date.fromordinal(day)
        found = self._day_in(on.year, on.month)
        return found if found <= day else self._day_in(*_previous_month(on.year, on.month))

    def _day_in(self, year: int, month: int) -> int:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class MonthlyOnDay(_Monthly):
    """On a day of the month, 1 to 31; where a month is too short, on its last day."""

    day: int

    def __post_init__(self) -> None:
        _FromStart.__post_init__(self)
        if not 1 <= self.day <= 31:
            raise ValueError("day must be from 1 to 31")

    def _day_in(self, year: int, month: int) -> int:
        return _day_or_last(year, month, self.day)


@dataclass(frozen=True, slots=True)
class MonthlyOnLastDay(_Monthly):
    """On the last day of the month."""

    def _day_in(self, year: int, month: int) -> int:
        return _day_or_last(year, month, 31)


@dataclass(frozen=True, slots=True)
class MonthlyOnWeekday(_Monthly):
    """On the nth weekday of the month, 1 to 5, of which 5 is the last one; weekday 0 is Sunday."""

    nth: int
    weekday: int

    def __post_init__(self) -> None:
        _FromStart.__post_init__(self)
        if not 1 <= self.nth <= _LAST:
            raise ValueError("nth must be from 1 to 5, where 5 is the last one")
        if not 0 <= self.weekday <= 6:
            raise ValueError("weekday must be from 0 (Sunday) to 6")

    def _day_in(self, year: int, month: int) -> int:
        return _nth_weekday(year, month, self.nth, self.weekday)


@dataclass(frozen=True, slots=True)
class PatchTuesday(_Monthly):
    """So many days, -27 to 27, from the second Tuesday of the month; that may be a day of the month beside it."""

    offset: int

    def __post_init__(self) -> None:
        _FromStart.__post_init__(self)
        if not -27 <= self.offset <= 27:
            raise ValueError("offset must be from -27 to 27")

    def _day_from(self, day: int) -> int:
        return _Monthly._day_from(self, day - self.offset) + self.offset

    def _day_until(self, day: int) -> int:
        return _Monthly._day_until(self, day - self.offset) + self.offset

    def _day_in(self, year: int, month: int) -> int:
        return _nth_weekday(year, month, 2, _TUESDAY)


@dataclass(frozen=True, slots=True)
class Interval:
    """An instant, and every so long from it: always counted from that anchor, so that it never drifts.

    A period of hours, minutes and seconds is elapsed time. One that has days or months follows the clock of the
    zone: `P1D` is the same time of day across changes of the clock, where `PT24H` is not, and `P1M` from a 31st is
    the last day of shorter months.
    """

    period: Duration
    anchor: datetime

    def __post_init__(self) -> None:
        if self.anchor.tzinfo is None:
            raise ValueError("anchor must be an instant, with an offset")
        # In UTC throughout: equal instants make equal rules, and arithmetic on it is on elapsed time.
        object.__setattr__(self, "anchor", self.anchor.astimezone(UTC))
        if self.period == Duration():
            raise ValueError("period must be longer than nothing")


WallClock = OnDemand | Once | Daily | Weekly | MonthlyOnDay | MonthlyOnLastDay | MonthlyOnWeekday | PatchTuesday
Rule = WallClock | Interval


def days_in(year: int, month: int) -> int:
    """How long a month is."""
    return 29 if month == _FEBRUARY and isleap(year) else _LENGTHS[month - 1]


@cache
def _day_or_last(year: int, month: int, day: int) -> int:
    return date(year, month, min(day, days_in(year, month))).toordinal()


@cache
def _nth_weekday(year: int, month: int, nth: int, weekday: int) -> int:
    if nth == _LAST:
        last = date(year, month, days_in(year, month)).toordinal()
        return last - (last - weekday) % 7
    first = date(year, month, 1).toordinal()
    return first + (weekday - first) % 7 + 7 * (nth - 1)


@cache
def _days_ahead(weekdays: tuple[int, ...]) -> tuple[int, ...]:
    """For each weekday, how many days there are until the next of some."""
    return tuple(min((other - day) % 7 for other in weekdays) for day in range(7))


@cache
def _days_back(weekdays: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min((day - other) % 7 for other in weekdays) for day in range(7))


def _next_month(year: int, month: int) -> tuple[int, int]:
    return (year, month + 1) if month < 12 else (year + 1, 1)


def _previous_month(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)
