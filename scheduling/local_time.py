"""Wall-clock times as text: what clients may send, and what they get. Pure functions; no Django."""

import re
from datetime import datetime

_WIRE = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:\.0+)?)?\s*(?P<half>[AaPp][Mm])?",
    re.ASCII,
)
_NOON = 12


def parse(text: str) -> datetime:
    """A naive datetime from `2025-4-14 01:45:48 PM`, padded or not, 24-hour, or ISO 8601 without an offset.

    Raises ValueError, with what would be right, for anything else.
    """
    found = _WIRE.fullmatch(text.strip())
    if found is None:
        raise ValueError("must be a local date and time such as '2025-4-14 01:45:48 PM' or '2025-04-14T13:45:48'")
    return datetime(  # noqa: DTZ001 - a wall-clock time has no zone of its own
        int(found["year"]),
        int(found["month"]),
        int(found["day"]),
        _hour(int(found["hour"]), found["half"]),
        int(found["minute"]),
        int(found["second"] or 0),
    )


def wire(local: datetime) -> str:
    """As clients get it: `2025-4-14 01:45:48 PM`, month and day not padded."""
    half = "PM" if local.hour >= _NOON else "AM"
    hour = local.hour % _NOON or _NOON
    return f"{local.year:04}-{local.month}-{local.day} {hour:02}:{local.minute:02}:{local.second:02} {half}"


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= _NOON:
        raise ValueError("an hour with AM or PM must be from 1 to 12")
    return hour % _NOON + (_NOON if half.upper() == "PM" else 0)
