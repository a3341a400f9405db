"""Whatever moment the agent dies at: every effect happens once, and everything is told."""

import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import hosts
from hostagent.errors import JournalDamaged
from hostagent.journal import Journal
from tests.hostagent.conftest import World, is_alive, restore, wait_until
from tests.hostagent.server import Server, patch_step, scan_step, script_step

Make = Callable[..., World]


class Crash(BaseException):
    """Nothing in the agent may catch this, as nothing can catch SIGKILL."""


class CrashAt:
    """A checkpoint that crashes at the n-th call within the main thread."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.name: str | None = None

    def __call__(self, name: str) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self.left -= 1
        if self.left == 0:
            self.name = name
            raise Crash(name)


STEPS = [
    script_step(1, "echo before >> $PATCH_ROOT/effects"),
    patch_step(2, "acme-app", "2.0"),
    script_step(3, "echo after >> $PATCH_ROOT/effects", stage="post"),
    scan_step(4),
]


def lives(world: World, saved: Path) -> Iterator[tuple[int, str | None]]:
    """Crash at the first checkpoint and come back, then all anew at the second, and so on; None: it did not crash.

    Which thread reports is a matter of time, so a life may pass a few checkpoints less than the one before.
    """
    whole = 0
    for number in range(1, 400):
        restore(world, saved)
        for name in ("journal.jsonl", "history.json"):
            (world.home / name).unlink(missing_ok=True)
        world.server.reports.clear()
        crash = CrashAt(number)
        try:
            world.once(checkpoint=crash)
        except Crash:
            world.once()
        yield number, crash.name
        whole += crash.name is None
        if whole == 3:
            return


# The crashed life leaves its child and its pipes to nobody, which is the point.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_run__crash_at_every_checkpoint__nothing_is_done_twice_or_lost(world: World, server: Server, tmp_path: Path):
    saved = tmp_path / "saved"
    shutil.copytree(world.host.root, saved, symlinks=True)
    world.once()
    server.offer(*STEPS)

    seen = []
    for number, name in lives(world, saved):
        seen.append(name)
        where = f"crash {number}, at {name}"
        assert_told(server, world.lines("effects"), where)
        patched = server.ends()[2]["reason"] == "done"
        assert world.version() == ("2.0" if patched else "1.0"), where
        assert world.ledger() == (["configured acme-app 2.0"] if patched else []), where

    assert {"child:spawned", "child:running", "patch:remembered", "journal:compacted"} <= set(seen)
    assert len(seen) > 40


def assert_told(server: Server, effects: list[str], where: str) -> None:
    """The reports are complete and true: a script is done and had its effect, or is said to be interrupted."""
    kinds = server.kinds()
    assert (kinds[0], kinds[-1]) == ("accepted", "finished"), where
    assert [report["sequence"] for report in server.reports[1, 1]] == list(range(1, len(kinds) + 1)), where
    assert kinds.count("scanned") == 1, where
    ends = server.ends()
    assert sorted(ends) == [1, 2, 3, 4], where
    if ends[1]["reason"] == "interrupted":
        # The crash may have come before or after the effect. After it nothing but the scan is done; see below.
        assert effects in ([], ["before"]), where
        assert [ends[n]["reason"] for n in (2, 3, 4)] == ["earlier_step_failed", "earlier_step_failed", "done"], where
    elif ends[3]["reason"] == "interrupted":
        assert effects in (["before"], ["before", "after"]), where
    else:
        assert effects == ["before", "after"], where
        assert {end["reason"] for end in ends.values()} == {"done"}, where


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("apt", "journal:begin:after"),
        ("apt", "journal:child:after"),
        ("apt", "child:running"),
        ("apt", "patch:remembered"),
        ("dnf", "journal:child:after"),
        ("dnf", "child:running"),
    ],
)
def test_run__killed_for_real_around_a_package_operation__it_happens_once(
    make_world: Make, server: Server, kind: str, name: str
):
    world = make_world(kind)
    server.offer(patch_step(1, "acme-app", "2.0"))
    command = [sys.executable, "-m", "tests.hostagent.killed_at", str(world.home), str(world.host.root), name]

    code = subprocess.run(command, check=False).returncode
    world.once()

    assert code == -signal.SIGKILL
    assert server.reasons() == ["done"]
    assert (world.version(), world.ledger()) == ("2.0", ["configured acme-app 2.0"])
    history = json.loads((world.home / "history.json").read_text())
    assert [change["to"][:3] for change in history["acme-app"]] == ["2.0"]


def test_kill__package_operation_still_runs__next_life_waits_for_it(make_world: Make, server: Server):
    world = make_world("apt", seconds=2)
    server.offer(patch_step(1, "acme-app", "2.0"), script_step(2, "true", stage="post"))
    agent = world.process()
    agent.start()
    wait_until(lambda: world.ledger() == ["configured acme-app 2.0"])

    agent.kill()
    half = hosts.package_state(world.host, "acme-app")
    agent.start()
    wait_until(lambda: "finished" in server.kinds())
    agent.stop()

    assert half != "installed"
    assert server.reasons() == ["done", "done"]
    assert "Setting up acme-app (2.0)" in server.ends()[1]["output"]
    assert world.ledger() == ["configured acme-app 2.0"]
    assert hosts.package_state(world.host, "acme-app") == "installed"


def test_kill__script_still_runs__it_is_ended_and_not_repeated(world: World, server: Server):
    server.offer(script_step(1, "echo $$ >> $PATCH_ROOT/pids; sleep 60"), patch_step(2, "acme-app", "2.0"))
    agent = world.process()
    agent.start()
    wait_until(lambda: world.lines("pids"))

    agent.kill()
    agent.start()
    wait_until(lambda: "finished" in server.kinds())
    agent.stop()

    assert server.reasons() == ["interrupted", "earlier_step_failed"]
    (pid,) = world.lines("pids")
    assert not is_alive(int(pid))
    assert world.version() == "1.0"


def test_terminate__within_a_step__finishes_it_and_no_more(world: World, server: Server):
    server.offer(
        script_step(1, "echo one >> $PATCH_ROOT/effects; sleep 1"), script_step(2, "echo two >> $PATCH_ROOT/effects")
    )
    agent = world.process()
    agent.start()
    wait_until(lambda: world.lines("effects"))

    agent.stop()
    between = world.lines("effects"), server.reasons()
    agent.start()
    wait_until(lambda: "finished" in server.kinds())
    agent.stop()

    assert between == (["one"], ["done"])
    assert (world.lines("effects"), server.reasons()) == (["one", "two"], ["done", "done"])
    assert "Traceback" not in agent.output.read_text()


def test_agent_process__parent_dies__dies_with_it(world: World):
    code = (
        "import sys; from pathlib import Path; from demo import hosts\n"
        "host = hosts.Host('web-01', Path(sys.argv[1]), 'apt'); agent = hosts.Agent(host, Path(sys.argv[2]))\n"
        "agent.start(); print(agent.pid, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(world.host.root), str(world.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())

        parent.kill()

    wait_until(lambda: not is_alive(pid))


def test_journal__torn_last_line__is_as_if_never_written(world: World, server: Server):
    server.offer(*STEPS)
    crash = crash_when(world, "journal:begin:after")
    whole = (world.home / "journal.jsonl").read_bytes()
    (world.home / "journal.jsonl").write_bytes(whole + b'{"entry":"report","hostTaskId":1,"att')

    world.once()

    assert crash
    assert server.reasons() == ["done"] * 4
    assert world.lines("effects") == ["before", "after"]


def test_journal__damaged_in_the_middle__nothing_runs(world: World, server: Server):
    server.offer(*STEPS)
    crash_when(world, "journal:begin:after")
    path = world.home / "journal.jsonl"
    path.write_bytes(b'{"entry":"rep\n' + path.read_bytes())

    with pytest.raises(JournalDamaged):
        world.once()

    assert world.lines("effects") == []


def test_journal__task_over__keeps_only_its_number(world: World, server: Server):
    server.offer(*STEPS)

    world.once()

    lines = [json.loads(line) for line in (world.home / "journal.jsonl").read_text().splitlines()]
    assert [(line["entry"], line["hostTaskId"], line["attempt"]) for line in lines] == [("known", 1, 1)]
    assert list((world.home / "work").iterdir()) == []
    journal = Journal(world.home / "journal.jsonl")
    assert (journal.tasks, journal.highest_attempt(1)) == ([], 1)
    journal.close()


def crash_when(world: World, name: str) -> bool:
    def checkpoint(reached: str) -> None:
        if reached == name and threading.current_thread() is threading.main_thread():
            raise Crash(name)

    with pytest.raises(Crash):
        world.once(checkpoint=checkpoint)
    return True
