"""Schedules: selectors, week days, starts, intervals, and what a change of the type does."""

from typing import Any

import pytest

from tests.contract.house import (
    DAILY,
    INTERVAL,
    MONTHLY,
    ONCE,
    WEEKLY,
    House,
    without,
)
from tests.contract.refusals import Body, error_code, problems, refused

# --- schedules --------------------------------------------------------------------------------------------------------

SELECTORS: list[Body] = [
    {"dayOfMonth": 3},
    {"recurringLastDayOfMonth": True},
    {"recurringDayOfMonth": 2, "recurringWeekDayOfMonth": 3},
    {"monthlyRecurringType": 1, "patchTuesdayPlusXDays": 1},
]


@pytest.mark.parametrize("selector", SELECTORS)
def test_monthly__one_selector__is_accepted(house: House, selector: Body) -> None:
    job = house.create(house.windows(**MONTHLY, **selector))

    assert {key: job[key] for key in selector} == selector


def test_monthly__no_selector__is_refused(house: House) -> None:
    found = problems(house, house.windows(**MONTHLY))

    assert set(found) <= {"scheduleType", *(key for selector in SELECTORS for key in selector)}


@pytest.mark.parametrize("one", range(4))
@pytest.mark.parametrize("other", range(4))
def test_monthly__two_selectors__exclude_each_other(house: House, one: int, other: int) -> None:
    if one >= other:
        return
    body = house.windows(**MONTHLY, **SELECTORS[one], **SELECTORS[other])

    assert set(problems(house, body)) & (SELECTORS[one].keys() | SELECTORS[other].keys())
    assert error_code(house, body) == "1907"


@pytest.mark.parametrize(
    ("half", "lacking"),
    [
        ({"recurringDayOfMonth": 2}, "recurringWeekDayOfMonth"),
        ({"recurringWeekDayOfMonth": 2}, "recurringDayOfMonth"),
    ],
)
def test_monthly__half_a_selector__names_the_other_half(house: House, half: Body, lacking: str) -> None:
    assert lacking in problems(house, house.windows(**MONTHLY, **half))


@pytest.mark.parametrize(
    "selector",
    [
        {"dayOfMonth": 3, "recurringLastDayOfMonth": False, "monthlyRecurringType": 0},
        {"dayOfMonth": 3, "recurringDayOfMonth": None, "patchTuesdayPlusXDays": ""},
    ],
)
def test_monthly__other_selectors_at_nothing__do_not_count(house: House, selector: Body) -> None:
    assert house.create(house.windows(**MONTHLY, **selector))["dayOfMonth"] == 3


@pytest.mark.parametrize(
    "days", ["0,0,0,0,0,0,0", "1,0,0", "0,0,1,0,0,0,0,0", "0,0,2,0,0,0,0", "Tuesday", "0,0,x,0,0,0,0", None]
)
def test_weekly__days_that_cannot_be__are_refused(house: House, days: str | None) -> None:
    refused(
        house,
        house.windows(**WEEKLY | {"recurringWeekDays": days}),
        {"recurringWeekDays"},
        "1903" if days is None else "1905",
    )


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ({"scheduleType": "On-demand"}, True),
        (ONCE, True),
        (ONCE, "true"),
        (DAILY, False),
        (WEEKLY, "false"),
        ({**MONTHLY, "dayOfMonth": 1}, False),
        (INTERVAL, False),
    ],
)
def test_recurring__against_the_schedule__is_refused(house: House, schedule: Body, told: Any) -> None:
    assert set(problems(house, house.windows(**schedule, recurring=told))) == {"recurring"}


@pytest.mark.parametrize(
    ("schedule", "foreign"),
    [
        (DAILY, {"recurringWeekDays": "0,0,1,0,0,0,0"}),
        (DAILY, {"dayOfMonth": 3}),
        (WEEKLY, {"dayOfMonth": 3}),
        (WEEKLY, {"recurringLastDayOfMonth": True}),
        (ONCE, {"monthlyRecurringType": 1, "patchTuesdayPlusXDays": 1}),
        ({**MONTHLY, "dayOfMonth": 3}, {"recurringWeekDays": "0,0,1,0,0,0,0"}),
        (DAILY, {"recurrenceInterval": "PT1H"}),
        (WEEKLY, {"doNotRunUntil": "2032-01-01T00:00:00Z"}),
        ({"scheduleType": "On-demand"}, {"dayOfMonth": 3}),
    ],
)
def test_schedule__fields_of_another_type__would_change_nothing_and_are_refused(
    house: House, schedule: Body, foreign: Body
) -> None:
    assert set(problems(house, house.windows(**schedule, **foreign))) & foreign.keys()


def test_interval__where_each_host_is__is_refused(house: House) -> None:
    found = problems(house, house.windows(**INTERVAL, timezoneType="AGENT_TZ"))

    assert set(found) & {"timezoneType", "scheduleType", "recurrenceInterval"}


def test_interval__without_its_length__is_refused(house: House) -> None:
    refused(house, house.windows(**without(INTERVAL, "recurrenceInterval")), {"recurrenceInterval"}, "1903")


@pytest.mark.parametrize("until", ["tomorrow", "2031-02-30T00:00:00Z", True])
def test_interval__until_what_is_no_instant__is_refused(house: House, until: Any) -> None:
    assert set(problems(house, house.windows(**INTERVAL, doNotRunUntil=until))) == {"doNotRunUntil"}


@pytest.mark.parametrize(
    "start", ["tomorrow", "2031-02-30 10:00:00", "2031-13-01 10:00:00", "2031-1-1 13:00:00 PM", "2031-1-1 25:00:00", 5]
)
def test_start__that_is_no_time__is_refused(house: House, start: Any) -> None:
    refused(house, house.windows(**ONCE | {"startDateTime": start}), {"startDateTime"}, "1905")


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "CET+1", "../etc/passwd", 3])
def test_timezone__that_is_nowhere__is_refused(house: House, zone: Any) -> None:
    refused(house, house.windows(**ONCE, timezone=zone), {"timezone"}, "1905")


@pytest.mark.parametrize(
    ("window", "share"),
    [
        ({"timeout": 1, "timeoutUnit": "HOURS"}, {"downloadRandomizeTime": 60, "downloadRandomizeTimeUnit": "MINUTES"}),
        ({"timeout": 1, "timeoutUnit": "HOURS"}, {"downloadRandomizeTime": 1, "downloadRandomizeTimeUnit": "HOURS"}),
        (
            {"timeout": 30, "timeoutUnit": "MINUTES"},
            {"downloadRandomizeTime": 45, "downloadRandomizeTimeUnit": "MINUTES"},
        ),
    ],
)
def test_downloads__spread_over_the_whole_window__are_refused(house: House, window: Body, share: Body) -> None:
    assert set(problems(house, house.windows(**window, **share))) & {"downloadRandomizeTime", "timeout"}


def test_downloads__spread_over_less_than_the_window__are_accepted(house: House) -> None:
    window = {"timeout": 1, "timeoutUnit": "HOURS"}
    share = {"downloadRandomizeTime": 59, "downloadRandomizeTimeUnit": "MINUTES"}

    assert house.create(house.windows(**window, **share))["downloadRandomizeTime"] == 59


@pytest.mark.parametrize(
    "sent", [{"enableReattemptFailedPatches": True}, {"reattemptFailedPatches": True}, {"reattemptFailedPatches": {}}]
)
def test_reattempts__without_their_numbers__name_them(house: House, sent: Body) -> None:
    body = house.windows(enableReattemptFailedPatches=True) | sent

    fields = set(problems(house, body))

    assert any("noOfReattempts" in field or field == "reattemptFailedPatches" for field in fields), fields


# --- changing the schedule's type -------------------------------------------------------------------------------------


def test_change__of_the_schedule_type__clears_what_the_old_one_had(house: House) -> None:
    job = house.create(house.windows(**WEEKLY))

    answer = house.ada.patch(f"deploymentjob/{job['id']}", {"scheduleType": "Monthly", "dayOfMonth": 3})

    assert answer.status_code == 200, answer.json()
    changed = answer.json()
    assert (changed["recurringWeekDays"], changed["dayOfMonth"], changed["recurring"]) == (None, 3, True)


def test_change__of_one_selector_for_another__replaces_it_when_the_old_one_is_cleared(house: House) -> None:
    job = house.create(house.windows(**MONTHLY, dayOfMonth=3))

    both = house.ada.patch(f"deploymentjob/{job['id']}", {"recurringLastDayOfMonth": True})
    cleared = house.ada.patch(f"deploymentjob/{job['id']}", {"recurringLastDayOfMonth": True, "dayOfMonth": None})

    assert (both.status_code, both.json()["errorCode"]) == (400, "1907")
    assert (cleared.json()["dayOfMonth"], cleared.json()["recurringLastDayOfMonth"]) == (None, True)


def test_replace__what_is_absent__is_reset_except_the_status(house: House) -> None:
    job = house.create(house.windows(**DAILY, status="Enabled", description="old", timeout=3, minimizeWindow=True))

    answer = house.ada.put(f"deploymentjob/{job['id']}", house.windows(**DAILY))

    changed = answer.json()
    assert answer.status_code == 200, changed
    assert [changed[key] for key in ("status", "description", "timeout", "minimizeWindow")] == [
        "Enabled",
        None,
        -1,
        False,
    ]
