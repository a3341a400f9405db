"""The bounds of every number and text: what lies within is accepted, what lies beyond is refused where it stands."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.house import (
    INTERVAL,
    MONTHLY,
    QUERY,
    House,
    mail,
)
from tests.contract.refusals import Body, error_code, problems


def _with_deferment(**changes: Any) -> Body:
    return {"preDeployment": {"userMessage": "Hello", "deferment": changes}}


def _reattempts(**changes: Any) -> Body:
    numbers = {"noOfReattempts": 1, "exponentialBackoffInterval": 1} | changes
    return {"enableReattemptFailedPatches": True, "reattemptFailedPatches": numbers, "timeout": 100}


def _percentage(value: Any) -> Body:
    configs = {"recipientEmails": "ops@example.com", "completedPercentage": value}
    events = {"onJobStart": True, "onJobComplete": True}
    return {"notification": mail(notificationConfigs=configs, notificationEvents=events)}


# How a body says the number, the path that a refusal names, values within, values beyond.
Bound = tuple[str, Callable[[Any], Body], str, list[Any], list[Any]]
BOUNDS: list[Bound] = [
    ("name", lambda it: {"name": it}, "name", ["a", "x" * 256], ["x" * 257]),
    ("hours", lambda it: {"timeout": it, "timeoutUnit": "HOURS"}, "timeout", [-1, 1, 168],
     [0, -2, 169, 1.5, "x", True]),
    (
        "minutes",
        lambda it: {"timeout": it, "timeoutUnit": "MINUTES"},
        "timeout",
        [-1, 1, 10_080],
        [0, -2, 10_081, 10**30],
    ),
    ("unit", lambda it: {"timeout": 1, "timeoutUnit": it}, "timeoutUnit", ["HOURS", "Minutes"], ["DAYS", "H", 3]),
    ("day of month", lambda it: {**MONTHLY, "dayOfMonth": it}, "dayOfMonth", [1, 31], [0, 32, -1, "last"]),
    (
        "nth weekday",
        lambda it: {**MONTHLY, "recurringDayOfMonth": it, "recurringWeekDayOfMonth": 0},
        "recurringDayOfMonth",
        [1, 5],
        [0, 6, -1],
    ),
    (
        "weekday",
        lambda it: {**MONTHLY, "recurringDayOfMonth": 1, "recurringWeekDayOfMonth": it},
        "recurringWeekDayOfMonth",
        [0, 6],
        [-1, 7],
    ),
    (
        "days after Patch Tuesday",
        lambda it: {**MONTHLY, "monthlyRecurringType": 1, "patchTuesdayPlusXDays": it},
        "patchTuesdayPlusXDays",
        [-27, 0, 27],
        [-28, 28, 0.5],
    ),
    (
        "Patch Tuesday",
        lambda it: {**MONTHLY, "monthlyRecurringType": it, "patchTuesdayPlusXDays": 0},
        "monthlyRecurringType",
        [1],
        [2, -1],
    ),
    (
        "randomised hours",
        lambda it: {"downloadRandomizeTime": it, "downloadRandomizeTimeUnit": "HOURS", "timeout": 10},
        "downloadRandomizeTime",
        [0, 1, 2],
        [3, -1],
    ),
    (
        "randomised minutes",
        lambda it: {"downloadRandomizeTime": it, "downloadRandomizeTimeUnit": "MINUTES", "timeout": 10},
        "downloadRandomizeTime",
        [0, 120],
        [121, -1],
    ),
    (
        "reattempts",
        lambda it: _reattempts(noOfReattempts=it),
        "reattemptFailedPatches.noOfReattempts",
        [1, 5],
        [0, 6, -1],
    ),
    (
        "backoff",
        lambda it: _reattempts(exponentialBackoffInterval=it),
        "reattemptFailedPatches.exponentialBackoffInterval",
        [1, 15],
        [0, 16],
    ),
    (
        "percentage",
        _percentage,
        "notification.notificationConfigs.completedPercentage",
        [1, 100, "50"],
        [0, 101, -1, "half"],
    ),
    ("shortest interval", lambda it: {**INTERVAL, "recurrenceInterval": it}, "recurrenceInterval",
     ["PT5M", "PT300S", "P1D", "P1W", "PT36H"], ["PT4M59S", "PT1M", "PT0S", "5 minutes", "-PT1H", "P"]),
    ("second of a kind", lambda it: {**QUERY, "dynamicQQLType": it}, "dynamicQQLType", [1, "2"], [3, -1, "x"]),
]  # fmt: skip


@pytest.mark.parametrize("bound", BOUNDS, ids=[row[0] for row in BOUNDS])
def test_bounds__within__is_accepted(house: House, bound: Bound) -> None:
    _, body, _, within, _ = bound

    for value in within:
        answer = house.ada.post("deploymentjob/validate", house.windows(**body(value)))

        assert (answer.json()["valid"], answer.json()["errors"]) == (True, []), value


@pytest.mark.parametrize("bound", BOUNDS, ids=[row[0] for row in BOUNDS])
def test_bounds__beyond__is_refused_at_that_field(house: House, bound: Bound) -> None:
    _, body, field, _, beyond = bound

    for value in beyond:
        found = problems(house, house.windows(**body(value)))

        assert found.keys() == {field}, (value, found)
        assert error_code(house, house.windows(**body(value))) == "1905", value


@pytest.mark.parametrize(
    ("deferment", "part"),
    [({"count": -1}, "count"), ({"interval": 0}, "interval"), ({"interval": -5}, "interval"),
     ({"intervalUnit": "WEEKS"}, "intervalUnit"), ({"count": "many"}, "count")],
)  # fmt: skip
@pytest.mark.parametrize("place", ["preDeployment", "postDeployment.rebootOption"])
def test_deferment__that_cannot_be__is_refused(house: House, deferment: Body, part: str, place: str) -> None:
    body: Body = {"userMessage": "Hello", "deferment": deferment}
    for key in reversed(place.split(".")):
        body = {key: body}

    assert set(problems(house, house.windows(**body))) == {f"{place}.deferment.{part}"}


@pytest.mark.parametrize("part", [{"interval": 0}, {"interval": "soon"}, {"intervalUnit": "WEEKS"}])
def test_countdown__that_cannot_be__is_refused(house: House, part: Body) -> None:
    body = house.windows(postDeployment={"rebootCountdown": {"userMessage": "Hello", **part}})

    assert set(problems(house, body)) == {f"postDeployment.rebootCountdown.{next(iter(part))}"}
