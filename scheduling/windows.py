"""Patch windows: from a start to a deadline. Pure functions; no Django."""

from datetime import datetime, timedelta

# A window without an end closes with the next occurrence, and after this long in any case.
LONGEST = timedelta(days=30)
NO_END = -1
_UNITS = {"HOURS": timedelta(hours=1), "MINUTES": timedelta(minutes=1)}


def deadline(*, start: datetime, timeout: int, unit: str, next_start: datetime | None = None) -> datetime:
    """When a window that opens at `start` closes. Being late never moves it.

    `timeout` counts `unit`s (HOURS or MINUTES); -1 means until `next_start`, at most 30 days.
    """
    if timeout != NO_END:
        return start + timeout * _UNITS[unit]
    latest = start + LONGEST
    return min(latest, next_start) if next_start else latest
