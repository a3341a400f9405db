"""Schedules as sentences."""

import pytest

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
from scheduling.sentences import sentence
from tests.scheduling.drawn import local, utc

AT = local("2025-04-14T02:30")


def _every(text: str) -> Interval:
    return Interval(parse_duration(text), utc("2025-04-14T13:45"))


@pytest.mark.parametrize(
    ("rule", "zone", "expected"),
    [
        (OnDemand(), "UTC", "on demand"),
        (OnDemand(), None, "on demand"),
        (Once(local("2025-04-14T13:45")), "UTC", "once, on 2025-04-14 at 13:45 in UTC"),
        (Once(AT), None, "once, on 2025-04-14 at 02:30 in each machine's time zone"),
        (Daily(local("2025-04-14T00:00")), "Asia/Tokyo", "daily at 00:00 in Asia/Tokyo"),
        (Daily(local("2025-04-14T13:45:48")), "UTC", "daily at 13:45:48 in UTC"),
        (Weekly(AT, (1,)), "UTC", "weekly on Monday at 02:30 in UTC"),
        (Weekly(AT, (4, 1)), "Europe/Berlin", "weekly on Monday and Thursday at 02:30 in Europe/Berlin"),
        (Weekly(AT, (0, 3, 6)), "UTC", "weekly on Sunday, Wednesday and Saturday at 02:30 in UTC"),
        (Weekly(AT, tuple(range(7))), "UTC", "weekly on every day at 02:30 in UTC"),
        (MonthlyOnDay(AT, 28), "UTC", "monthly on day 28 at 02:30 in UTC"),
        (MonthlyOnDay(AT, 29), "UTC", "monthly on day 29 (the last day of shorter months) at 02:30 in UTC"),
        (MonthlyOnLastDay(AT), "UTC", "monthly on the last day at 02:30 in UTC"),
        (MonthlyOnWeekday(AT, 1, 0), "UTC", "monthly on the first Sunday at 02:30 in UTC"),
        (MonthlyOnWeekday(AT, 4, 6), "UTC", "monthly on the fourth Saturday at 02:30 in UTC"),
        (MonthlyOnWeekday(AT, 5, 5), "UTC", "monthly on the last Friday at 02:30 in UTC"),
        (PatchTuesday(AT, 0), "UTC", "monthly on Patch Tuesday at 02:30 in UTC"),
        (PatchTuesday(AT, 3), None, "monthly, 3 days after Patch Tuesday at 02:30 in each machine's time zone"),
        (PatchTuesday(AT, -1), "UTC", "monthly, 1 day before Patch Tuesday at 02:30 in UTC"),
        (_every("PT6H"), "Europe/Berlin", "every 6 hours, from 2025-04-14 at 15:45 in Europe/Berlin"),
        (_every("PT1H"), "UTC", "every hour, from 2025-04-14 at 13:45 in UTC"),
        (_every("P1M"), None, "every month, from 2025-04-14 at 13:45 in UTC"),
        (_every("P14D"), "UTC", "every 2 weeks, from 2025-04-14 at 13:45 in UTC"),
        (_every("P7D"), "UTC", "every week, from 2025-04-14 at 13:45 in UTC"),
        (_every("P1DT12H"), "UTC", "every 1 day and 12 hours, from 2025-04-14 at 13:45 in UTC"),
        (_every("P1Y2M3DT4H5M6S"), "UTC",
         "every 1 year, 2 months, 3 days, 4 hours, 5 minutes and 6 seconds, from 2025-04-14 at 13:45 in UTC"),
    ],
)  # fmt: skip
def test_sentence__of_a_rule__reads_so(rule: Rule, zone: str | None, expected: str) -> None:
    assert sentence(rule, zone) == expected
