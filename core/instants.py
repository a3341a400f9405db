"""Instants as they are on the wire."""

from datetime import datetime


def milliseconds(at: datetime | None) -> int | None:
    """An audit time: whole milliseconds since 1970."""
    return None if at is None else int(at.timestamp() * 1000)
