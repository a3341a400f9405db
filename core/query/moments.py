"""Dates of a query. A date means the whole of its day, a time to the second the whole of its second, and so on."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_DATE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:(?:T|t| +)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,6})\d*)?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))? ?(?P<offset>[Zz]|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
_NOW = re.compile(r"now(?:(?P<sign>[+-])(?P<count>\d{1,9})(?P<unit>[mhdw]))?", re.ASCII | re.IGNORECASE)
# As rows show them. Fewer digits would rather be a year.
_MILLISECONDS = re.compile(r"\d{11,14}", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_NOON = 12


@dataclass(frozen=True, slots=True)
class Period:
    """What a literal means: from `start` until just before `end`, both in UTC."""

    start: datetime
    end: datetime


def period(text: str, *, now: datetime) -> Period:
    """`2025-04-14`, an ISO instant (UTC where it has no offset), `now`, `now-7d`, or milliseconds since 1970.

    Raises ValueError for anything else, and for dates that no calendar of ours has.
    """
    try:
        start, length = _read(text.strip(), now.astimezone(UTC))
        return Period(start, start + length)
    except OverflowError:
        raise ValueError("out of range") from None


def _read(text: str, now: datetime) -> tuple[datetime, timedelta]:
    if found := _NOW.fullmatch(text):
        return now + _shift(found), _INSTANT
    if _MILLISECONDS.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(text)), timedelta(milliseconds=1)
    if found := _DATE.fullmatch(text):
        return _written(found)
    raise ValueError("no date")


def _shift(found: re.Match[str]) -> timedelta:
    if found["unit"] is None:
        return timedelta(0)
    shift = timedelta(**{_UNITS[found["unit"].lower()]: int(found["count"])})
    return -shift if found["sign"] == "-" else shift


def _written(found: re.Match[str]) -> tuple[datetime, timedelta]:
    fraction = found["fraction"] or ""
    at = datetime(
        int(found["year"]),
        int(found["month"]),
        int(found["day"]),
        _hour(found),
        int(found["minute"] or 0),
        int(found["second"] or 0),
        int(fraction.ljust(6, "0") or 0),
        tzinfo=_zone(found["offset"]),
    )
    return at.astimezone(UTC), _length(found, fraction)


def _hour(found: re.Match[str]) -> int:
    hour = int(found["hour"] or 0)
    if not found["half"]:
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError("an hour with AM or PM is from 1 to 12")
    return hour % _NOON + (_NOON if found["half"].upper() == "PM" else 0)


def _zone(offset: str | None) -> timezone:
    if offset is None or offset in "Zz":
        return UTC
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-shift if offset[0] == "-" else shift)


def _length(found: re.Match[str], fraction: str) -> timedelta:
    if found["hour"] is None:
        return timedelta(days=1)
    if found["second"] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** (6 - len(fraction)))
