"""Restarts: each happens once, whenever the agent or the machine dies, and everything goes on after it."""

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo import hosts
from hostagent.clock import Clock
from hostagent.host import Host
from hostagent.notes import Notes
from hostagent.rebooters import Machine, Rehearsed
from tests.hostagent.conftest import World, restore, wait_until
from tests.hostagent.server import Server, patch_step, reboot_step, scan_step, script_step
from tests.hostagent.test_crashes import Crash, CrashAt

EFFECT = "echo {} >> $PATCH_ROOT/effects"
WANTS_RESTART = "mkdir -p $PATCH_ROOT/run && touch $PATCH_ROOT/run/reboot-required"
SUPPRESSED = {"after": {"suppressReboots": True}}


class WentDown(BaseException):
    """The machine is off: nothing in the agent may catch this."""


class Restarting(Rehearsed):
    """A host that restarts, and whose agent is then to be started again by the test."""

    def __init__(self, world: World) -> None:
        super().__init__(Host(world.host.root), seconds=0)

    def taken(self) -> None:
        raise WentDown


class Deaf:
    """Takes the order and goes on as before; notes each order."""

    def __init__(self, world: World) -> None:
        self.orders = world.host.root / "orders"

    def command(self) -> Sequence[str]:
        return ["/bin/sh", "-c", 'echo order >> "$0"', str(self.orders)]

    def taken(self) -> None:
        pass


class Unwilling(Deaf):
    """Refuses the order."""

    def command(self) -> Sequence[str]:
        return ["/bin/sh", "-c", "echo Not permitted; exit 4"]


class Later(Clock):
    """The machine's clock, and some minutes."""

    def __init__(self, minutes: float) -> None:
        self._ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        return super().now() + self._ahead


def lives(world: World, **options: Any) -> None:
    """Let the agent live, and live again after each restart."""
    for _ in range(5):
        try:
            return world.once(rebooter=Restarting(world), **options)
        except WentDown:
            continue
    raise AssertionError("the machine restarts again and again")


def restarts(world: World) -> int:
    return len(world.lines("var/log/restarts"))


def pending_of(server: Server) -> list[Any]:
    return [report["rebootPending"] for report in server.reports[1, 1] if report["kind"] == "finished"]


def scanned(server: Server) -> dict[str, Any]:
    (scan,) = [report["scan"] for report in server.reports[1, 1] if report["kind"] == "scanned"]
    return dict(scan)


# --- the action -------------------------------------------------------------------------------------------------------


def test_reboot__between_two_actions__restarts_once_and_goes_on(world: World, server: Server):
    world.once()
    steps = [script_step(1, EFFECT.format("before")), reboot_step(2), script_step(3, EFFECT.format("after"))]
    server.offer(*steps, scan_step(4))

    lives(world)

    assert restarts(world) == 1
    assert world.lines("effects") == ["before", "after"]
    assert server.reasons() == ["done", "done", "done", "done"]
    assert server.kinds()[3:6] == ["step_started", "rebooting", "step_finished"]
    assert server.reports[1, 1][4]["number"] == 2
    assert pending_of(server) == [False]
    # The server has seen both lives of the machine, and so has its inventory.
    assert len({check_in["bootId"] for check_in in server.check_ins}) == 2
    assert scanned(server)["bootId"] == server.check_ins[-1]["bootId"] != server.scans[0]["bootId"]


def test_reboot__server_is_told__before_the_machine_goes_down(world: World, server: Server):
    server.offer(reboot_step(1), scan_step(2))

    with pytest.raises(WentDown):
        world.once(rebooter=Restarting(world))

    assert server.kinds() == ["accepted", "step_started", "rebooting"]


def test_reboot__real_process__restarts_itself_and_is_away_meanwhile(world: World, server: Server):
    server.offer(reboot_step(1), script_step(2, EFFECT.format("after")), scan_step(3))
    agent = hosts.Agent(world.host, world.home, restarts_in=0.5)
    world.agents.append(agent)

    agent.start()
    wait_until(lambda: server.kinds()[-1:] == ["finished"])

    agent.stop()
    assert (restarts(world), server.reasons(), world.lines("effects")) == (1, ["done"] * 3, ["after"])
    assert agent.log.read_text().count("started") == 2


# The crashed life leaves its child and its pipes to nobody, which is the point.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_reboot__crash_at_every_checkpoint__it_never_restarts_twice(world: World, server: Server, tmp_path: Path):
    """Crashes around the order; one that comes after the order's child was noted may leave the order without effect."""
    saved = tmp_path / "saved"
    shutil.copytree(world.host.root, saved, symlinks=True)
    world.once()
    server.offer(reboot_step(1), script_step(2, WANTS_RESTART + ";" + EFFECT.format("x"), stage="post"), scan_step(3))
    seen = []

    for number in range(1, 200):
        restore(world, saved)
        for name in ("journal.jsonl", "restart.json"):
            (world.home / name).unlink(missing_ok=True)
        server.reports.clear()
        crash = _CrashAtEffects(number)
        try:
            lives(world, checkpoint=crash)
        except Crash:
            lives(world)
            if server.kinds()[-1] != "finished":
                # What was ordered and not done is given up in time.
                lives(world, clock=Later(15))
        where = f"crash {number}, at {crash.name}"
        seen.append(crash.name)
        ends = server.ends()
        assert server.kinds()[-1] == "finished", where
        assert server.kinds().count("rebooting") <= 2, where
        wanted = 1 + (ends[2]["reason"] == "done")
        if ends[1]["reason"] == "timed_out":
            assert (restarts(world), ends[2]["reason"]) == (0, "earlier_step_failed"), where
        elif pending_of(server) == [True]:
            assert restarts(world) == 1, where
        else:
            assert ends[1]["reason"] == "done", where
            assert restarts(world) == wanted or ends[2]["reason"] == "interrupted", where
        assert len(world.lines("effects")) <= 1, where
        if crash.name is None:
            break

    assert seen[-1] is None
    assert {"child:before", "child:spawned", "child:running", "restart:ordered", "journal:begin:after"} <= set(seen)


def test_reboot__killed_after_the_order__is_done_by_the_other_boot_id(world: World, server: Server):
    server.offer(reboot_step(1), scan_step(2))
    crash = _CrashAtNamed("restart:ordered")
    with pytest.raises(Crash):
        world.once(rebooter=Restarting(world), checkpoint=crash)

    lives(world)

    assert (restarts(world), server.reasons()) == (1, ["done", "done"])


class _CrashAtEffects(CrashAt):
    """Passes over what is only told and confirmed, which the other crashes are about."""

    def __call__(self, name: str) -> None:
        if not name.startswith(("journal:acknowledged", "journal:compact", "journal:report")):
            super().__call__(name)


class _CrashAtNamed(CrashAt):
    def __init__(self, name: str) -> None:
        super().__init__(0)
        self.wanted = name

    def __call__(self, name: str) -> None:
        if name == self.wanted:
            raise Crash(name)


def test_reboot__machine_does_not_restart__waits_and_then_fails_without_a_second_order(world: World, server: Server):
    deaf = Deaf(world)
    server.offer(reboot_step(1, timeout=120), script_step(2, EFFECT.format("after")), scan_step(3))
    world.once(rebooter=deaf)
    world.once(rebooter=deaf)
    waiting = server.kinds()

    world.once(rebooter=deaf, clock=Later(3))

    assert waiting == ["accepted", "step_started", "rebooting"]
    assert server.reasons() == ["timed_out", "earlier_step_failed", "done"]
    assert server.ends()[1]["state"] == "failed"
    assert world.lines("orders") == ["order"]
    assert world.lines("effects") == []


def test_reboot__order_refused__fails_with_what_was_said(world: World, server: Server):
    server.offer(reboot_step(1), scan_step(2))

    world.once(rebooter=Unwilling(world))

    end = server.ends()[1]
    assert (end["reason"], end["exitCode"], end["output"]) == ("nonzero_exit", 4, "Not permitted\n")


def test_reboot__host_that_cannot_restart__is_unsupported(world: World, server: Server):
    server.offer(reboot_step(1), patch_step(2, "acme-app", "2.0"), scan_step(3))

    world.once()

    assert server.reasons() == ["unsupported", "earlier_step_failed", "done"]
    assert world.version() == "1.0"


def test_reboot__server_away__restarts_all_the_same_and_tells_afterwards(world: World, server: Server):
    world.once()
    server.offer(reboot_step(1), scan_step(2))

    def unplug(notes: Notes) -> bool:
        server.lose["reports"] = 4
        return True

    lives(world, before_restart=unplug)

    assert (restarts(world), server.reasons()) == (1, ["done", "done"])


def test_reboot__hook__is_called_before_each_order(world: World, server: Server):
    asked: list[tuple[str, int]] = []
    server.offer(reboot_step(1), script_step(2, WANTS_RESTART, stage="post"), scan_step(3))

    lives(world, before_restart=lambda notes: not asked.append((notes.label, restarts(world))))

    assert asked == [("1-1-1", 0), ("1-1-3", 1)]


def test_machine__order__is_a_restart(monkeypatch: pytest.MonkeyPatch):
    commands = []
    for there in (True, False):
        monkeypatch.setattr(Path, "exists", lambda path, there=there: there)
        commands.append(Machine().command())

    monkeypatch.setattr(sys, "platform", "win32")
    commands.append(Machine().command())

    windows = ["shutdown.exe", "/r", "/t", "0", "/d", "p:2:17"]
    assert commands == [["systemctl", "reboot"], ["shutdown", "-r", "now"], windows]


def test_rehearsal__of_the_machine_itself__is_refused():
    with pytest.raises(ValueError, match="root of its own"):
        Rehearsed(Host(), seconds=0)


# --- at the end -------------------------------------------------------------------------------------------------------


def test_end__patch_left_the_mark__restarts_after_post_actions_and_before_the_scan(world: World, server: Server):
    post = script_step(2, WANTS_RESTART + "; " + EFFECT.format("$(wc -l < $PATCH_ROOT/opt/acme/history)"), stage="post")
    server.offer(patch_step(1, "acme-app", "2.0"), post, scan_step(3))

    lives(world)

    assert (restarts(world), world.version(), world.lines("effects")) == (1, "2.0", ["1"])
    assert server.reasons() == ["done", "done", "done"]
    assert server.kinds()[-5:] == ["rebooting", "step_started", "scanned", "step_finished", "finished"]
    assert scanned(server)["rebootRequired"] is False
    assert pending_of(server) == [False]


def test_end__nothing_wants_it__does_not_restart(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "2.0"), script_step(2, "exit 0", stage="post"), scan_step(3))

    lives(world)

    assert (restarts(world), server.kinds().count("rebooting"), pending_of(server)) == (0, 0, [False])


def test_end__mark_was_there_and_only_a_script_ran__is_not_this_jobs_restart(world: World, server: Server):
    (world.host.root / "run").mkdir()
    world.write("run/reboot-required", "")
    server.offer(script_step(1, "exit 0"), patch_step(2, "acme-app", "1.0"), scan_step(3))

    lives(world)

    assert server.reasons() == ["done", "already_installed", "done"]
    assert (restarts(world), pending_of(server), scanned(server)["rebootRequired"]) == (0, [False], True)


def test_end__mark_was_there_and_a_patch_was_installed__restarts(world: World, server: Server):
    (world.host.root / "run").mkdir()
    world.write("run/reboot-required", "")
    server.offer(patch_step(1, "acme-app", "2.0"), scan_step(2))

    lives(world)

    assert (restarts(world), pending_of(server), scanned(server)["rebootRequired"]) == (1, [False], False)


def test_end__suppressed__ends_pending_until_the_machine_has_another_boot_id(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "2.0"), script_step(2, WANTS_RESTART, stage="post"), scan_step(3))
    server.envelopes.clear()
    steps = [patch_step(1, "acme-app", "2.0"), script_step(2, WANTS_RESTART, stage="post"), scan_step(3)]
    server.offer(*steps, conduct=SUPPRESSED)
    lives(world)
    at_the_end = restarts(world), pending_of(server), scanned(server)["rebootRequired"]
    scans = len(server.scans)
    lives(world)
    quiet = len(server.scans)

    hosts.restart(world.host)
    lives(world)

    assert at_the_end == (0, [True], True)
    assert quiet == scans
    # The agent comes back on a machine that has restarted by itself, and says so at once.
    assert len(server.scans) == scans + 1
    assert server.scans[-1]["rebootRequired"] is False
    assert server.scans[-1]["bootId"] != server.scans[0]["bootId"]


def test_end__host_that_cannot_restart__ends_pending(world: World, server: Server):
    server.offer(script_step(1, WANTS_RESTART), scan_step(2))

    world.once()

    assert (server.reasons(), pending_of(server)) == (["done", "done"], [True])


@pytest.mark.parametrize("rebooter", [Deaf, Unwilling])
def test_end__machine_does_not_restart__scans_all_the_same_and_ends_pending(
    world: World, server: Server, rebooter: type[Deaf]
):
    server.offer(script_step(1, WANTS_RESTART), scan_step(2))
    world.once(rebooter=rebooter(world), back_within=60)

    world.once(rebooter=rebooter(world), back_within=60, clock=Later(2))

    assert (server.reasons(), pending_of(server)) == (["done", "done"], [True])
    assert scanned(server)["rebootRequired"] is True
    assert world.lines("orders") == (["order"] if rebooter is Deaf else [])


def test_end__window_over__does_not_restart(world: World, server: Server):
    server.offer(script_step(1, WANTS_RESTART), scan_step(2))
    with pytest.raises(Crash):
        world.once(rebooter=Restarting(world), checkpoint=_CrashAtNamed("child:ended"))
    server.lose.clear()

    lives(world, clock=Later(61))

    assert server.reasons() == ["interrupted", "done"]
    assert restarts(world) == 0


def test_end__dropped__does_not_restart(world: World, server: Server):
    server.offer(script_step(1, WANTS_RESTART + "; sleep 0.5"), scan_step(2))
    server.drop = [1]

    lives(world)

    assert restarts(world) == 0
