"""POST /agent/v1/reports and /agent/v1/scan: each report counts once, and the closing scan has the last word."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from core.customer_context import acting_for
from core.models import Event
from deployments import services as deployments
from deployments.models import HostTask, Step
from inventory.models import Asset, AssetPatch, Inventory, Patch
from tests import factories
from tests.agents.endpoints import AT, Endpoint, endpoint, now, post, whole_story, work
from tests.factories import Person
from tests.tenants import worlds
from tests.tenants.roles import WEB, acting_as


@pytest.fixture
def task(ada: Person, host: Endpoint) -> HostTask:
    """A host task that the host has been handed."""
    (task,) = work(ada, host)
    host.check_in()
    return now(task)


def finished(task: HostTask) -> list[Event]:
    """How often it was told that this task has ended."""
    with acting_for(task.customer_id):
        return list(Event.objects.filter(host_task_id=task.pk, kind__in=["host_task.succeeded", "host_task.failed"]))


def test_report__whole_story__succeeds(host: Endpoint, task: HostTask) -> None:
    answer = host.report(task, whole_story())

    assert (answer.status_code, answer.json()) == (200, {"acceptedThrough": 7})
    task = now(task)
    assert (task.state, task.reason, task.accepted_through) == ("Succeeded", "verified", 7)
    with acting_for(task.customer_id):
        steps = Step.objects.filter(host_task=task).order_by("number")
        assert [(step.kind, step.state, step.verified) for step in steps] == [
            ("patch", "Succeeded", True),
            ("scan", "Succeeded", None),
        ]
        assert (steps[0].from_version, steps[0].to_version) == ("1.0", "2.0")
        assert AssetPatch.objects.get().status == "Installed"


def test_report__same_batch_twice__counts_once(host: Endpoint, task: HostTask) -> None:
    host.report(task, whole_story())

    again = host.report(task, whole_story())

    assert (again.status_code, again.json()) == (200, {"acceptedThrough": 7})
    assert len(finished(task)) == 1


def test_report__overlap__takes_what_is_new(host: Endpoint, task: HostTask) -> None:
    host.report(task, whole_story()[:4])

    answer = host.report(task, whole_story()[2:])

    assert answer.json() == {"acceptedThrough": 7}
    assert now(task).state == "Succeeded"


def test_report__one_by_one__moves_the_task_along(host: Endpoint, task: HostTask) -> None:
    states = []
    for report in whole_story():
        host.report(task, [report])
        states.append(now(task).state)

    assert states == ["Running"] * 4 + ["Verifying"] * 2 + ["Succeeded"]


def test_report__same_batch_four_times_at_once__counts_once(committed: None) -> None:
    ada = factories.person(customer=factories.customer("Acme"))
    host = endpoint(ada)
    (task,) = work(ada, host)
    host.check_in()
    together = threading.Barrier(4)

    def one() -> tuple[int, Any]:
        try:
            with acting_as(WEB):
                together.wait(timeout=10)
                answer = host.report(task, whole_story())
            return answer.status_code, answer.json()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        answers = [future.result() for future in [threads.submit(one) for _ in range(4)]]

    assert answers == [(200, {"acceptedThrough": 7})] * 4
    assert len(finished(task)) == 1


def test_report__gap__is_409_with_what_is_there(host: Endpoint, task: HostTask) -> None:
    host.report(task, whole_story()[:2])

    answer = host.report(task, whole_story()[3:])

    body = answer.json()
    assert answer.status_code == 409
    assert body["acceptedThrough"] == 2
    # The whole error body, as every answer that is not 2xx.
    assert (body["status"], body["errorCode"]) == (409, "1920")
    assert host.report(task, whole_story()[2:]).json() == {"acceptedThrough": 7}


def test_report__gap_inside_a_batch__says_truly_from_where_to_send_again(host: Endpoint, task: HostTask) -> None:
    story = whole_story()

    through = host.report(task, [*story[:2], *story[3:]]).json()["acceptedThrough"]

    assert through == now(task).accepted_through
    assert host.report(task, story[through:]).json() == {"acceptedThrough": 7}


@pytest.mark.parametrize(("attempt", "fence"), [(2, 1), (1, 2), (1, 7)])
def test_report__of_another_attempt__is_stale(host: Endpoint, task: HostTask, attempt: int, fence: int) -> None:
    answer = host.report(task, whole_story(), attempt=attempt, fence=fence)

    body = answer.json()
    assert answer.status_code == 409
    assert body["stale"] is True
    assert (body["status"], body["errorCode"]) == (409, "1920")
    assert now(task).state == "Leased"


def test_report__of_anothers_task__is_stale_as_of_an_unknown_one(ada: Person, host: Endpoint, task: HostTask) -> None:
    stranger = factories.person(customer=factories.customer("Rival"))
    unknown = HostTask(pk=987_654)

    answers = [
        one.report(which, whole_story()) for one in (endpoint(ada), endpoint(stranger)) for which in (task, unknown)
    ]

    assert [answer.status_code for answer in answers] == [409] * 4
    assert len({str(answer.json() | {"requestId": ""}) for answer in answers}) == 1
    assert answers[0].json()["stale"] is True
    assert now(task).state == "Leased"


@pytest.mark.parametrize(
    "report",
    [
        {"sequence": 1, "at": AT, "kind": "accepted", "root": True},
        {"sequence": 1, "at": AT, "kind": "conquered"},
        {"sequence": 0, "at": AT, "kind": "accepted"},
        {"sequence": 1, "at": "yesterday", "kind": "accepted"},
        {"sequence": 1, "at": AT, "kind": "step_finished", "number": 1, "state": "great", "reason": "done"},
        {"sequence": 1, "at": AT, "kind": "step_finished", "number": 1, "state": "failed", "reason": "because"},
        {"sequence": 1, "at": AT, "kind": "step_finished", "number": 1, "state": "failed", "reason": "done", "x": 1},
        {"sequence": 1, "at": AT, "kind": "scanned", "scan": worlds.scan() | {"root": True}},
        {"sequence": 1, "at": AT, "kind": "accepted\0"},
        "accepted",
    ],
)
def test_report__nobody_knows_it__is_400(host: Endpoint, task: HostTask, report: Any) -> None:
    answer = host.report(task, [report])

    assert answer.status_code == 400
    assert now(task).accepted_through == 0


@pytest.mark.parametrize("count", [0, 101])
def test_report__none_or_too_many__is_400(host: Endpoint, task: HostTask, count: int) -> None:
    reports = [{"sequence": number, "at": AT, "kind": "accepted"} for number in range(1, count + 1)]

    assert host.report(task, reports).status_code == 400


def test_report__liar_claims_success__the_scan_says_otherwise(host: Endpoint, task: HostTask) -> None:
    host.report(task, whole_story(shown="1.0"))

    task = now(task)
    assert (task.state, task.reason) == ("Failed", "not_verified")


def test_report__finished_without_a_scan__is_not_believed(host: Endpoint, task: HostTask) -> None:
    story = [one for one in whole_story() if one["kind"] != "scanned"]

    host.report(task, [one | {"sequence": sequence} for sequence, one in enumerate(story, start=1)])

    assert (now(task).state, now(task).reason) == ("Failed", "not_verified")


def test_report__finished_at_once__is_not_believed(host: Endpoint, task: HostTask) -> None:
    host.report(task, [{"sequence": 1, "at": AT, "kind": "accepted"}, {"sequence": 2, "at": AT, "kind": "finished"}])

    assert (now(task).state, now(task).reason) == ("Failed", "not_verified")


@pytest.mark.parametrize("why", ["bad_signature", "wrong_agent", "old_attempt", "expired", "bad_digest", "unsupported"])
def test_report__refused__fails_the_task(host: Endpoint, task: HostTask, why: str) -> None:
    answer = host.report(task, [{"sequence": 1, "at": AT, "kind": "refused", "reason": why}])

    assert answer.json() == {"acceptedThrough": 1}
    assert (now(task).state, now(task).reason) == ("Failed", "manifest_refused")


def test_report__patch_failed__fails_the_task(host: Endpoint, task: HostTask) -> None:
    story = whole_story(shown="1.0", state="failed", reason="package_manager_failed", exitCode=100, output="E: no")

    host.report(task, story)

    assert (now(task).state, now(task).reason) == ("Failed", "patch_failed")


def test_report__extends_the_lease(host: Endpoint, task: HostTask) -> None:
    with acting_for(task.customer_id):
        HostTask.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    host.report(task, whole_story()[:2])

    lease = now(task).lease_until
    assert lease is not None
    assert lease > timezone.now() + timedelta(seconds=settings.HOST_LEASE_SECONDS - 5)


def test_report__of_a_lost_task__brings_it_back(host: Endpoint, task: HostTask) -> None:
    deployments.sweep(at=timezone.now() + timedelta(seconds=settings.HOST_LEASE_SECONDS + 1))
    assert now(task).state == "Lost"

    host.report(task, whole_story())

    assert now(task).state == "Succeeded"


def test_report__after_the_window_was_over__is_taken_in_and_changes_no_end(host: Endpoint, task: HostTask) -> None:
    deployments.sweep(at=task.deadline + timedelta(seconds=settings.HOST_LEASE_SECONDS + 1))

    answer = host.report(task, whole_story())

    assert answer.json() == {"acceptedThrough": 7}
    assert (now(task).state, now(task).reason) == ("TimedOut", "window_over")
    with acting_for(task.customer_id):
        assert AssetPatch.objects.get().status == "Installed"


def test_report__of_the_last_host__wakes_the_closing_of_the_run(host: Endpoint, task: HostTask) -> None:
    host.report(task, whole_story())

    with acting_for(task.customer_id):
        assert Event.objects.filter(kind="run.hosts_done", run_id=task.run_id).count() == 1


def test_scan__is_taken_in(ada: Person, host: Endpoint) -> None:
    answer = host.send("scan", worlds.scan(("acme-app", "1.0"), updates=(("acme-app", "1.0", "2.0"),), name="web-7"))

    assert (answer.status_code, answer.json()) == (200, {"accepted": True})
    with acting_for(ada.customer.pk):
        assert Asset.objects.get().name == "web-7"
        assert Inventory.objects.get().packages[0]["name"] == "acme-app"
        assert Patch.objects.get().version == "2.0"
        link = AssetPatch.objects.get()
        assert (link.status, link.from_version) == ("Missing", "1.0")


def test_scan__as_the_webs_role__is_taken_in(committed: None) -> None:
    host = endpoint(factories.person(customer=factories.customer("Acme")))

    with acting_as(WEB):
        answer = host.send("scan", worlds.scan(("acme-app", "1.0"), updates=(("acme-app", "1.0", "2.0"),)))

    assert answer.status_code == 200


def test_scan__newer_one__takes_the_place_of_the_last(ada: Person, host: Endpoint) -> None:
    host.send("scan", worlds.scan(("acme-app", "1.0"), updates=(("acme-app", "1.0", "2.0"),)))

    host.send("scan", worlds.scan(("acme-app", "2.0")))

    with acting_for(ada.customer.pk):
        assert Inventory.objects.count() == 1
        link = AssetPatch.objects.get()
        assert (link.status, link.from_version) == ("Installed", "1.0")


@pytest.mark.parametrize("change", [{"root": True}, {"machine": None}, {"at": "now"}, {"packages": [{"name": "x"}]}])
def test_scan__is_wrong__is_400(host: Endpoint, change: dict[str, Any]) -> None:
    assert host.send("scan", worlds.scan() | change).status_code == 400


def test_scan__by_nobody__is_401_before_it_is_read(db: None) -> None:
    assert post("scan", {"rubbish": True}, Authorization="Agent ag_unknown").status_code == 401
