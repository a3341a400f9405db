"""Machines that restart in the middle of their work, at its end, or by themselves some day."""

import pytest

from demo.hosts import restart, restarts
from tests.journeys.conftest import APT
from tests.journeys.tools import Customer, script, until

pytestmark = pytest.mark.service

REBOOT = {"action": "System Reboot", "params": {"actionItem": "fresh start"}}


def test_restarts__before_the_patches_and_at_the_end__each_step_is_done_once(acme: Customer):
    package = "acme-restart"
    ledger = f"opt/acme/scripts-{package}"
    before = restarts(acme.machines[APT[0]].host)
    count = "$(wc -l < var/log/restarts)"
    rollout = acme.roll_out(
        package,
        APT[:1],
        preDeployActions=[
            script("Before", f"echo 'before Install' >> {ledger}"),
            REBOOT,
            script("Between", f'echo "restarts so far: {count}" >> {ledger}'),
        ],
        postDeployActions=[script("After", f'echo "restarts so far: {count}" >> {ledger}')],
    )
    (machine,) = rollout.machines

    rollout.wait_state(machine, "AwaitingReboot")
    until("the first restart", lambda: restarts(machine.host) == before + 1)
    rollout.wait_state(machine, "Running")
    rollout.wait_state(machine, "AwaitingReboot")
    waiting = rollout.rows()[machine.host.name]
    rollout.check_ended()

    assert (waiting["status"], waiting["statusCode"]) == ("Pending Reboot", 29011)
    assert restarts(machine.host) == before + 2
    assert rollout.configured(machine.host) == ["2.0"]
    assert rollout.scripted(machine.host) == ["before Install", *[f"restarts so far: {before + 1}"] * 2]
    detail = rollout.detail(machine)
    assert [(step["kind"], step["state"], step["reason"], step["verified"]) for step in detail["steps"]] == [
        ("action", "Succeeded", "done", None),
        ("action", "Succeeded", "done", None),
        ("action", "Succeeded", "done", None),
        ("patch", "Succeeded", "done", True),
        ("action", "Succeeded", "done", None),
        ("scan", "Succeeded", "done", None),
    ]
    assert acme.assets()[machine.host.name]["rebootRequired"] is False


def test_suppressed__machine_restarts_by_itself_later__is_pending_until_then(acme: Customer):
    rollout = acme.roll_out("acme-suppressed", APT[:1], suppressReboots=True)
    (machine,) = rollout.machines
    name = machine.host.name
    before = restarts(machine.host)
    rows = rollout.check_ended()
    waiting = rows[name]["status"], rows[name]["reason"], restarts(machine.host)
    required = acme.assets()[name]["rebootRequired"]

    restart(machine.host)

    until("the restart to be noticed", lambda: rollout.rows()[name]["status"] == "Completed")
    until("the inventory after it", lambda: acme.assets()[name]["rebootRequired"] is False)
    assert waiting == ("Pending Reboot", "reboot_pending", before)
    assert required is True
    assert rollout.rows()[name]["reason"] == "verified"
