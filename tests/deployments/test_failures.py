"""Why hosts of a run failed, those together on which the same went wrong."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.api.result_answers import FailuresOfRun
from deployments.models import Run
from inventory.models import Asset
from tests import factories
from tests.deployments.endings import does, patched
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _run, _scan
from tests.factories import NOW, Person


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


BROKEN = {**DONE, "number": 1, "state": "failed", "reason": "package_manager_failed", "exitCode": 100}


def _failures(ada: Person, run: Run) -> Any:
    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/{run.instance}/failures")
    assert answer.status_code == 200, answer.content
    FailuresOfRun.model_validate_json(answer.content)
    assert answer["X-Total-Count"] == str(len(answer.json()))
    return answer.json()


def _told(number: int, shown: str = "1.0", **step: Any) -> list[dict[str, Any]]:
    """Of a host whose patch ended so, and what its closing scan showed."""
    output = f"host {number}\nE: no space left on /dev/sd{number}/data\n"
    step = {**BROKEN, "output": output} | step
    return [ACCEPTED, step, _scan(("acme-app", shown)), {**DONE, "number": 2}, FINISHED]


def test_failures__same_cause_on_many_hosts__is_one_group(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, f"web-{number}") for number in range(9)]
    run = patched(ada, *hosts)
    for number, host in enumerate(hosts[:7]):
        does(host, _told(number))
    does(hosts[7], _told(7, output="E: Unable to locate package acme-app", exitCode=1))
    does(hosts[8], _told(8, shown="2.0", state="succeeded", reason="done", exitCode=0))

    many, one = _failures(ada, run)

    assert many == {
        "reason": "patch_failed",
        "reasonText": "A patch failed.",
        "kind": "patch",
        "stage": None,
        "title": "acme-app 2.0",
        "stepReason": "package_manager_failed",
        "exitCode": 100,
        "cause": "E: no space left on …/data",
        "assetCount": 7,
        "assetIds": [str(host.public_id) for host in hosts[:5]],
    }
    assert (one["cause"], one["exitCode"], one["assetCount"]) == ("E: Unable to locate package acme-app", 1, 1)
    assert one["assetIds"] == [str(hosts[7].public_id)]


def test_failures__host_without_a_failed_step__is_in_the_group_of_its_reason(ada: Person, host: Asset) -> None:
    run = _run(ada, host, preDeployActions=[factories.script()])
    services.sweep(at=NOW + timedelta(hours=2))

    (group,) = _failures(ada, run)

    assert (group["reason"], group["kind"], group["cause"], group["assetCount"]) == ("never_came", None, "", 1)


def test_failures__claimed_but_not_borne_out__is_a_group(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    does(host, _told(1, state="succeeded", reason="done", exitCode=0, output=""))

    (group,) = _failures(ada, run)

    assert (group["reason"], group["stepReason"], group["title"]) == ("not_verified", "done", "acme-app 2.0")


def test_failures__several_steps_failed_on_a_host__the_first_decides(ada: Person, host: Asset) -> None:
    actions = [factories.script(name) for name in ("one", "two")]
    run = _run(ada, host, preDeployActions=[], postDeployActions=actions)
    bad = {**DONE, "state": "failed", "reason": "nonzero_exit"}
    steps = [{**bad, "number": 1, "output": "first failed"}, {**bad, "number": 2, "output": "second failed"}]
    does(host, [ACCEPTED, *steps, _scan(), {**DONE, "number": 3}, FINISHED])

    (group,) = _failures(ada, run)

    assert (group["title"], group["stage"], group["cause"]) == ("one", "postdeploy", "first failed")


def test_failures__nothing_failed__is_an_empty_list(ada: Person, host: Asset) -> None:
    run = patched(ada, host)

    assert _failures(ada, run) == []


def test_failures__of_more_hosts__takes_as_many_queries(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, f"web-{number}") for number in range(6)]
    few, many = patched(ada, hosts[0]), patched(ada, *hosts[1:], packages=("acme-lib",))
    does(hosts[0], _told(0))
    for number, host in enumerate(hosts[1:]):
        does(host, _told(number))
    counts = []
    for run in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            _failures(ada, run)
        counts.append(len(captured))

    assert counts[0] == counts[1]
