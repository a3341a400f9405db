"""Hosts that restart: how long they may be silent, and what a restart that is still to come is called."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from core.models import Event
from deployments import services
from deployments.models import HostTask
from inventory.models import Asset
from tests import factories
from tests.agents.endpoints import endpoint
from tests.deployments.endings import counts_of, does, only_host, patch_of, patched, statuses
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _handed, _now, _reports, _run, _scan, _take
from tests.factories import NOW, Person
from tests.tenants import worlds

LEASE = timedelta(seconds=settings.HOST_LEASE_SECONDS)
REBOOT_LEASE = timedelta(seconds=settings.REBOOT_LEASE_SECONDS)
STARTED = {"kind": "step_started", "number": 1}
REBOOTING = {"kind": "rebooting", "number": 1}
PENDING = {"kind": "finished", "rebootPending": True}
PENDING_STORY = [ACCEPTED, {**DONE, "number": 1}, _scan(("acme-app", "2.0")), {**DONE, "number": 2}, PENDING]


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


@pytest.fixture
def restarting(ada: Person, host: Asset) -> HostTask:
    """A host task whose agent said that the machine restarts."""
    _run(ada, host, minutes=60)
    task = _handed(host)
    _take(task, _reports(ACCEPTED, STARTED, REBOOTING))
    return task


def _moves(task: HostTask) -> list[str]:
    kinds = Event.objects.filter(host_task_id=task.pk).order_by("pk").values_list("kind", flat=True)
    return [kind.partition(".")[2] for kind in kinds if kind.startswith("host_task.")]


def test_rebooting__reported__waits_for_the_restart_and_is_back_with_the_next_report(restarting: HostTask) -> None:
    waiting = _now(restarting)

    _take(restarting, _reports({**DONE, "number": 1}, first=4))

    assert (waiting, _now(restarting)) == (("AwaitingReboot", ""), ("Running", ""))
    assert _moves(restarting) == ["leased", "running", "awaitingreboot", "running"]


def test_rebooting__said_again_by_an_agent_that_was_killed__stays(restarting: HostTask) -> None:
    _take(restarting, _reports(REBOOTING, first=4))

    assert _now(restarting) == ("AwaitingReboot", "")
    assert _moves(restarting) == ["leased", "running", "awaitingreboot"]


def test_rebooting__silent_for_longer_than_a_lease__is_not_lost_before_the_longer_one_ends(
    restarting: HostTask,
) -> None:
    services.sweep(at=NOW + REBOOT_LEASE - timedelta(seconds=1))
    before = _now(restarting)

    services.sweep(at=NOW + REBOOT_LEASE + timedelta(seconds=1))

    assert (before, _now(restarting)) == (("AwaitingReboot", ""), ("Lost", ""))


def test_rebooting__check_in_while_it_shuts_down__does_not_shorten_the_lease(restarting: HostTask) -> None:
    fences = {restarting.pk: (1, 1)}

    assert services.heartbeat(asset=restarting.asset, fences=fences, at=NOW + timedelta(seconds=5)) == []

    assert HostTask.objects.get(pk=restarting.pk).lease_until == NOW + REBOOT_LEASE


def test_rebooting__check_in_at_the_end_of_the_lease__prolongs_it(restarting: HostTask) -> None:
    late = NOW + REBOOT_LEASE - timedelta(seconds=1)

    services.heartbeat(asset=restarting.asset, fences={restarting.pk: (1, 1)}, at=late)

    assert HostTask.objects.get(pk=restarting.pk).lease_until == late + LEASE


def test_rebooting__back_after_it_was_lost__goes_on(restarting: HostTask) -> None:
    late = NOW + REBOOT_LEASE + timedelta(seconds=1)
    services.sweep(at=late)

    _take(restarting, _reports({**DONE, "number": 1}, first=4), at=late)

    assert _now(restarting) == ("Running", "")
    assert HostTask.objects.get(pk=restarting.pk).lease_until == late + LEASE


def test_rebooting__deadline_passes_meanwhile__is_ended_only_when_it_stays_away(ada: Person, host: Asset) -> None:
    _run(ada, host, minutes=10)
    task = _handed(host)
    begun = NOW + timedelta(minutes=9)
    _take(task, _reports(ACCEPTED, STARTED, REBOOTING), at=begun)
    services.sweep(at=NOW + timedelta(minutes=10) + LEASE + timedelta(seconds=1))
    meanwhile = _now(task)

    services.sweep(at=begun + REBOOT_LEASE + timedelta(seconds=1))

    assert (meanwhile, _now(task)) == (("AwaitingReboot", ""), ("TimedOut", "window_over"))


def test_rebooting__before_the_closing_scan__is_verified_after_it(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    task = _handed(host)
    _take(task, _reports(ACCEPTED, {**DONE, "number": 1}, {"kind": "rebooting", "number": 2}))
    waiting = statuses(ada, run), counts_of(only_host(ada, run))

    _take(task, _reports(_scan(("acme-app", "2.0")), {**DONE, "number": 2}, FINISHED, first=4))

    assert waiting == (("Pending Reboot", 29011), {"pendingReboot": 1})
    assert (_now(task), statuses(ada, run)) == (("Succeeded", "verified"), ("Completed", 20360))


def test_rebooting__after_the_end__is_taken_in_and_changes_nothing(restarting: HostTask, ada: Person) -> None:
    services.cancel(run=restarting.run, user=ada.user, at=NOW)

    through = _take(restarting, _reports(REBOOTING, {**DONE, "number": 1}, FINISHED, first=4))

    assert (through, _now(restarting)[0]) == (6, "Canceled")


# --- a restart that is still to come ----------------------------------------------------------------------------------


def _ends_pending(ada: Person, host: Asset) -> Any:
    run = patched(ada, host)
    does(host, PENDING_STORY)
    return run


def test_pending__restart_was_suppressed__succeeds_and_is_called_pending_reboot(ada: Person, host: Asset) -> None:
    run = _ends_pending(ada, host)

    row = only_host(ada, run)

    assert _now(HostTask.objects.get(run=run)) == ("Succeeded", "reboot_pending")
    assert (row["status"], row["statusCode"]) == ("Pending Reboot", 29011)
    assert counts_of(row) == {"pendingReboot": 1}
    assert row["success"] == []
    services.close(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    assert (run.state, run.reason) == ("Completed", "done")


def test_pending__machine_restarts_by_itself__is_completed(ada: Person, host: Asset) -> None:
    run = _ends_pending(ada, host)

    services.note_restart(asset=host, at=NOW)

    row = only_host(ada, run)
    assert _now(HostTask.objects.get(run=run)) == ("Succeeded", "verified")
    assert (row["status"], row["statusCode"], counts_of(row)) == ("Completed", 20360, {"successPatches": 1})
    assert row["success"] == [patch_of(run)]


def test_pending__of_a_host_that_failed__is_a_failure(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    failed = {**DONE, "number": 1, "state": "failed", "reason": "package_manager_failed"}

    does(host, [ACCEPTED, failed, _scan(("acme-app", "1.0")), {**DONE, "number": 2}, PENDING])

    assert _now(HostTask.objects.get(run=run)) == ("Failed", "patch_failed")


@pytest.mark.parametrize("what", ["check-in", "scan"])
def test_boot_id__another_one__settles_what_waited_for_the_restart_on_that_host(ada: Person, what: str) -> None:
    host, other = endpoint(ada), factories.asset(ada.customer, "elsewhere")
    run = patched(ada, host.asset, other)
    for asset in (host.asset, other):
        does(asset, PENDING_STORY)
    here, elsewhere = (HostTask.objects.get(run=run, asset=asset) for asset in (host.asset, other))
    known = {"bootId": "first", "agentVersion": "1.0.0", "tasks": []}
    assert host.send("check-in", known).status_code == 200
    assert host.send("check-in", known).status_code == 200
    unchanged = _now(here)
    body = known if what == "check-in" else worlds.scan(("acme-app", "2.0"))

    assert host.send(what, body | {"bootId": "second"}).status_code == 200

    assert unchanged == ("Succeeded", "reboot_pending")
    assert _now(here) == ("Succeeded", "verified")
    assert _now(elsewhere) == ("Succeeded", "reboot_pending")
