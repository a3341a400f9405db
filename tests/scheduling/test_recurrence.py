"""When schedules recur: examples worked out by hand, and laws that hold for all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling import recurrence
from scheduling.recurrence import (
    Daily,
    Interval,
    MonthlyOnDay,
    MonthlyOnLastDay,
    MonthlyOnWeekday,
    Once,
    OnDemand,
    PatchTuesday,
    Rule,
    Weekly,
    parse_duration,
)
from tests.scheduling import drawn
from tests.scheduling.drawn import local, utc

MOMENT = timedelta(microseconds=1)
START = local("2026-01-01T02:30")
NEVER = utc("2200-12-31T23:59:59")


def _every(text: str, anchor: str) -> Interval:
    return Interval(parse_duration(text), utc(anchor))


def _first(rule: Rule, zone: str, after: str, number: int) -> list[str]:
    found = islice(recurrence.between(rule, zone, utc(after) + MOMENT, NEVER), number)
    return [f"{at:%Y-%m-%dT%H:%M}" for at in found]


@pytest.mark.parametrize(
    ("rule", "after", "expected"),
    [
        (Once(START), "2025-01-01", ["2026-01-01T02:30"]),
        (Once(START), "2026-01-01T02:29", ["2026-01-01T02:30"]),
        (Once(START), "2026-01-01T02:30", []),
        (OnDemand(), "2025-01-01", []),
        (Daily(START), "2025-06-01", ["2026-01-01T02:30", "2026-01-02T02:30"]),
        (Daily(START), "2026-02-28T02:30", ["2026-03-01T02:30", "2026-03-02T02:30"]),
        # The first of January 2026 is a Thursday.
        (Weekly(START, (1,)), "2025-01-01", ["2026-01-05T02:30", "2026-01-12T02:30"]),
        (Weekly(START, (4,)), "2025-01-01", ["2026-01-01T02:30", "2026-01-08T02:30"]),
        (Weekly(START, (0, 6)), "2026-01-01", ["2026-01-03T02:30", "2026-01-04T02:30", "2026-01-10T02:30"]),
        (MonthlyOnDay(START, 31), "2026-01-31T02:29", ["2026-01-31T02:30", "2026-02-28T02:30", "2026-03-31T02:30"]),
        (MonthlyOnDay(START, 31), "2026-04-01", ["2026-04-30T02:30", "2026-05-31T02:30", "2026-06-30T02:30"]),
        (MonthlyOnDay(START, 30), "2028-01-31", ["2028-02-29T02:30", "2028-03-30T02:30"]),
        (MonthlyOnDay(local("2026-01-15T00:00"), 14), "2026-01-01", ["2026-02-14T00:00"]),
        (MonthlyOnLastDay(START), "2026-01-31T02:30", ["2026-02-28T02:30", "2026-03-31T02:30", "2026-04-30T02:30"]),
        (MonthlyOnLastDay(START), "2100-02-01", ["2100-02-28T02:30"]),
        (MonthlyOnWeekday(START, 1, 4), "2025-01-01", ["2026-01-01T02:30", "2026-02-05T02:30"]),
        (MonthlyOnWeekday(START, 5, 5), "2026-01-01", ["2026-01-30T02:30", "2026-02-27T02:30", "2026-03-27T02:30"]),
        (MonthlyOnWeekday(START, 4, 0), "2026-02-01", ["2026-02-22T02:30", "2026-03-22T02:30"]),
        (PatchTuesday(START, 0), "2026-01-01", ["2026-01-13T02:30", "2026-02-10T02:30", "2026-03-10T02:30"]),
        (PatchTuesday(START, 3), "2026-01-01", ["2026-01-16T02:30", "2026-02-13T02:30"]),
        (PatchTuesday(START, 27), "2026-01-01", ["2026-01-05T02:30", "2026-02-09T02:30", "2026-03-09T02:30"]),
        (PatchTuesday(START, -27), "2026-01-01", ["2026-01-14T02:30", "2026-02-11T02:30", "2026-03-18T02:30"]),
        (_every("PT6H", "2026-01-01"), "2026-01-01T05:59", ["2026-01-01T06:00", "2026-01-01T12:00"]),
        (_every("PT6H", "2026-01-01"), "2025-01-01", ["2026-01-01T00:00", "2026-01-01T06:00"]),
        (_every("P1M", "2026-01-31T12:00"), "2026-01-31T12:00", ["2026-02-28T12:00", "2026-03-31T12:00"]),
        (_every("P1Y", "2024-02-29T12:00"), "2026-03-01", ["2027-02-28T12:00", "2028-02-29T12:00"]),
        (_every("P2W", "2026-01-01T12:00"), "2026-01-01T12:00", ["2026-01-15T12:00", "2026-01-29T12:00"]),
        (_every("P1M1D", "2026-01-31T12:00"), "2026-01-31T12:00", ["2026-03-01T12:00", "2026-04-02T12:00"]),
    ],
)  # fmt: skip
def test_next_after__in_utc__is_as_worked_out(rule: Rule, after: str, expected: list[str]) -> None:
    assert _first(rule, "UTC", after, max(len(expected), 1)) == expected


@pytest.mark.parametrize(
    ("zone", "time", "after", "expected"),
    [
        # What is skipped comes at the end of the gap, and the next day is itself again.
        ("Europe/Berlin", "02:30", "2026-03-27T12:00", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
        # What comes twice comes the first time alone.
        ("Europe/Berlin", "02:30", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("America/New_York", "02:30", "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:30"]),
        ("America/New_York", "01:30", "2026-10-31T12:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        # In the second of the two hours, also what is later on the clock has been.
        ("America/New_York", "01:30", "2026-11-01T06:15", ["2026-11-02T06:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-03T00:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-04T00:00", ["2026-04-04T14:45", "2026-04-05T15:15"]),
        # The thirtieth never was: it comes when the thirty-first begins.
        ("Pacific/Apia", "12:00", "2011-12-29T00:00", ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00"]),
        # Then it begins, too: once.
        ("Pacific/Apia", "00:00", "2011-12-29T00:00", ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"]),
        # Ramadan.
        ("Africa/Casablanca", "02:30", "2026-02-14T12:00", ["2026-02-15T01:30", "2026-02-16T02:30"]),
        ("Africa/Casablanca", "02:30", "2026-03-21T12:00", ["2026-03-22T02:00", "2026-03-23T01:30"]),
        # A midnight that is skipped.
        ("Africa/Cairo", "00:00", "2026-04-23T00:00", ["2026-04-23T22:00", "2026-04-24T21:00"]),
    ],
)
def test_next_after__on_days_when_clocks_change__is_as_worked_out(
    zone: str, time: str, after: str, expected: list[str]
) -> None:
    assert _first(Daily(local(f"2011-01-01T{time}")), zone, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("P1D", ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]),
        ("PT24H", ["2026-03-28T01:30", "2026-03-29T01:30", "2026-03-30T01:30"]),
        ("P1DT12H", ["2026-03-28T01:30", "2026-03-29T12:30", "2026-03-31T00:30"]),
    ],
)
def test_next_after__interval_across_a_change__is_by_calendar_or_elapsed(period: str, expected: list[str]) -> None:
    assert _first(_every(period, "2026-03-28T01:30"), "Europe/Berlin", "2026-03-28", 3) == expected


def test_next_after__interval_anchored_in_an_hour_that_comes_again__begins_with_its_anchor() -> None:
    anchor = utc("2026-10-25T01:30")
    rule = Interval(parse_duration("P1D"), anchor)

    assert recurrence.next_after(rule, "Europe/Berlin", utc("2026-10-25T00:45")) == anchor
    assert recurrence.next_after(rule, "Europe/Berlin", anchor) == utc("2026-10-26T01:30")
    assert recurrence.previous_before(rule, "Europe/Berlin", utc("2026-10-26T01:30")) == anchor
    assert recurrence.previous_before(rule, "Europe/Berlin", anchor) is None


@pytest.mark.parametrize("period", ["PT7H", "P1D", "P1M"])
def test_next_after__late_by_years__has_not_drifted(period: str) -> None:
    rule = _every(period, "1999-12-31T22:13")
    step = utc("1999-12-31T22:13")
    while step is not None and step < utc("2001-01-01"):
        before, step = step, recurrence.next_after(rule, "Europe/Berlin", step)

    assert step == recurrence.next_after(rule, "Europe/Berlin", utc("2001-01-01") - MOMENT)
    assert before == recurrence.previous_before(rule, "Europe/Berlin", utc("2001-01-01"))


def test_next_after__instant_with_an_offset__is_that_instant() -> None:
    after = datetime(2026, 1, 5, 8, 0, tzinfo=timezone(timedelta(hours=6)))

    found = recurrence.next_after(Daily(START), "UTC", after)

    assert found == utc("2026-01-05T02:30")
    assert found is not None and found.tzinfo is UTC


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-14", "Etc/GMT+12", "Europe/Berlin"])
@pytest.mark.parametrize(
    "rule",
    [
        OnDemand(), Once(local("9999-12-31T23:59")), Once(local("0001-01-01T00:00")), Daily(local("0001-01-01T00:00")),
        Daily(local("9999-12-31T23:59")), Weekly(local("0001-01-01T00:00"), (3,)),
        MonthlyOnDay(local("1000-01-01T00:00"), 31), PatchTuesday(local("9999-12-31T23:59"), 27),
        _every("P1D", "0001-01-01"), _every("P1M", "9999-12-31T23:59"),
        _every("PT5M", "0001-01-01"), _every("PT5M", "9999-12-31T23:59"), _every("P230Y", "2100-01-01"),
        _every("P1M", "1969-12-31T00:00"),
    ],
    ids=str,
)  # fmt: skip
def test_all__at_the_ends_of_time__are_from_1970_to_2200_or_none(rule: Rule, zone: str) -> None:
    east, west = timezone(timedelta(hours=9)), timezone(timedelta(hours=-9))
    ends = [datetime.min.replace(tzinfo=east), datetime.max.replace(tzinfo=west), utc("0001-01-01"), utc("9999-12-31")]

    for at in (*ends, utc("1969-12-31"), utc("2026-03-29"), utc("2201-01-02")):
        for found in (recurrence.next_after(rule, zone, at), recurrence.previous_before(rule, zone, at)):
            assert found is None or utc("1969-12-31T10:00") <= found < utc("2201-01-01T12:00")
        found = next(recurrence.between(rule, zone, at, datetime.max.replace(tzinfo=UTC)), None)
        assert found is None or found >= at


def test_daily__from_before_1970_until_after_2200__is_within() -> None:
    rule = Daily(local("1000-01-01T12:00"))

    assert recurrence.next_after(rule, "UTC", datetime.min.replace(tzinfo=UTC)) == utc("1970-01-01T12:00")
    assert recurrence.previous_before(rule, "UTC", datetime.max.replace(tzinfo=UTC)) == utc("2200-12-31T12:00")
    assert recurrence.next_after(rule, "UTC", utc("2200-12-31T12:00")) is None
    assert recurrence.previous_before(rule, "UTC", utc("1970-01-01T12:00")) is None


def test_local_times__know_no_gap() -> None:
    rule = PatchTuesday(START, 26)

    assert recurrence.next_local_after(rule, local("2026-02-09T00:00")) == local("2026-03-08T02:30")
    assert recurrence.previous_local_before(rule, local("2026-03-08T02:31")) == local("2026-03-08T02:30")
    assert recurrence.previous_local_before(rule, local("2026-03-08T02:30")) == local("2026-02-08T02:30")


def test_local_times__of_an_interval__are_refused() -> None:
    for find in (recurrence.next_local_after, recurrence.previous_local_before):
        with pytest.raises(ValueError, match="counts from an instant"):
            find(_every("P1D", "2026-01-01"), START)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Daily(utc("2026-01-01")), "without a zone"),
        (lambda: Weekly(START, ()), "at least one"),
        (lambda: Weekly(START, (1, 7)), r"0 \(Sunday\) to 6"),
        (lambda: MonthlyOnDay(START, 0), "from 1 to 31"),
        (lambda: MonthlyOnDay(START, 32), "from 1 to 31"),
        (lambda: MonthlyOnWeekday(START, 0, 1), "from 1 to 5"),
        (lambda: MonthlyOnWeekday(START, 6, 1), "from 1 to 5"),
        (lambda: MonthlyOnWeekday(START, 1, 7), r"0 \(Sunday\) to 6"),
        (lambda: PatchTuesday(START, 28), "-27 to 27"),
        (lambda: PatchTuesday(START, -28), "-27 to 27"),
        (lambda: Interval(parse_duration("PT6H"), START), "with an offset"),
        (lambda: Interval(parse_duration("PT0S"), utc("2026-01-01")), "longer than nothing"),
        (lambda: recurrence.next_after(Daily(START), "UTC", START), "with an offset"),
        (lambda: recurrence.previous_before(Daily(START), "UTC", START), "with an offset"),
    ],
)
def test_rules__impossible__are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_rules__equal__are_one_key() -> None:
    berlin = datetime(2026, 1, 1, 13, tzinfo=timezone(timedelta(hours=1)))

    assert len({Weekly(START, (1, 2)), Weekly(START, (1, 2)), Daily(START), MonthlyOnLastDay(START)}) == 3
    assert hash(Interval(parse_duration("PT60M"), berlin)) == hash(_every("PT1H", "2026-01-01T12:00"))
    assert Interval(parse_duration("PT60M"), berlin) == _every("PT1H", "2026-01-01T12:00")


@drawn.examples(150)
@given(drawn.kinds(), drawn.zone_names(), drawn.instants("1970-01-01", "2200-01-01"), st.integers(-400, 400))
def test_laws__any_rule__hold(kind: Callable[[datetime], Rule], zone: str, at: datetime, days: int) -> None:
    start = max(at.replace(tzinfo=None) + timedelta(days=days), local("1970-01-01"))

    _laws_hold(kind(start), zone, at)


@drawn.examples(150)
@given(
    drawn.calendar_periods() | drawn.elapsed_periods(),
    drawn.zone_names(),
    drawn.instants("1970-01-01", "2200-01-01"),
    st.integers(-40_000, 400),
)
def test_laws__any_interval__hold(period: recurrence.Duration, zone: str, at: datetime, days: int) -> None:
    _laws_hold(Interval(period, max(at + timedelta(days=days), utc("1970-01-01"))), zone, at)


def _laws_hold(rule: Rule, zone: str, at: datetime) -> None:
    found, after = [], at
    while len(found) < 8 and (one := recurrence.next_after(rule, zone, after)) is not None:
        found.append(one)
        after = one

    assert all(one < other for one, other in pairwise([at, *found]))
    if not found:
        return
    assert list(recurrence.between(rule, zone, at + MOMENT, found[-1])) == found[:-1]
    assert list(recurrence.between(rule, zone, found[0], found[-1] + MOMENT)) == found
    for one, other in pairwise(found):
        middle = one + (other - one) / 2
        assert recurrence.next_after(rule, zone, one - MOMENT) == one
        assert recurrence.next_after(rule, zone, middle) == other
        assert recurrence.previous_before(rule, zone, middle) == one
        assert recurrence.previous_before(rule, zone, other) == one
        assert recurrence.previous_before(rule, zone, other + MOMENT) == other
