"""ISO 8601 durations. Months, days and seconds stay apart: none of them is a fixed number of another."""

import re
from dataclasses import dataclass
from datetime import timedelta

_ISO = re.compile(
    r"P(?=[\dT])(?:(?P<years>\d{1,9})Y)?(?:(?P<months>\d{1,9})M)?(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_YEARS = 230
_LONGEST_MONTH, _SHORTEST_MONTH = 31, 28
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Duration:
    """So many months, then days, by the calendar, then seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def text(self) -> str:
        """The canonical spelling: `PT90M` is `PT1H30M`, `P14D` is `P2W`, and `PT24H` stays, since `P1D` is another."""
        date = _units((self.months // 12, "Y"), (self.months % 12, "M"), *_weeks_or_days(self))
        minutes, seconds = divmod(self.seconds, 60)
        time = _units((minutes // 60, "H"), (minutes % 60, "M"), (seconds, "S"))
        if not date + time:
            return "PT0S"
        return f"P{date}T{time}" if time else f"P{date}"

    def __str__(self) -> str:
        return self.text

    @property
    def by_calendar(self) -> bool:
        """Whether it counts days or months, and so follows the clock on the wall rather than elapsed time."""
        return bool(self.months or self.days)

    @property
    def beside_months(self) -> timedelta:
        """What it adds besides its months."""
        return timedelta(self.days, self.seconds)


def parse_duration(text: str) -> Duration:
    """A duration from `PT6H`, `P1DT12H`, `P2W` or `P1M`; in any case, whole numbers alone.

    Raises ValueError, with what would be right, for anything else.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be an ISO 8601 duration in whole numbers, such as 'PT6H', 'P1DT12H', 'P2W' or 'P1M'")
    part = {name: int(figure or 0) for name, figure in found.groupdict().items()}
    duration = Duration(
        months=part["years"] * 12 + part["months"],
        days=part["weeks"] * 7 + part["days"],
        seconds=part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"],
    )
    if _seconds(duration, _LONGEST_MONTH) > _LONGEST_YEARS * 12 * _LONGEST_MONTH * _DAY:
        raise ValueError(f"must be no longer than {_LONGEST_YEARS} years")
    return duration


def shortest(duration: Duration) -> timedelta:
    """How long it is at least, by the clock on the wall: every month counts as 28 days."""
    return timedelta(seconds=_seconds(duration, _SHORTEST_MONTH))


def _seconds(duration: Duration, month: int) -> int:
    return (duration.months * month + duration.days) * _DAY + duration.seconds


def _weeks_or_days(duration: Duration) -> tuple[tuple[int, str], ...]:
    # Weeks beside other units are not in every edition of the standard.
    alone = not (duration.months or duration.seconds)
    return ((duration.days // 7, "W"),) if alone and duration.days % 7 == 0 else ((duration.days, "D"),)


def _units(*figures: tuple[int, str]) -> str:
    return "".join(f"{figure}{unit}" for figure, unit in figures if figure)
