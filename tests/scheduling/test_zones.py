"""Wall-clock times in zones, against clocks that are looked at minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytz
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import zones

MINUTE = timedelta(minutes=1)
ZONES_2026 = [
    "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun", "America/Adak", "America/Anchorage", "America/Asuncion",
    "America/Chicago", "America/Denver", "America/Halifax", "America/Havana", "America/Los_Angeles", "America/Miquelon",
    "America/New_York", "America/Nuuk", "America/Santiago", "America/Scoresbysund", "America/St_Johns",
    "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Asia/Kolkata", "Atlantic/Azores",
    "Australia/Adelaide", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/London",
    "Pacific/Auckland", "Pacific/Chatham", "Pacific/Easter", "Pacific/Norfolk", "UTC",
]  # fmt: skip
CASES = [*((name, 2026) for name in ZONES_2026), ("Pacific/Apia", 2011)]


def _clock(at: datetime, name: str) -> datetime:
    return at.astimezone(ZoneInfo(name)).replace(tzinfo=None)


def _changes(name: str, year: int) -> list[datetime]:
    """The instants of a year at which a zone's clocks jump, to the minute."""
    found = []
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    while at < end:
        day = at + timedelta(days=1)
        if _clock(day, name) - _clock(at, name) != timedelta(days=1):
            while _clock(at + MINUTE, name) - _clock(at, name) == MINUTE:
                at += MINUTE
            found.append(at + MINUTE)
        at = day
    return found


def _first_at_or_after(local: datetime, name: str, since: datetime, until: datetime) -> datetime:
    """What somebody sees who looks at the clock each minute: the first time that it shows `local`, or more after a gap.

    A clock that was put back shows less again; that this is no jump over `local` needs no case of its own, since the
    first time that it shows `local` was before.
    """
    at = since
    while at < until:
        if _clock(at, name) == local:
            return at
        if _clock(at, name) > local and _clock(at - MINUTE, name) < local:
            return at
        at += MINUTE
    raise AssertionError("the walk was too short")


@pytest.mark.parametrize(("name", "year"), CASES)
def test_instant__around_every_change__is_what_a_watched_clock_shows(name: str, year: int) -> None:
    changes = _changes(name, year)

    for change in changes:
        jump = abs(_clock(change, name) - _clock(change - MINUTE, name) - MINUTE)
        since, until = change - jump - timedelta(hours=2), change + jump + timedelta(hours=3)
        local = min(_clock(change - MINUTE, name), _clock(change, name)) - timedelta(minutes=30)
        last = max(_clock(change - MINUTE, name), _clock(change, name)) + timedelta(minutes=30)
        # A day that is skipped whole is looked at more coarsely.
        step = MINUTE * (7 if jump < timedelta(hours=4) else 97)
        while local < last:
            assert zones.instant(local, name) == _first_at_or_after(local, name, since, until), (name, local)
            local += step

    assert changes or name in {"Asia/Kolkata", "UTC", "America/Asuncion"}


@pytest.mark.parametrize(
    ("local", "name", "expected"),
    [
        # Spring: what is skipped moves to the first instant after it.
        ("2026-03-29T02:00:00", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-29T02:30:15", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-29T02:59:59", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-29T02:59:59.999999", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-29T02:00:00.000001", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-29T03:00:00", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-03-08T02:30:00", "America/St_Johns", "2026-03-08T05:30:00"),
        # Half an hour alone.
        ("2026-10-04T02:15:00", "Australia/Lord_Howe", "2026-10-03T15:30:00"),
        ("2026-04-05T01:45:00", "Australia/Lord_Howe", "2026-04-04T14:45:00"),
        # Autumn: the first of the two.
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30:00"),
        ("2026-11-01T01:30:00", "America/New_York", "2026-11-01T05:30:00"),
        # Ramadan: the clock goes back, and forth again.
        ("2026-02-15T02:30:00", "Africa/Casablanca", "2026-02-15T01:30:00"),
        ("2026-03-22T02:30:00", "Africa/Casablanca", "2026-03-22T02:00:00"),
        # A whole day that never was.
        ("2011-12-30T12:00:00", "Pacific/Apia", "2011-12-30T10:00:00"),
        ("2011-12-29T23:59:59", "Pacific/Apia", "2011-12-30T09:59:59"),
        ("2011-12-31T00:00:00", "Pacific/Apia", "2011-12-30T10:00:00"),
        ("2026-06-01T12:00:00", "Asia/Kolkata", "2026-06-01T06:30:00"),
    ],
)
def test_instant__known_change__is_as_computed_by_hand(local: str, name: str, expected: str) -> None:
    found = zones.instant(datetime.fromisoformat(local), name)

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@settings(deadline=None)
@given(
    st.sampled_from(sorted(pytz.common_timezones)),
    st.datetimes(datetime(1950, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001
)
def test_instant__any_time_anywhere__shows_that_time_or_the_end_of_a_gap(name: str, local: datetime) -> None:
    local = local.replace(microsecond=0)

    found = zones.instant(local, name)

    shown = _clock(found, name)
    assert shown == local or (shown > local and _clock(found - timedelta(seconds=1), name) < local)


@pytest.mark.parametrize(
    ("name", "canonical"),
    [("europe/berlin", "Europe/Berlin"), (" UTC ", "UTC"), ("America/st_johns", "America/St_Johns")],
)
def test_canonical_name__in_any_case__is_the_accepted_spelling(name: str, canonical: str) -> None:
    assert zones.canonical_name(name) == canonical


@pytest.mark.parametrize("name", ["", "Berlin", "Europe", "Europe/Berlin/..", "../etc/passwd", "UTC+1", "CEST"])
def test_canonical_name__nobodys__is_none(name: str) -> None:
    assert zones.canonical_name(name) is None


def test_zone__each_accepted_name__has_arithmetic() -> None:
    for name in pytz.all_timezones:
        assert zones.canonical_name(name) == name
        assert zones.instant(datetime(2026, 6, 1, 12), name)  # noqa: DTZ001
