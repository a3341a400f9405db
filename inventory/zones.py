"""The time zones that an asset may be said to be in: the list that schedules are read by, too."""

import pytz

_BY_FOLDED_NAME = {name.casefold(): name for name in pytz.all_timezones}


def canonical_name(name: str) -> str | None:
    """The accepted spelling of an IANA name in any case, or None for a name that nobody knows."""
    return _BY_FOLDED_NAME.get(name.strip().casefold())
