"""Wall-clock times and the zones that they are read in. Pure functions; no Django.

pytz supplies the list of accepted names, zoneinfo the arithmetic.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytz

_BY_FOLDED_NAME = {name.casefold(): name for name in pytz.all_timezones}


def canonical_name(name: str) -> str | None:
    """The accepted spelling of an IANA name in any case, or None for a name that nobody knows."""
    return _BY_FOLDED_NAME.get(name.strip().casefold())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of a canonical name."""
    return ZoneInfo(name)


def instant(local: datetime, name: str) -> datetime:
    """The instant, in UTC, at which clocks in a zone show a wall-clock time (a naive datetime).

    In the hour that a spring change skips it is the first instant after it; in the hour that an autumn change repeats
    it is the first of the two.
    """
    first = local.replace(tzinfo=zone(name), fold=0)
    found = first.astimezone(UTC)
    shown = found.astimezone(zone(name)).replace(tzinfo=None)
    if shown == local:
        return found
    return _first_after_gap(local, name)


def _first_after_gap(local: datetime, name: str) -> datetime:
    """The moment of the change, between the skipped time as read with the offset after it and with that before it."""
    before_offset = local.replace(tzinfo=zone(name), fold=0).utcoffset() or timedelta()
    after_offset = local.replace(tzinfo=zone(name), fold=1).utcoffset() or timedelta()
    low = (local - max(before_offset, after_offset)).replace(tzinfo=UTC)
    high = (local - min(before_offset, after_offset)).replace(tzinfo=UTC)
    offset_at_low = low.astimezone(zone(name)).utcoffset()
    # Changes happen on whole seconds: halve until the second of the change is left.
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone(name)).utcoffset() == offset_at_low:
            low = middle
        else:
            high = middle
    return high
