"""Wall-clock times and the zones that they are read in. Pure functions; no Django.

pytz supplies the list of accepted names, zoneinfo the arithmetic.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytz

_BY_FOLDED_NAME = {name.casefold(): name for name in pytz.all_timezones}


def canonical_name(name: str) -> str | None:
    """The accepted spelling of an IANA name in any case, or None for a name that nobody knows."""
    return _BY_FOLDED_NAME.get(name.strip().casefold())


def names() -> Sequence[str]:
    """Every accepted name, in order."""
    return sorted(_BY_FOLDED_NAME.values())


def offset(name: str, at: datetime) -> timedelta:
    """How far clocks in the zone of a canonical name are ahead of UTC at an instant."""
    ahead = at.astimezone(zone(name)).utcoffset()
    assert ahead is not None  # noqa: S101 - zones of the tz database have one at any instant
    return ahead


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of a canonical name."""
    return ZoneInfo(name)


def instant(local: datetime, name: str) -> datetime:
    """The instant, in UTC, at which clocks in a zone show a wall-clock time (a naive datetime).

    In the hour that a spring change skips it is the first instant after it; in the hour that an autumn change repeats
    it is the first of the two.
    """
    there = zone(name)
    # Far faster than replace(), which the tick's arithmetic would consist of.
    first = datetime.combine(local.date(), local.time().replace(fold=0) if local.fold else local.time(), there)
    found = first.astimezone(UTC)
    # Two times of one zone compare by what their clocks show.
    if found.astimezone(there) == first:
        return found
    return _first_after_gap(local, name)


def clock(at: datetime, name: str) -> datetime:
    """What clocks in a zone show at an instant: naive, with fold 1 where they show it for the second time."""
    shown = at.astimezone(zone(name))
    return datetime.combine(shown.date(), shown.time())


def _first_after_gap(local: datetime, name: str) -> datetime:
    """The moment of the change, between the skipped time as read with the offset after it and with that before it."""
    # Clocks change on whole seconds, and so a fraction is in the gap where its second is.
    local = local.replace(microsecond=0)
    before_offset = local.replace(tzinfo=zone(name), fold=0).utcoffset() or timedelta()
    after_offset = local.replace(tzinfo=zone(name), fold=1).utcoffset() or timedelta()
    low = (local - max(before_offset, after_offset)).replace(tzinfo=UTC)
    high = (local - min(before_offset, after_offset)).replace(tzinfo=UTC)
    offset_at_low = low.astimezone(zone(name)).utcoffset()
    # Halve until the second of the change is left.
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone(name)).utcoffset() == offset_at_low:
            low = middle
        else:
            high = middle
    return high
