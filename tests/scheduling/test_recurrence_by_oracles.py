"""Recurrence of drawn rules, against python-dateutil and against a clock that is watched."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import pytest
import pytz
from hypothesis import given
from hypothesis import strategies as st

from scheduling import recurrence
from scheduling.recurrence import Interval, Rule
from tests.scheduling import drawn, oracles

MOMENT = timedelta(microseconds=1)
DAY = 86_400
WATCHED_YEARS = (2020, 2040) if drawn.FUZZED else (2026, 2026)
WATCHED_ZONES = sorted(pytz.all_timezones) if drawn.FUZZED else drawn.TELLING_ZONES


def _following(found: list, at: datetime) -> datetime | None:
    return min((one for one in found if one > at), default=None)


def _preceding(found: list, at: datetime) -> datetime | None:
    return max((one for one in found if one < at), default=None)


@drawn.examples(700)
@given(
    drawn.kinds(),
    drawn.wall_clock_times("1970-06-01", "2200-06-01"),
    st.integers(-40 * DAY, 40 * DAY) | st.integers(-50_000 * DAY, 0),
)
def test_local_times__any_rule_and_time__are_those_of_rrule(
    kind: Callable[[datetime], Rule], at: datetime, seconds: int
) -> None:
    rule = kind(max(at + timedelta(seconds=seconds), drawn.local("1970-01-01")))

    expected = oracles.rrule_locals(rule, at)

    for moment in (at, *expected):
        following, preceding = _following(expected, moment), _preceding(expected, moment)
        # Where rrule gives a last one, it had to stop somewhere.
        if following or isinstance(rule, recurrence.Once):
            assert recurrence.next_local_after(rule, moment) == following
        if preceding or rule.start >= moment:
            assert recurrence.previous_local_before(rule, moment) == preceding


@drawn.examples(800)
@given(
    drawn.kinds(),
    drawn.zone_names(),
    drawn.instants("1970-06-01", "2200-06-01"),
    st.integers(-60 * DAY, 20 * DAY) | st.integers(-50_000 * DAY, 0),
)
def test_instants__any_rule_zone_and_time__are_those_of_rrule(
    kind: Callable[[datetime], Rule], zone: str, at: datetime, seconds: int
) -> None:
    rule = kind(max(oracles.clock(at, zone) + timedelta(seconds=seconds), drawn.local("1970-01-01")))

    _agree(rule, zone, at, oracles.rrule_instants(rule, zone, at))


@drawn.examples(500)
@given(
    drawn.zone_names(),
    drawn.instants("1970-06-01", "2200-06-01"),
    drawn.calendar_periods() | drawn.elapsed_periods(),
    st.floats(-1, 30),
)
def test_instants__any_interval__are_those_of_rrule(
    zone: str, at: datetime, period: recurrence.Duration, periods: float
) -> None:
    # Of up to thirty periods, in whole seconds, which is as fine as rrule is.
    anchor = at - timedelta(seconds=int(recurrence.shortest(period).total_seconds() * periods))
    rule = Interval(period, max(anchor, drawn.utc("1970-01-01")))

    expected = oracles.rrule_instants(rule, zone, at)

    _agree(rule, zone, at, [one for one in expected if one < drawn.utc("2200-12-31")])


def _agree(rule: Rule, zone: str, at: datetime, expected: list[datetime]) -> None:
    """`expected` are the occurrences nearest to an instant, with none left out between them."""
    if expected:
        first, last = expected[0], expected[-1]
        assert list(recurrence.between(rule, zone, first, last + MOMENT)) == expected
    for moment in (at, *expected):
        following, preceding = _following(expected, moment), _preceding(expected, moment)
        if following:
            assert recurrence.next_after(rule, zone, moment) == following
        if preceding:
            assert recurrence.previous_before(rule, zone, moment) == preceding


@cache
def _watch(zone: str, change: datetime) -> oracles.Watch:
    return oracles.Watch(zone, change)


@cache
def _changes(zone: str) -> tuple[datetime, ...]:
    return tuple(drawn.changes(zone, *WATCHED_YEARS))


# Minutes from a change: near enough for what is skipped, or comes twice, or anywhere in the watch.
MINUTES = st.integers(-150, 150) | st.integers(-18 * 60, 18 * 60 - 1)
DAYS_AGO = st.sampled_from([0, 0, 1, 7, 28, 400])


@dataclass(frozen=True)
class Moments:
    """A change of a zone, and minutes from it for a start, its days before that, and an instant to look from."""

    zone: str
    number: int
    start: timedelta
    before: timedelta
    look: timedelta

    @property
    def watch(self) -> oracles.Watch:
        changes = _changes(self.zone) or (drawn.utc("2026-03-29T01:00"),)
        return _watch(self.zone, changes[self.number % len(changes)])


# Near enough for what is skipped or comes twice, or anywhere in the watch.
MINUTES = (st.integers(-150, 150) | st.integers(-18 * 60, 18 * 60 - 1)).map(lambda number: timedelta(minutes=number))
MOMENTS = st.builds(
    Moments,
    zone=st.sampled_from(WATCHED_ZONES),
    number=st.integers(0),
    start=MINUTES,
    before=st.sampled_from([0, 0, 1, 7, 28, 400]).map(timedelta),
    look=MINUTES,
)


@drawn.examples(120)
@given(drawn.kinds(), MOMENTS, st.booleans())
def test_instants__around_a_change__are_what_a_watched_clock_shows(
    kind: Callable[[datetime], Rule], moments: Moments, meant: bool
) -> None:
    watch = moments.watch
    time = oracles.clock(watch.middle, watch.zone) + moments.start
    rule = _on_the_day(kind, time, moments.before) if meant else kind(time - moments.before)

    _agree_with_watch(rule, watch, watch.middle + moments.look)


@drawn.examples(80)
@given(drawn.calendar_periods() | drawn.elapsed_periods(), MOMENTS)
def test_instants__of_an_interval_around_a_change__are_what_a_watched_clock_shows(
    period: recurrence.Duration, moments: Moments
) -> None:
    watch = moments.watch
    rule = Interval(period, watch.middle + moments.start - moments.before)

    _agree_with_watch(rule, watch, watch.middle + moments.look)


def _on_the_day(kind: Callable[[datetime], Rule], time: datetime, before: timedelta) -> Rule:
    """A rule of a kind that has the day of `time`, which few that are drawn have."""
    start, weekday = time - before, time.isoweekday() % 7
    match kind(start):
        case recurrence.Weekly():
            return recurrence.Weekly(start, (weekday,))
        case recurrence.MonthlyOnDay():
            return recurrence.MonthlyOnDay(start, time.day)
        case recurrence.MonthlyOnWeekday():
            return recurrence.MonthlyOnWeekday(start, min((time.day + 6) // 7, 5), weekday)
        case recurrence.PatchTuesday():
            day = next(day for day in range(8, 15) if time.replace(day=day).isoweekday() == 2)
            return recurrence.PatchTuesday(start, time.day - day)
        case recurrence.Once():
            return recurrence.Once(time)
    return recurrence.Daily(start)


def _agree_with_watch(rule: Rule, watch: oracles.Watch, at: datetime) -> None:
    expected = watch.occurrences(rule)

    assert list(recurrence.between(rule, watch.zone, watch.start, watch.end)) == expected
    for moment in (at, *expected):
        following, preceding = _following(expected, moment), _preceding(expected, moment)
        found = recurrence.next_after(rule, watch.zone, moment)
        assert found == following or (following is None and (found is None or found >= watch.end))
        found = recurrence.previous_before(rule, watch.zone, moment)
        assert found == preceding or (preceding is None and (found is None or found < watch.start))


# Marked as the drawn ones, which are those that fuzzing runs.
@pytest.mark.hypothesis
@pytest.mark.parametrize("zone", WATCHED_ZONES)
def test_instants__at_every_change_of_a_zone__are_what_a_watched_clock_shows(zone: str) -> None:
    for change in _changes(zone):
        watch = oracles.Watch(zone, change)
        before, after = oracles.clock(change - timedelta(minutes=1), zone), oracles.clock(change, zone)
        first, last = min(before, after), max(before, after)
        for start in {first - timedelta(hours=1), first, after, first + (last - first) // 2, last}:
            daily = recurrence.Daily(start.replace(second=0, microsecond=0) - timedelta(days=3))
            _agree_with_watch(daily, watch, change)
        hourly = Interval(recurrence.parse_duration("PT7H"), change - timedelta(hours=70))
        _agree_with_watch(hourly, watch, change)


def test_changes__of_the_telling_zones__are_found() -> None:
    assert drawn.changes("Europe/Berlin", 2026, 2026) == [drawn.utc("2026-03-29T01:00"), drawn.utc("2026-10-25T01:00")]
    assert drawn.changes("Pacific/Apia", 2011, 2011) == [
        drawn.utc("2011-04-02T14:00"), drawn.utc("2011-09-24T14:00"), drawn.utc("2011-12-30T10:00"),
    ]  # fmt: skip
    assert drawn.changes("UTC", 2020, 2021) == []
