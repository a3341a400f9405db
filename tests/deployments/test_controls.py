"""What people do to a run: cancel, pause, resume, and try again what failed."""

import threading
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pydantic import TypeAdapter

from core.customer_context import acting_for
from core.models import Event
from deployments import services
from deployments.models import HostTask, Job, Run
from deployments.reasons import Reason
from deployments.reports import AnyReport
from deployments.services import host_tasks
from deployments.services.host_tasks import end
from inventory.models import Asset
from notifications import services as notifications
from notifications.models import Delivery
from tenants.models import Role
from tests import factories
from tests.factories import NOW, Person

MAIL = {
    "notificationTypes": {"email": True},
    "notificationConfigs": {"recipientEmails": "ops@example.com"},
    "notificationEvents": {"onJobStart": False, "onJobComplete": True},
}


def _going(ada: Person, *hosts: Asset, **changes: Any) -> Run:
    """A run of a script that has begun."""
    run = _opened(ada, *hosts, **changes)
    services.resolve(run_id=run.pk, at=timezone.now())
    run.refresh_from_db()
    return run


def _opened(ada: Person, *hosts: Asset, **changes: Any) -> Run:
    work = {"preDeployActions": [factories.script()], "assetIds": [str(host.public_id) for host in hosts]}
    job = factories.job(ada, **work | changes)
    now = timezone.now()
    return services.open_run(job=services.lock(job), trigger="user", scheduled_for=now, at=now)


def _ask(who: Person, run: Run, what: str) -> Any:
    return who.post(f"deploymentjob/{run.job.public_id}/runs/{run.instance}/{what}")


def _shown(who: Person, run: Run) -> dict[str, Any]:
    answer = who.get(f"deploymentjob/{run.job.public_id}/runs/{run.instance}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def _ended(run: Run, **states: str) -> None:
    """Its hosts as if each had ended so, by their names, and the run after them."""
    reasons = {"Succeeded": Reason.VERIFIED, "Failed": Reason.PATCH_FAILED, "TimedOut": Reason.WINDOW_OVER}
    for task in HostTask.objects.filter(run=run).select_related("asset", "run"):
        state = states[task.asset.name]
        if task.state == "Pending" and state != "Missed":
            assert services.hand_out(asset=task.asset, at=timezone.now()) is not None
            task.refresh_from_db()
        end(task, state=state, reason=reasons.get(state, Reason.HOST_AWAY), at=timezone.now())
    services.close(run_id=run.pk, at=timezone.now())
    run.refresh_from_db()


@pytest.fixture
def host(ada: Person) -> Asset:
    return factories.asset(ada.customer, "one")


# --- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel__nothing_has_begun__ends_the_run_and_nothing_ever_begins(ada: Person, host: Asset) -> None:
    run = _opened(ada, host)

    answer = _ask(ada, run, "cancel")
    services.resolve(run_id=run.pk, at=timezone.now())

    assert (answer.status_code, answer.json()) == (202, {"jobInstanceId": 1, "state": "Canceled"})
    shown = _shown(ada, run)
    assert (shown["state"], shown["reason"], shown["note"]) == ("Canceled", "run_canceled", "by ada")
    assert shown["endDateTime"] is not None
    assert not HostTask.objects.exists()


def test_cancel__hosts_wait_work_and_have_ended__ends_those_that_have_not(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, name) for name in ("waits", "works", "lost", "done")]
    run = _going(ada, *hosts)
    tasks = {task.asset.name: task for task in HostTask.objects.select_related("asset", "run")}
    for name in ("works", "lost", "done"):
        services.hand_out(asset=tasks[name].asset, at=timezone.now())
        tasks[name].refresh_from_db()
    tasks["lost"].move_to("Lost", at=timezone.now())
    end(tasks["done"], state="Succeeded", reason=Reason.VERIFIED, at=timezone.now())

    _ask(ada, run, "cancel")

    states = dict(HostTask.objects.values_list("asset__name", "state"))
    assert states == {"waits": "Canceled", "works": "Canceled", "lost": "Canceled", "done": "Succeeded"}
    shown = _shown(ada, run)
    assert shown["counts"] == Run.objects.get().counts == {"Canceled": 3, "Succeeded": 1}
    assert shown["completionPercent"] == 100
    # An agent that is at work is told at its next check-in, and what it reports after that changes nothing.
    fences = {tasks["works"].pk: (1, 1)}
    assert services.heartbeat(asset=tasks["works"].asset, fences=fences, at=timezone.now()) == [tasks["works"].pk]


def test_cancel__many_hosts__takes_a_constant_number_of_queries(
    ada: Person, django_assert_max_num_queries: Any
) -> None:
    run = _going(ada, *(factories.asset(ada.customer) for _ in range(30)))

    with django_assert_max_num_queries(25):
        assert _ask(ada, run, "cancel").status_code == 202

    assert Event.objects.filter(kind="run.canceled", run_id=run.pk).count() == 1


def test_cancel__run_that_was_to_be_told_of__is_told_by_mail(ada: Person, host: Asset) -> None:
    run = _going(ada, host, notification=MAIL)

    _ask(ada, run, "cancel")
    event = Event.objects.get(kind="run.canceled")
    notifications.plan(event=event, at=timezone.now())

    assert list(Delivery.objects.values_list("recipient", flat=True)) == ["ops@example.com"]
    assert event.data["by"] == str(ada.user.public_id)


def test_cancel__job_waits_to_be_deleted__goes(ada: Person, host: Asset) -> None:
    run = _going(ada, host)
    services.hand_out(asset=host, at=timezone.now())
    assert ada.delete(f"deploymentjob/{run.job.public_id}").status_code == 202

    assert _ask(ada, run, "cancel").status_code == 202

    assert Job.objects.get().state == "Deleted"


@pytest.mark.parametrize("what", ["cancel", "pause", "resume"])
def test_change__run_has_ended__conflicts_and_says_how_it_stands(ada: Person, host: Asset, what: str) -> None:
    run = _going(ada, host)
    _ask(ada, run, "cancel")

    answer = _ask(ada, run, what)

    assert answer.status_code == 409
    assert "Canceled" in answer.json()["message"]


def test_cancel__while_agents_ask_for_work__leaves_no_host_at_work(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = [factories.asset(ada.customer) for _ in range(6)]
    with acting_for(ada.customer.pk):
        run = _going(ada, *hosts)

    def ask(host: Asset | None) -> None:
        with acting_for(ada.customer.pk):
            if host is None:
                services.cancel(run=run, user=ada.user, at=timezone.now())
            else:
                services.hand_out(asset=host, at=timezone.now())

    found = factories.at_once(ask, *hosts[:3], None, *hosts[3:])

    assert found == [None] * 7
    with acting_for(ada.customer.pk):
        assert Run.objects.get().counts == {"Canceled": 6}
        assert set(HostTask.objects.values_list("state", flat=True)) == {"Canceled"}


def test_cancel__while_an_agent_reports__waits_for_it_and_both_are_done(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = factories.person(customer=factories.customer())
    host = factories.asset(ada.customer)
    with acting_for(ada.customer.pk):
        run = _going(ada, host)
        handed_out = services.hand_out(asset=host, at=timezone.now())
        assert handed_out is not None
    in_the_middle = threading.Event()

    def lease(at: datetime) -> datetime:
        # Between the two writes of a report: the cancelling comes to the host task now.
        in_the_middle.set()
        time.sleep(0.5)
        return at + timedelta(minutes=1)

    monkeypatch.setattr(host_tasks, "_lease", lease)
    report = TypeAdapter(AnyReport).validate_python({"sequence": 1, "at": NOW.isoformat(), "kind": "accepted"})

    def act(who: str) -> object:
        with acting_for(ada.customer.pk):
            if who == "agent":
                ids = {"task_id": handed_out.task.pk, "attempt": 1, "fence": 1}
                return services.take_reports(asset=host, reports=[report], at=timezone.now(), **ids)
            in_the_middle.wait(10)
            return services.cancel(run=run, user=ada.user, at=timezone.now()).state

    assert factories.at_once(act, "agent", "person") == [1, "Canceled"]
    with acting_for(ada.customer.pk):
        assert HostTask.objects.get().state == "Canceled"


# --- pause and resume -------------------------------------------------------------------------------------------------


def test_pause__hosts_wait_and_work__these_go_on_and_those_do_not_begin(ada: Person, host: Asset) -> None:
    working = factories.asset(ada.customer, "works")
    run = _going(ada, host, working)
    handed_out = services.hand_out(asset=working, at=timezone.now())
    assert handed_out is not None

    answer = _ask(ada, run, "pause")

    assert (answer.status_code, answer.json()["state"]) == (202, "Paused")
    assert _shown(ada, run)["note"] == "by ada"
    assert services.hand_out(asset=host, at=timezone.now()) is None
    fences = {handed_out.task.pk: (1, 1)}
    assert services.heartbeat(asset=working, fences=fences, at=timezone.now()) == []


def test_pause__all_hosts_have_ended__the_run_ends(ada: Person, host: Asset) -> None:
    run = _going(ada, host)
    task = HostTask.objects.select_related("run").get()
    services.hand_out(asset=host, at=timezone.now())
    task.refresh_from_db()
    _ask(ada, run, "pause")
    HostTask.objects.update(state="Succeeded", reason="verified", finished_at=timezone.now(), lease_until=None)

    services.sweep(at=timezone.now())

    assert _shown(ada, run)["state"] == "Completed"


def test_pause__until_it_is_too_late_for_a_host__says_so(ada: Person, host: Asset) -> None:
    run = _going(ada, host, missedRunPolicy="Skip")
    _ask(ada, run, "pause")

    services.sweep(at=timezone.now() + timedelta(minutes=10))

    assert HostTask.objects.values_list("state", "reason").get() == ("Missed", "run_paused")


def test_resume__run_stood_still__hosts_begin_and_are_woken(ada: Person, host: Asset) -> None:
    run = _going(ada, host)
    _ask(ada, run, "pause")

    answer = _ask(ada, run, "resume")

    assert (answer.status_code, answer.json()["state"]) == (202, "Running")
    assert _shown(ada, run)["note"] is None
    assert Event.objects.filter(kind="run.resumed", run_id=run.pk).exists()
    assert services.hand_out(asset=host, at=timezone.now()) is not None


@pytest.mark.parametrize(("begun", "what"), [(False, "pause"), (False, "resume"), (True, "resume")])
def test_change__run_does_not_stand_so__conflicts(ada: Person, host: Asset, begun: bool, what: str) -> None:
    run = _going(ada, host) if begun else _opened(ada, host)

    answer = _ask(ada, run, what)

    assert answer.status_code == 409
    assert _shown(ada, run)["state"] == ("Running" if begun else "Pending")


# --- retry ------------------------------------------------------------------------------------------------------------


def test_retry__some_hosts_failed__opens_a_run_of_these_with_the_same_snapshot(ada: Person) -> None:
    names = {"good": "Succeeded", "bad": "Failed", "slow": "TimedOut", "away": "Missed"}
    run = _going(ada, *(factories.asset(ada.customer, name) for name in names))
    _ended(run, **names)
    changed = ada.patch(f"deploymentjob/{run.job.public_id}", {"name": "another name"})

    answer = _ask(ada, run, "retry-failed")

    assert changed.status_code == 200
    assert (answer.status_code, answer.json()) == (202, {"jobInstanceId": 2, "state": "Pending"})
    again = Run.objects.get(instance=2)
    services.resolve(run_id=again.pk, at=timezone.now())
    shown = _shown(ada, again)
    assert (shown["state"], shown["trigger"], shown["retryOf"]) == ("Running", "retry", 1)
    states = dict(HostTask.objects.filter(run=again).values_list("asset__name", "state"))
    assert states == {"bad": "Pending", "slow": "Pending", "away": "Pending"}
    again.refresh_from_db()
    assert again.snapshot | {"target": None} == run.snapshot | {"target": None}


@pytest.mark.parametrize(
    ("states", "before", "says"),
    [
        ({"one": "Succeeded"}, None, "failed on no host"),
        (None, None, "Running"),
        ({"one": "Failed"}, "delete", "deleted"),
        ({"one": "Failed"}, "pause", "paused"),
    ],
)
def test_retry__cannot_be__conflicts_and_says_why(
    ada: Person, host: Asset, states: dict[str, str] | None, before: str | None, says: str
) -> None:
    run = _going(ada, host)
    if states:
        _ended(run, **states)
    if before == "delete":
        assert ada.delete(f"deploymentjob/{run.job.public_id}").status_code == 200
    elif before == "pause":
        ada.put("pause", {"paused": True})

    answer = _ask(ada, run, "retry-failed")

    assert answer.status_code == 409
    assert says in answer.json()["message"]
    assert Run.objects.count() == 1


def test_retry__sent_twice_with_one_key__opens_one_run(ada: Person, host: Asset) -> None:
    run = _going(ada, host)
    _ended(run, one="Failed")

    path = f"deploymentjob/{run.job.public_id}/runs/1/retry-failed"
    answers = [ada.post(path, {}, **{"Idempotency-Key": "once"}) for _ in range(2)]

    assert [answer.json()["jobInstanceId"] for answer in answers] == [2, 2]
    assert Run.objects.count() == 2


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["cancel", "pause", "resume", "retry-failed"])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_change__somebody_who_may_not_edit_the_job__is_refused(ada: Person, host: Asset, role: Role, what: str) -> None:
    run = _going(ada, host)
    bob = factories.person(customer=ada.customer, role=role)

    assert _ask(bob, run, what).status_code == 403
    assert _shown(ada, run)["state"] == "Running"


def test_change__run_that_is_not_there__is_not_found(ada: Person, host: Asset) -> None:
    run = _going(ada, host)

    assert ada.post(f"deploymentjob/{run.job.public_id}/runs/7/cancel").status_code == 404
