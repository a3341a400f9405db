"""What gets in the way of a rollout on its machines: windows that close, locks, absences, other jobs, and lies."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from demo.hosts import Host, installed_version
from hostagent.client import Client as AgentClient
from hostagent.clock import Clock
from tests.journeys.conftest import APT
from tests.journeys.tools import NEW, OLD, Customer, Rollout, script, until

pytestmark = pytest.mark.service


def test_window__closes_mid_way__what_was_not_begun_is_left(acme: Customer):
    closes = datetime.now(UTC) + timedelta(seconds=15)
    begins = closes - timedelta(minutes=1)
    rollout = acme.roll_out(
        "acme-window",
        APT[:1],
        held=True,
        scheduleType="Once",
        startDateTime=begins.strftime("%Y-%m-%dT%H:%M:%S"),
        timezone="UTC",
        timeout=1,
        timeoutUnit="MINUTES",
    )
    (machine,) = rollout.machines
    until("the script before", lambda: rollout.scripted(machine.host))
    until("the window's end", lambda: datetime.now(UTC) > closes)
    rollout.release()

    rollout.wait_ended()

    detail = rollout.detail(machine)
    assert (detail["state"], detail["reason"]) == ("TimedOut", "window_over")
    assert [(step["kind"], step["state"], step["reason"]) for step in detail["steps"]] == [
        ("action", "Succeeded", "done"),
        ("patch", "Skipped", "window_over"),
        ("action", "Skipped", "window_over"),
        ("scan", "Succeeded", "done"),
    ]
    assert rollout.scripted(machine.host) == ["before Install"]
    assert installed_version(machine.host, rollout.package) == OLD


def test_native_lock__somebody_holds_it__the_agent_waits_and_goes_on(acme: Customer):
    rollout = acme.roll_out("acme-lock", APT[:1], held=True)
    (host,) = rollout.hosts
    with _locked(host):
        rollout.wait_started()
        rollout.release()
        until("the turn of the patch", lambda: _patch_state(rollout) == "Running")
        until("a try that is turned away", lambda: "lock" in _printed(rollout))
        assert installed_version(host, rollout.package) == OLD

    rollout.check_ended()
    rollout.check_installed_once()


def test_host__offline_at_the_start_and_back_later__does_its_share(acme: Customer):
    absent = acme.machines[APT[1]]
    absent.stop()
    rollout = acme.roll_out("acme-offline", APT[:2])
    rollout.wait_state(acme.machines[APT[0]], "Succeeded")

    state = rollout.state_of(APT[1])
    absent.start()

    assert state == "Pending"
    rollout.check_ended()
    rollout.check_installed_once()


def test_agent__reinstalled_in_the_middle__fails_that_host_and_serves_the_next_job(acme: Customer):
    machine = acme.machines[APT[0]]
    before = acme.assets()[APT[0]]["id"]
    rollout = acme.roll_out("acme-reinstalled", APT[:1], held=True)
    until("the script before", lambda: rollout.scripted(machine.host))
    machine.kill()
    shutil.rmtree(machine.home)
    machine.home.mkdir()

    machine.enrol(acme.running.base_url, acme.activation_key)
    machine.start()

    rows = rollout.check_ended(apt_1="Failed")
    assert rows[APT[0]]["reason"] == "agent_reinstalled"
    assert acme.assets()[APT[0]]["id"] == before
    rollout.release()
    following = acme.roll_out("acme-reinstalled", APT[:1])
    following.wait_ended()
    assert following.state_of(APT[0]) == "Succeeded"
    assert installed_version(machine.host, rollout.package) == NEW


def test_two_jobs__on_one_host__the_second_is_blocked_until_the_first_ends(acme: Customer):
    first = acme.roll_out("acme-queue", APT[:1], held=True)
    (host,) = first.hosts
    until("the script before", lambda: first.scripted(host))

    second = acme.roll_out("acme-queue", APT[:1], preDeployActions=[], postDeployActions=[script("Late", _MARK)])

    until("the second run", lambda: second.state_of(APT[0]))
    row = second.rows()[APT[0]]
    assert (row["status"], row["state"]) == ("Execution Blocked", "Pending")
    assert not (host.root / "opt/acme/late").exists()
    first.release()
    first.check_ended()
    first.check_installed_once()
    # By then the patch is there.
    rows = second.check_ended(apt_1=second.wait_state(first.machines[0], "NotApplicable", "Succeeded"))
    assert len(rows) == 1
    assert first.configured(host) == [NEW]


@pytest.mark.parametrize(("threshold", "becomes"), [(66, "Completed"), (67, "Skipped")])
def test_chain__two_of_three_hosts_did_the_post_action__starts_the_child_up_to_that_share(
    acme: Customer, threshold: int, becomes: str
):
    """Two of three are 66.7 %."""
    assets = acme.assets()
    flag = f"opt/acme/no-{threshold}"
    (acme.machines[APT[2]].host.root / flag).touch()
    base = {"type": "Install", "platform": "Linux", "scheduleType": "On-demand", "timeout": 1, "timeoutUnit": "HOURS"}
    targets = [assets[name]["id"] for name in APT]
    parent = acme.client.post(
        "/pm/v1/deploymentjob",
        {**base, "name": "Parent", "assetIds": targets, "postDeployActions": [script("Check", f"test ! -e {flag}")]},
    )["id"]
    rule = {
        "field": "postDeployAction",
        "actionIds": [1],
        "threshold": threshold,
        "condition": "Post Actions were successfully executed",
    }
    child = acme.client.post(
        "/pm/v1/deploymentjob",
        {
            **base,
            "name": "Child",
            "status": "Enabled",
            "assetIds": targets[:1],
            "linkedJobId": parent,
            "chainedJobRule": [rule],
            "postDeployActions": [script("Follow", "echo followed")],
        },
    )["id"]

    acme.client.post("/pm/v1/deploymentjobs/update/status/Enabled", {"ids": [parent]})

    run = until("the child's run", lambda: _ended_run(acme, child))
    assert run["state"] == becomes
    if becomes == "Skipped":
        assert run["reason"] == "parent_share"
        assert "2 of 3 hosts; 67 % are needed" in run["note"]
    elder = _ended_run(acme, parent)
    assert elder is not None
    assert elder["counts"] == {"Succeeded": 2, "Failed": 1}


def test_liar__reports_success_without_installing__never_succeeds(acme: Customer):
    with _liar(acme) as (asset, lie):
        patches = acme.patches("acme-share")
        body = {"name": "Lied to", "type": "Install", "platform": "Linux", "scheduleType": "On-demand"}
        job = acme.client.post(
            "/pm/v1/deploymentjob", {**body, "status": "Enabled", "assetIds": [asset], "approvedPatches": patches}
        )["id"]
        until("the run's hosts", lambda: (run := _run(acme, job)) and run["state"] == "Running")
        lie()

    run = until("the run's end", lambda: _ended_run(acme, job))
    (row,) = acme.client.get(f"/pm/v1/deploymentjob/{job}/runs/1/assets")
    assert run["counts"] == {"Failed": 1}
    assert (row["state"], row["reason"]) == ("Failed", "not_verified")


_MARK = "touch opt/acme/late"


def _run(acme: Customer, job: str) -> Any:
    return acme.client.get(f"/pm/v1/deploymentjob/{job}/runs/1") if _runs(acme, job) else None


def _ended_run(acme: Customer, job: str) -> Any:
    run = _run(acme, job)
    return run if run and run["state"] in {"Completed", "Skipped"} else None


def _runs(acme: Customer, job: str) -> Any:
    return acme.client.get(f"/pm/v1/deploymentjob/{job}/runs")


def _patch_state(rollout: Rollout) -> str | None:
    if not rollout.run():
        return None
    steps = rollout.detail(rollout.machines[0])["steps"]
    return next((step["state"] for step in steps if step["kind"] == "patch"), None)


def _printed(rollout: Rollout) -> str:
    """What apt-get prints on the host just now."""
    work: Path = rollout.machines[0].home / "work"
    return "".join(path.read_text(errors="replace") for path in work.glob("*.out"))


@contextmanager
def _locked(host: Host) -> Iterator[None]:
    """Inside, another program holds dpkg's lock, as unattended upgrades do."""
    with (host.root / "var/lib/dpkg/lock-frontend").open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _liar(acme: Customer) -> Iterator[tuple[str, Any]]:
    """A machine whose agent speaks the protocol and does nothing: its asset's id, and how it lies about its work."""
    clock, stop = Clock(), Event()
    machine = {"name": "liar", "platform": "Linux", "osIdentifier": "liar", "packageManager": "apt"}
    body = {"activationKey": acme.activation_key, "agentVersion": "1.0", "bootId": "boot", "machine": machine}
    enrolled = AgentClient(acme.running.base_url, clock, stop).post("enrol", body)
    agent = AgentClient(acme.running.base_url, clock, stop, enrolled["credential"])
    scan = {"at": _now(), "machine": machine, "updates": []}
    scan["packages"] = [{"name": "acme-share", "version": OLD, "architecture": "all"}]
    scan["updates"] = [{"package": "acme-share", "architecture": "all", "fromVersion": OLD, "toVersion": NEW}]
    agent.post("scan", scan)

    def lie() -> None:
        held: list[dict[str, int]] = []

        def manifest() -> Any:
            asked = {"bootId": "boot", "agentVersion": "1.0", "tasks": held}
            return agent.post("check-in", asked)["manifest"]

        content = json.loads(until("the manifest", manifest)["manifest"])
        names = {key: content[key] for key in ("hostTaskId", "attempt", "fence")}
        told = [{"kind": "accepted"}]
        for step in content["steps"]:
            if step["kind"] == "scan":
                told.append({"kind": "scanned", "scan": scan})
            told.append({"kind": "step_finished", "number": step["number"], "state": "succeeded", "reason": "done"})
        told.append({"kind": "finished"})
        reports = [{"sequence": number, "at": _now(), **one} for number, one in enumerate(told, start=1)]
        assert agent.post("reports", {**names, "reports": reports}) == {"acceptedThrough": len(reports)}

    yield enrolled["assetId"], lie


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
