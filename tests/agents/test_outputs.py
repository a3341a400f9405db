"""POST /agent/v1/output: what a running script prints is seen while it runs, bounded, and each piece once."""

from typing import Any

import pytest

from agents.models import LiveOutput
from core.customer_context import acting_for
from deployments.models import HostTask, Step
from tests import factories
from tests.agents.endpoints import AT, Endpoint, endpoint, now, work
from tests.factories import Person

STARTED = [
    {"sequence": 1, "at": AT, "kind": "accepted"},
    {"sequence": 2, "at": AT, "kind": "step_started", "number": 1},
]
ENDED = {"sequence": 3, "at": AT, "kind": "step_finished", "number": 1, "state": "succeeded", "reason": "done"}


@pytest.fixture
def task(ada: Person, host: Endpoint) -> HostTask:
    """Of a script that runs."""
    (made,) = work(ada, host, preDeployActions=[factories.script()])
    host.check_in()
    assert host.report(made, STARTED).status_code == 200
    return now(made)


def show(host: Endpoint, task: HostTask, offset: int, text: str, **changes: Any) -> Any:
    piece = {"number": 1, "offset": offset, "size": len(text.encode()), "text": text}
    return host.send("output", {"hostTaskId": task.pk, "attempt": 1, "fence": 1} | piece | changes)


def seen(ada: Person, task: HostTask) -> tuple[str, bool]:
    """As a person sees it."""
    job, run = task.run.job.public_id, task.run.instance
    answer = ada.get(f"deploymentjob/{job}/runs/{run}/assets/{task.asset.public_id}").json()
    step = next(one for one in answer["steps"] if one["number"] == 1)
    return step["output"], step["outputCut"]


def test_output__of_a_running_script__grows_where_its_host_is_shown(
    ada: Person, host: Endpoint, task: HostTask
) -> None:
    first = show(host, task, 0, "hello\n")
    between = seen(ada, task)
    second = show(host, task, 6, "wörld\n")

    assert (first.json(), second.json()) == ({"received": 6}, {"received": 13})
    assert between == ("hello\n", False)
    assert seen(ada, task) == ("hello\nwörld\n", False)


def test_output__a_piece_again__is_nothing_new(ada: Person, host: Endpoint, task: HostTask) -> None:
    show(host, task, 0, "hello\n")

    again = [show(host, task, 0, "hello\n"), show(host, task, 0, "hello\nand more\n")]

    assert [one.json()["received"] for one in again] == [6, 6]
    assert seen(ada, task)[0] == "hello\n"
    assert show(host, task, 6, "and more\n").json()["received"] == 15
    assert seen(ada, task)[0] == "hello\nand more\n"


def test_output__after_a_gap__says_that_something_is_missing(ada: Person, host: Endpoint, task: HostTask) -> None:
    show(host, task, 0, "begin\n")

    show(host, task, 1_000_000, "end\n")

    assert seen(ada, task) == ("begin\n\n[… cut …]\nend\n", True)


def test_output__without_end__is_kept_in_64_kib(ada: Person, host: Endpoint, task: HostTask) -> None:
    for number in range(12):
        show(host, task, number * 16_384, f"{number:015}\n" * 1024)

    text, cut = seen(ada, task)

    assert cut
    assert len(text) < 64 * 1024 + 100
    assert text.startswith("000000000000000\n")
    assert text.endswith("000000000000011\n")
    with acting_for(ada.customer.pk):
        live = LiveOutput.objects.get()
    assert (len(live.head), len(live.tail)) == (32 * 1024, 32 * 1024)


def test_output__step_has_ended__its_report_counts_and_nothing_more_is_taken(
    ada: Person, host: Endpoint, task: HostTask
) -> None:
    show(host, task, 0, "half")

    host.report(task, [ENDED | {"output": "whole"}])
    late = show(host, task, 4, "more")

    assert (late.status_code, late.json()["stale"]) == (409, True)
    assert seen(ada, task) == ("whole", False)
    with acting_for(ada.customer.pk):
        assert not LiveOutput.objects.exists()


def test_output__before_the_step_is_known_to_run__is_wanted_again(ada: Person, host: Endpoint) -> None:
    (made,) = work(ada, host, preDeployActions=[factories.script()])
    host.check_in()

    assert show(host, made, 0, "early").json() == {"received": 0}


@pytest.mark.parametrize("other", [{"attempt": 2}, {"fence": 2}, {"number": 9}])
def test_output__of_other_work__is_stale(ada: Person, host: Endpoint, task: HostTask, other: dict[str, int]) -> None:
    assert show(host, task, 0, "hello", **other).status_code == 409
    assert show(endpoint(ada), task, 0, "hello").status_code == 409
    with acting_for(ada.customer.pk):
        assert not Step.objects.exclude(output="").exists()


@pytest.mark.parametrize("wrong", [{"offset": -1}, {"size": 0}, {"text": "x" * 40_000}, {"text": None}])
def test_output__what_cannot_be_meant__is_400(host: Endpoint, task: HostTask, wrong: dict[str, Any]) -> None:
    piece = {"number": 1, "offset": 0, "size": 5, "text": "hello"} | wrong

    answer = host.send("output", {"hostTaskId": task.pk, "attempt": 1, "fence": 1} | piece)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == list(wrong)
