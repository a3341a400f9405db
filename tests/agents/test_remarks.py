"""What agents say beside their steps: events of the host task, read back with the host's part of the run."""

import json
from typing import Any

import pytest

from core.customer_context import acting_for
from core.models import Event
from deployments.models import HostTask
from deployments.reports import HEARS
from tests.agents.endpoints import AT, Endpoint, now, whole_story, work
from tests.factories import Person

UNTIL = "2026-11-10T21:15:00Z"
SAID = [
    {"kind": "accepted"},
    {"kind": "asked", "about": "before", "deferralsLeft": 3, "answerBy": UNTIL},
    {"kind": "answered", "about": "before", "answer": "defer", "until": UNTIL},
    {"kind": "shown", "about": "during", "minimised": True},
    {"kind": "step_started", "number": 1},
    {"kind": "waiting", "for": "lock", "number": 1},
    {
        "kind": "step_tried",
        "number": 1,
        "try": 1,
        "state": "failed",
        "reason": "no_candidate",
        "output": "no source",
        "exitCode": 100,
    },
    {"kind": "waiting", "for": "retry", "try": 2, "until": UNTIL},
]
REMARKS = ["asked", "answered", "shown", "waiting", "step_tried", "waiting"]


def reports(*told: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**one, "sequence": sequence, "at": AT} for sequence, one in enumerate(told, start=1)]


@pytest.fixture
def task(ada: Person, host: Endpoint) -> HostTask:
    (task,) = work(ada, host)
    host.check_in()
    return now(task)


def shown(ada: Person, task: HostTask) -> dict[str, Any]:
    """The host's part of the run, as clients read it."""
    with acting_for(task.customer_id):
        path = f"deploymentjob/{task.run.job.public_id}/runs/1/assets/{task.asset.public_id}"
    answer: dict[str, Any] = ada.get(path).json()
    return answer


def events(task: HostTask) -> list[str]:
    with acting_for(task.customer_id):
        kinds = Event.objects.filter(host_task_id=task.pk).order_by("pk").values_list("kind", flat=True)
    return [kind.partition(".")[2] for kind in kinds if kind.partition(".")[2] in HEARS]


def test_remarks__each_is_one_event_however_often_it_is_sent(host: Endpoint, task: HostTask) -> None:
    first = host.report(task, reports(*SAID))

    again = host.report(task, reports(*SAID))

    assert (first.status_code, again.json()) == (200, {"acceptedThrough": len(SAID)})
    assert events(task) == REMARKS
    assert now(task).state == "Running"


def test_remarks__are_read_in_order_with_the_host(ada: Person, host: Endpoint, task: HostTask) -> None:
    host.report(task, reports(*SAID))

    found = shown(ada, task)

    assert [one["kind"] for one in found["said"]] == REMARKS
    asked, answered, _, lock, tried, retry = found["said"]
    assert (asked["about"], asked["deferralsLeft"], asked["untilDateTime"]) == ("before", 3, 1794345300000)
    assert (answered["answer"], answered["untilDateTime"]) == ("defer", 1794345300000)
    assert (lock["about"], lock["number"], lock["untilDateTime"]) == ("lock", 1, None)
    assert (tried["number"], tried["try"], tried["reason"]) == (1, 1, "no_candidate")
    assert (retry["about"], retry["try"]) == ("retry", 2)
    step = found["steps"][0]
    assert (step["state"], step["tries"], step["output"], step["exitCode"]) == ("Running", 1, "no source", 100)


def test_tries__step_ends_after_a_retry__counts_them(ada: Person, host: Endpoint, task: HostTask) -> None:
    rest = whole_story()[2:]
    rest[0] |= {"tries": 2}
    host.report(task, reports(*SAID, *rest))

    found = shown(ada, task)

    assert [(step["state"], step["tries"]) for step in found["steps"]] == [("Succeeded", 2), ("Succeeded", 1)]
    assert now(task).state == "Succeeded"


def test_remarks__of_an_earlier_attempt__are_not_shown(ada: Person, host: Endpoint, task: HostTask) -> None:
    host.report(task, reports(*SAID))
    with acting_for(task.customer_id):
        HostTask.objects.filter(pk=task.pk).update(attempt=2)

    assert shown(ada, task)["said"] == []


def test_remark__in_words_that_nobody_knows__is_refused_by_name(host: Endpoint, task: HostTask) -> None:
    answer = host.report(task, reports({"kind": "answered", "about": "before", "answer": "perhaps"}))

    assert answer.status_code == 400
    assert "answer" in json.dumps(answer.json())
    assert events(task) == []


def test_manifest__names_the_kinds_of_report_that_are_taken(host: Endpoint, task: HostTask) -> None:
    with acting_for(task.customer_id):
        manifest = json.loads(task.manifests.get().text)

    assert manifest["hears"] == sorted(HEARS)
