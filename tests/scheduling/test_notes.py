"""What is remarkable about occurrences."""

import pytest

from scheduling import recurrence
from scheduling.recurrence import (
    Daily,
    Interval,
    MonthlyOnDay,
    MonthlyOnLastDay,
    MonthlyOnWeekday,
    OnDemand,
    PatchTuesday,
    Rule,
    parse_duration,
)
from tests.scheduling.drawn import local, utc

HALF_PAST_TWO = local("2011-01-01T02:30")


def _every(text: str, anchor: str) -> Interval:
    return Interval(parse_duration(text), utc(anchor))


@pytest.mark.parametrize(
    ("rule", "zone", "occurrence", "expected"),
    [
        (Daily(HALF_PAST_TWO), "Europe/Berlin", "2026-03-28T01:30", set()),
        (Daily(HALF_PAST_TWO), "Europe/Berlin", "2026-03-29T01:00", {"gap_shifted"}),
        (Daily(HALF_PAST_TWO), "Europe/Berlin", "2026-03-30T00:30", set()),
        (Daily(HALF_PAST_TWO), "Europe/Berlin", "2026-10-25T00:30", {"fold_first"}),
        (Daily(local("2011-01-01T03:00")), "Europe/Berlin", "2026-03-29T01:00", set()),
        (Daily(local("2011-01-01T03:00")), "Europe/Berlin", "2026-10-25T02:00", set()),
        (Daily(local("2011-01-01T02:00")), "Europe/Berlin", "2026-10-25T00:00", {"fold_first"}),
        # No occurrence: the second of the two hours, and any other instant.
        (Daily(HALF_PAST_TWO), "Europe/Berlin", "2026-10-25T01:30", set()),
        (MonthlyOnDay(HALF_PAST_TWO, 31), "Europe/Berlin", "2026-02-28T01:31", set()),
        (OnDemand(), "Europe/Berlin", "2026-03-29T01:00", set()),
        (Daily(local("2011-01-01T12:00")), "Pacific/Apia", "2011-12-30T10:00", {"gap_shifted"}),
        (Daily(local("2011-01-01T00:00")), "Pacific/Apia", "2011-12-30T10:00", set()),
        (MonthlyOnDay(HALF_PAST_TWO, 31), "UTC", "2026-02-28T02:30", {"clamped_to_last_day"}),
        (MonthlyOnDay(HALF_PAST_TWO, 31), "UTC", "2026-03-31T02:30", set()),
        (MonthlyOnDay(HALF_PAST_TWO, 30), "Asia/Gaza", "2026-02-28T00:30", {"clamped_to_last_day"}),
        (MonthlyOnLastDay(HALF_PAST_TWO), "UTC", "2026-02-28T02:30", set()),
        (MonthlyOnWeekday(HALF_PAST_TWO, 5, 5), "UTC", "2026-02-27T02:30", set()),
        (PatchTuesday(HALF_PAST_TWO, 3), "UTC", "2026-02-13T02:30", set()),
        (PatchTuesday(HALF_PAST_TWO, 27), "UTC", "2026-02-09T02:30", {"crosses_month"}),
        (PatchTuesday(HALF_PAST_TWO, -27), "UTC", "2026-01-14T02:30", {"crosses_month"}),
        (PatchTuesday(HALF_PAST_TWO, 26), "America/New_York", "2026-03-08T07:00", {"crosses_month", "gap_shifted"}),
        (_every("P1M", "2026-01-31T12:00"), "UTC", "2026-02-28T12:00", {"clamped_to_last_day"}),
        (_every("P1M", "2026-01-31T12:00"), "UTC", "2026-03-31T12:00", set()),
        (_every("P1M1D", "2026-01-31T12:00"), "UTC", "2026-03-01T12:00", {"clamped_to_last_day"}),
        (_every("P1D", "2026-03-28T01:30"), "Europe/Berlin", "2026-03-29T01:00", {"gap_shifted"}),
        (_every("P1D", "2026-10-24T00:30"), "Europe/Berlin", "2026-10-25T00:30", {"fold_first"}),
        # Its anchor in the second of the two hours was meant so.
        (_every("P1D", "2026-10-25T01:30"), "Europe/Berlin", "2026-10-25T01:30", set()),
        # Elapsed time knows no clocks.
        (_every("PT24H", "2026-10-24T00:30"), "Europe/Berlin", "2026-10-25T00:30", set()),
    ],
)
def test_notes__of_an_occurrence__are_as_worked_out(rule: Rule, zone: str, occurrence: str, expected: set[str]) -> None:
    assert recurrence.notes(rule, zone, utc(occurrence)) == expected
