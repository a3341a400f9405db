"""Rules, zones and instants as hypothesis draws them, and how many of them.

With `HYPOTHESIS_PROFILE=fuzz` they are a hundred times as many as in an ordinary run, since they need no database, and
every zone's changes of 2020 to 2040 are walked.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytz
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from scheduling import recurrence, zones
from scheduling.recurrence import Rule
from tests.properties import FACTOR

# Where clocks change by an hour, half of one or a day, at midnight or in Ramadan, and where they never do.
TELLING_ZONES = [
    "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/New_York", "America/Nuuk",
    "America/Santiago", "America/St_Johns", "Antarctica/Casey", "Antarctica/Troll", "Asia/Beirut", "Asia/Gaza",
    "Asia/Kathmandu", "Atlantic/Azores", "Australia/Lord_Howe", "Europe/Berlin", "Europe/Dublin", "Pacific/Apia",
    "Pacific/Chatham", "Pacific/Kiritimati", "UTC",
]  # fmt: skip


FUZZED = FACTOR > 1


def examples(number: int) -> settings:
    """So many in an ordinary run."""
    return settings(
        max_examples=number * (100 if FUZZED else 1), deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )


def local(text: str) -> datetime:
    """A wall-clock time."""
    found = datetime.fromisoformat(text)
    assert found.tzinfo is None
    return found


def utc(text: str) -> datetime:
    """An instant, of which the text leaves out that it is in UTC."""
    return local(text).replace(tzinfo=UTC)


def wall_clock_times(first: str, last: str) -> st.SearchStrategy[datetime]:
    """Whole seconds; midnight, the hours in which clocks change and the ends of days among them more than by chance."""
    seconds = st.one_of(
        st.integers(0, 86_399), st.integers(0, 4 * 60).map(lambda minute: minute * 60), st.just(0), st.just(86_399)
    )
    days = st.integers(local(first).toordinal(), local(last).toordinal()).map(datetime.fromordinal)
    return st.builds(lambda day, second: day + timedelta(seconds=second), days, seconds)


def zone_names() -> st.SearchStrategy[str]:
    return st.sampled_from(TELLING_ZONES) | st.sampled_from(sorted(pytz.all_timezones))


def instants(first: str, last: str) -> st.SearchStrategy[datetime]:
    return wall_clock_times(first, last).map(lambda at: at.replace(tzinfo=UTC))


def kinds() -> st.SearchStrategy[Callable[[datetime], Rule]]:
    """Of every kind that has a wall-clock time; each makes a rule from its start.

    That the start is not drawn within lets it depend on the rest, without a strategy to be made for each example.
    """
    return st.one_of(
        st.sampled_from([recurrence.Daily, recurrence.Daily, recurrence.MonthlyOnLastDay, recurrence.Once]),
        st.builds(_kind, st.just(recurrence.Weekly), st.sets(st.integers(0, 6), min_size=1).map(sorted).map(tuple)),
        st.builds(_kind, st.just(recurrence.MonthlyOnDay), st.integers(1, 31) | st.integers(28, 31)),
        st.builds(_kind, st.just(recurrence.MonthlyOnWeekday), st.integers(1, 5), st.integers(0, 6)),
        st.builds(_kind, st.just(recurrence.PatchTuesday), st.integers(-27, 27)),
    )


def _kind(rule: Callable[..., Rule], *day: object) -> Callable[[datetime], Rule]:
    return lambda start: rule(start, *day)


def calendar_periods() -> st.SearchStrategy[recurrence.Duration]:
    """Of months, of days, or of both and hours besides."""
    few, minutes = st.integers(1, 40), st.integers(0, 48 * 60).map(lambda minutes: minutes * 60)
    return st.one_of(
        st.builds(recurrence.Duration, months=few),
        st.builds(recurrence.Duration, days=few),
        st.builds(recurrence.Duration, months=few, seconds=minutes),
        st.builds(recurrence.Duration, months=st.integers(0, 30), days=few, seconds=minutes),
    )


def elapsed_periods() -> st.SearchStrategy[recurrence.Duration]:
    """Of five minutes to four days."""
    return st.builds(recurrence.Duration, seconds=st.integers(5, 96 * 60).map(lambda minutes: minutes * 60))


def changes(zone: str, first_year: int, last_year: int) -> list[datetime]:
    """The instants, of these years, at which the clocks of a zone jump."""
    half_a_day, second = timedelta(hours=12), timedelta(seconds=1)
    at, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    found, there = [], zones.zone(zone)
    before = at.astimezone(there).utcoffset()
    while at < end:
        later = at + half_a_day
        after = later.astimezone(there).utcoffset()
        if after != before:
            low, high = at, later
            while high - low > second:
                middle = low + (high - low) // 2 // second * second
                low, high = (middle, high) if middle.astimezone(there).utcoffset() == before else (low, middle)
            found.append(high)
        at, before = later, after
    return found
