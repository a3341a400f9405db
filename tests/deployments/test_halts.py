"""Halts: a run of which too much failed stands still, until somebody resumes or cancels it."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.customer_context import acting_for
from core.models import Event, Message
from deployments.models import HostTask, Run, RunHalt
from deployments.services import halts
from notifications import services as notifications
from notifications.mail import client
from notifications.models import Delivery
from tenants.models import Role
from tests import factories
from tests.agents.endpoints import Endpoint
from tests.deployments.fleets import (
    asking,
    asks,
    begun,
    change,
    does,
    ends,
    fleet,
    in_wave,
    restarts,
    shown,
    sweeps,
    task_of,
    wave_states,
)
from tests.factories import Person

THIRTY_OF_TEN = {"haltOnFailurePercent": 30, "haltMinSample": 10}
MAIL = {
    "notificationTypes": {"email": True},
    "notificationConfigs": {"recipientEmails": "ops@example.com"},
    "notificationEvents": {"onJobStart": True, "onJobComplete": False},
}


def soon(**time: float) -> Any:
    return timezone.now() + timedelta(**time)


def _fail(run: Run, *hosts: Endpoint) -> None:
    does(run, *hosts, well=False)


def _halted(ada: Person, many: int = 3, **changes: Any) -> tuple[Run, list[Endpoint]]:
    """A run that was halted since its canary failed, and its machines, the canary first."""
    hosts = fleet(ada, many)
    run = begun(ada, hosts, {"waves": [{"count": 1}], "haltOnFailurePercent": 50}, **changes)
    hosts.sort(key=lambda host: task_of(run, host).wave or 0)
    _fail(run, hosts[0])
    assert shown(ada, run)["state"] == "Halted"
    return run, hosts


# --- when it halts ----------------------------------------------------------------------------------------------------


def test_halt__canary_of_ten__halts_at_the_third_failure_of_ten_and_the_rest_never_begins(ada: Person) -> None:
    hosts = fleet(ada, 14)
    run = begun(ada, hosts, {"waves": [{"count": 10, "soakMinutes": 5}], **THIRTY_OF_TEN})
    canaries, others = in_wave(run, hosts, 1), in_wave(run, hosts, 2)

    _fail(run, *canaries[:3])
    does(run, *canaries[3:9])
    before = shown(ada, run)["state"]
    does(run, canaries[9])

    answer = shown(ada, run)
    (halt,) = answer["rollout"]["halts"]
    assert (before, answer["state"], answer["rollout"]["waves"][0]["counts"]) == (
        "Running",
        "Halted",
        {"Failed": 3, "Succeeded": 7},
    )
    assert (halt["failed"], halt["sampled"], halt["wave"], halt["ending"], halt["endedBy"]) == (3, 10, 1, None, None)
    assert answer["note"] == halt["why"] == "3 of 10 hosts failed; the run halts at 30 % of 10 or more"
    sweeps(run, soon(hours=1))
    assert asking(run, others) == []
    assert wave_states(ada, run) == ["Open", "Waiting"]


def test_halt__two_of_ten_fail__goes_on_with_the_next_wave(ada: Person) -> None:
    hosts = fleet(ada, 11)
    run = begun(ada, hosts, {"waves": [{"count": 10}], **THIRTY_OF_TEN})
    canaries = in_wave(run, hosts, 1)

    _fail(run, *canaries[:2])
    does(run, *canaries[2:])

    assert shown(ada, run)["state"] == "Running"
    assert wave_states(ada, run) == ["Closed", "Open"]


def test_halt__without_a_sample__halts_at_the_first_failure(ada: Person) -> None:
    run, hosts = _halted(ada)

    assert shown(ada, run)["rollout"]["halts"][0]["why"] == "1 of 1 hosts failed; the run halts at 50 % of 1 or more"
    assert [task_of(run, host).state for host in hosts[1:]] == ["Pending", "Pending"]


def test_halt__failures_without_a_rule__go_on(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"waves": [{"count": 2}]})

    _fail(run, *in_wave(run, hosts, 1))

    assert wave_states(ada, run) == ["Closed", "Open"]
    assert shown(ada, run)["state"] == "Running"


def test_halt__host_is_lost__counts_as_failed(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, {"waves": [{"count": 1}], "haltOnFailurePercent": 50})
    (canary,) = in_wave(run, hosts, 1)
    assert asks(run, canary)

    sweeps(run, soon(minutes=3))

    assert task_of(run, canary).state == "Lost"
    assert shown(ada, run)["state"] == "Halted"


def test_halt__host_does_not_come_back_from_its_restart__counts_as_failed(ada: Person) -> None:
    hosts = fleet(ada, 2)
    run = begun(ada, hosts, {"waves": [{"count": 1}], "haltOnFailurePercent": 50})
    (canary,) = in_wave(run, hosts, 1)
    restarts(run, canary)

    sweeps(run, soon(minutes=20))
    before = shown(ada, run)["state"]
    sweeps(run, soon(minutes=33))

    assert (before, shown(ada, run)["state"]) == ("Running", "Halted")


def test_halt__host_never_came__counts_neither_way(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"waves": [{"count": 2}], "haltOnFailurePercent": 1}, missedRunWithin="PT1H")

    sweeps(run, soon(minutes=61))

    answer = shown(ada, run)
    assert answer["counts"] == {"Missed": 2, "Pending": 1}
    assert (answer["state"], answer["rollout"]["failed"], answer["rollout"]["sampled"]) == ("Running", 0, 0)


def test_halt__message_was_lost__the_sweep_halts(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asks(run, hosts[0])
    task = task_of(run, hosts[0])
    HostTask.objects.filter(pk=task.pk).update(
        state="Failed", reason="patch_failed", finished_at=timezone.now(), lease_until=None
    )

    sweeps(run, soon(seconds=1))

    assert shown(ada, run)["state"] == "Halted"


def test_halt__run_is_paused__halts_when_it_goes_on(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asks(run, hosts[0])
    change(ada, run, "pause")

    ends(run, hosts[0], well=False)
    paused = shown(ada, run)["state"]
    change(ada, run, "resume")
    sweeps(run, soon(seconds=1))

    assert (paused, shown(ada, run)["state"]) == ("Paused", "Halted")


# --- while it is halted -----------------------------------------------------------------------------------------------


def test_halted__who_is_at_work__goes_on_and_is_counted(ada: Person) -> None:
    hosts = fleet(ada, 4)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asks(run, hosts[1])
    _fail(run, hosts[0])

    ends(run, hosts[1])

    answer = shown(ada, run)
    assert (answer["state"], answer["counts"]) == ("Halted", {"Failed": 1, "Pending": 2, "Succeeded": 1})
    assert (answer["rollout"]["failed"], answer["rollout"]["sampled"]) == (1, 2)
    assert asking(run, hosts[2:]) == []


def test_halted__again_swept_and_failing__is_one_halt(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asks(run, hosts[1])
    _fail(run, hosts[0])

    ends(run, hosts[1], well=False)
    sweeps(run, soon(seconds=1))

    assert RunHalt.objects.count() == Event.objects.filter(kind="run.halted").count() == 1


def test_halted__windows_close__waiting_hosts_are_missed_with_that_reason_and_the_run_ends(ada: Person) -> None:
    run, hosts = _halted(ada, timeout=6)

    # By the missed-run policy they would be missed after four hours: a halt waits for a person until windows close.
    sweeps(run, soon(hours=5))
    before = {task_of(run, host).state for host in hosts[1:]}
    sweeps(run, soon(hours=6, minutes=1))
    sweeps(run, soon(hours=6, minutes=2))

    assert before == {"Pending"}
    assert {task_of(run, host).reason for host in hosts[1:]} == {"run_halted"}
    answer = shown(ada, run)
    assert (answer["state"], answer["rollout"]["halts"][0]["ending"]) == ("Completed", "run_ended")
    assert wave_states(ada, run) == ["Closed", "Skipped"]


def test_halted__host_that_waits__is_explained_by_the_halt(ada: Person) -> None:
    run, hosts = _halted(ada)

    path = f"deploymentjob/{run.job.public_id}/runs/1/explain?assetId={hosts[1].asset.public_id}"
    answer = ada.get(path).json()

    assert answer["reason"] == "waits_for_run"
    assert answer["rules"][-1]["found"].startswith("The run is Halted: 1 of 1 hosts failed")


# --- what a person makes of it ----------------------------------------------------------------------------------------


def test_resume__halted_run__goes_on_and_does_not_halt_again_by_the_same_failures(ada: Person) -> None:
    run, hosts = _halted(ada, 4)

    answer = change(ada, run, "resume")
    sweeps(run, soon(seconds=1))

    assert (answer.status_code, answer.json()["state"]) == (202, "Running")
    after = shown(ada, run)
    (halt,) = after["rollout"]["halts"]
    assert (after["state"], after["note"], halt["ending"], halt["endedBy"]) == ("Running", None, "resumed", "ada")
    assert halt["endDateTime"] >= halt["haltDateTime"]
    assert wave_states(ada, run) == ["Closed", "Open"]
    assert Event.objects.get(kind="run.resumed").data["by"] == str(ada.user.public_id)
    does(run, hosts[1])
    assert shown(ada, run)["state"] == "Running"


def test_resume__fails_again__halts_again_by_what_came_since(ada: Person) -> None:
    run, hosts = _halted(ada, 4)
    change(ada, run, "resume")
    sweeps(run, soon(seconds=1))

    _fail(run, hosts[1])

    found = [(one["failed"], one["sampled"], one["ending"]) for one in shown(ada, run)["rollout"]["halts"]]
    assert found == [(1, 1, "resumed"), (1, 1, None)]
    assert shown(ada, run)["state"] == "Halted"


def test_resume__after_hours__hosts_of_the_open_wave_may_begin_as_late_as_from_then_on(ada: Person) -> None:
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50}, missedRunWithin="PT1H")
    _fail(run, hosts[0])
    sweeps(run, soon(minutes=90))

    change(ada, run, "resume")

    left = task_of(run, hosts[1]).start_before - timezone.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_cancel__halted_run__ends_it_and_the_halt_says_who(ada: Person) -> None:
    run, _ = _halted(ada)

    assert change(ada, run, "cancel").status_code == 202

    answer = shown(ada, run)
    (halt,) = answer["rollout"]["halts"]
    assert (answer["state"], halt["ending"], halt["endedBy"]) == ("Canceled", "canceled", "ada")


@pytest.mark.parametrize("what", ["resume", "cancel"])
def test_change__halted_run_by_a_viewer_or_a_stranger__is_refused(ada: Person, what: str) -> None:
    run, _ = _halted(ada)
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    operator = factories.person(customer=ada.customer, role=Role.OPERATOR)

    assert change(viewer, run, what).status_code == 403
    # Who may not edit the job does not say how its runs go on.
    assert change(operator, run, what).status_code == 403
    assert shown(ada, run)["state"] == "Halted"


def test_retry__of_a_run_in_waves__goes_in_waves_over_what_failed(ada: Person) -> None:
    run, hosts = _halted(ada, 2)
    change(ada, run, "resume")
    sweeps(run, soon(seconds=1))
    does(run, hosts[1])

    answer = change(ada, run, "retry-failed")

    assert (shown(ada, run)["state"], answer.status_code) == ("Completed", 202)


# --- who is told ------------------------------------------------------------------------------------------------------


def test_mail__run_is_halted__tells_why_whoever_gets_mail_of_the_job(ada: Person) -> None:
    _halted(ada, notification=MAIL)
    event = Event.objects.get(kind="run.halted")

    notifications.plan(event=event, at=timezone.now())
    client.send(event=event, recipient="ops@example.com", message_id="1")

    assert Message.objects.filter(event_id=event.pk, task="notifications.plan").exists()
    assert list(Delivery.objects.values_list("recipient", flat=True)) == ["ops@example.com"]
    (sent,) = mail.outbox
    assert sent.subject == "a job: run 1 been halted, 0 succeeded, 1 failed"
    assert "Why: 1 of 1 hosts failed; the run halts at 50 % of 1 or more" in sent.body
    assert "until somebody resumes or cancels the run" in str(sent.alternatives[0])


def test_mail__job_without_mail__tells_nobody(ada: Person) -> None:
    _halted(ada)

    notifications.plan(event=Event.objects.get(kind="run.halted"), at=timezone.now())

    assert not Delivery.objects.exists()


# --- races, and what it costs -----------------------------------------------------------------------------------------


def test_halt__many_hosts_fail_at_once__halts_once(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = fleet(ada, 6)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asking(run, hosts[:4]) == hosts[:4]

    def fail(host: Endpoint) -> None:
        ends(run, host, well=False)

    assert factories.at_once(fail, *hosts[:4]) == [None] * 4

    with acting_for(ada.customer.pk):
        assert Run.objects.get().state == "Halted"
        assert RunHalt.objects.count() == Event.objects.filter(kind="run.halted").count() == 1


def test_halt__somebody_cancels_at_the_same_moment__one_of_both_is_first(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    hosts = fleet(ada, 3)
    run = begun(ada, hosts, {"haltOnFailurePercent": 50})
    assert asks(run, hosts[0])

    def act(who: str) -> Any:
        if who == "host":
            return ends(run, hosts[0], well=False)
        return change(ada, run, "cancel").status_code

    found = factories.at_once(act, "host", "person")

    assert found[1] == 202
    with acting_for(ada.customer.pk):
        assert Run.objects.get().state == "Canceled"
        assert not RunHalt.objects.filter(ended_at=None).exists()


def test_end__host_that_can_halt_nothing__asks_for_no_look_at_its_run(ada: Person) -> None:
    hosts = fleet(ada, 8)
    run = begun(ada, hosts, {"haltOnFailurePercent": 90, "haltMinSample": 4})
    asked = Event.objects.filter(kind="run.progressed")

    does(run, *hosts[:2])
    nothing_failed = asked.count()
    _fail(run, hosts[2])
    one_failed = asked.count()
    does(run, hosts[3])
    sample_is_full = asked.count()
    does(run, *hosts[4:7])

    assert (nothing_failed, one_failed, sample_is_full, asked.count()) == (0, 1, 2, 2)


def test_figures__many_hosts__take_one_query(ada: Person) -> None:
    hosts = fleet(ada, 8)
    run = begun(ada, hosts, THIRTY_OF_TEN)
    _fail(run, *hosts[:2])

    with CaptureQueriesContext(connection) as captured:
        assert halts.figures(run) == (2, 2)

    assert len(captured) == 1
