"""Install Software: it happens once, of the right file, and is believed only when it shows."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from demo import hosts
from demo.repositories import Build
from hostagent.clock import Clock
from tests.hostagent.conftest import World, is_alive, restore
from tests.hostagent.files import Files, serving
from tests.hostagent.server import Server, install_step, reboot_step, scan_step, script_step
from tests.hostagent.test_crashes import Crash, CrashAt
from tests.hostagent.test_reboots import lives, pending_of, restarts

Make = Callable[..., World]
KINDS = pytest.mark.parametrize("kind", ["apt", "dnf", "zypper"])
PROGRAM = b"#!/bin/sh\necho installing; echo program >> $PATCH_ROOT/effects; touch $PATCH_ROOT/there\n"
THERE = "test -e $PATCH_ROOT/there"
COPY = (
    "cat $PACKAGE_FILE > $PATCH_ROOT/there;"
    'echo "script $(basename $PACKAGE_FILE) in $(basename $(pwd))" >> $PATCH_ROOT/effects'
)


@pytest.fixture
def files() -> Iterator[Files]:
    with serving(PROGRAM) as files:
        yield files


def step(files: Files, number: int = 1, *, name: str = "tool.run", **options: Any) -> dict[str, Any]:
    return install_step(number, f"{files.url}/files/{name}?build=7", files.sha256, **options)


def package_of(world: World, kind: str, name: str = "acme-tool", **build: Any) -> bytes:
    """A package file of a program that no source offers any more."""
    world.repository.publish(Build(name, "1.0", **build))
    suffix = "deb" if kind == "apt" else "rpm"
    (path,) = world.repository.folder.rglob(f"{name}[_-]1.0*.{suffix}")
    content = path.read_bytes()
    path.unlink()
    return bytes(content)


def leftovers(world: World) -> list[str]:
    return [path.name for path in (world.home / "work").iterdir() if not path.name.endswith((".out", ".head"))]


# --- by a script ------------------------------------------------------------------------------------------------------


def test_script__file_is_fetched__runs_in_its_folder_with_its_path(world: World, server: Server, files: Files):
    server.offer(step(files, by_script=True, script=COPY), scan_step(2))

    world.once()

    assert server.reasons() == ["done", "done"]
    assert (world.host.root / "there").read_bytes() == PROGRAM
    assert world.lines("effects") == ["script tool.run in 1-1-1.files"]
    assert leftovers(world) == []


def test_script__fails__fails_with_its_exit_code(world: World, server: Server, files: Files):
    server.offer(step(files, by_script=True, script="echo no; exit 7"), script_step(2, "exit 0"))

    world.once()

    end = server.ends()[1]
    assert (end["reason"], end["exitCode"], end["output"]) == ("nonzero_exit", 7, "no\n")
    assert server.reasons() == ["nonzero_exit", "earlier_step_failed"]
    assert leftovers(world) == []


def test_script__takes_too_long__is_ended(world: World, server: Server, files: Files):
    script = "echo $$ >> $PATCH_ROOT/pids; sleep 60"
    server.offer(step(files, by_script=True, script=script, timeout=1))

    world.once()

    assert server.reasons() == ["timed_out"]
    assert not is_alive(int(world.lines("pids")[0]))


@pytest.mark.parametrize("code", [194, 3010])
def test_script__wants_a_restart__is_done_and_restarts_at_the_end(
    world: World, server: Server, files: Files, code: int
):
    server.offer(step(files, by_script=True, script=f"exit {code}"), scan_step(2))

    lives(world)

    assert (server.reasons(), restarts(world), pending_of(server)) == (["done", "done"], 1, [False])


def test_script__wanted_a_restart_that_came_as_an_action__does_not_restart_again(
    world: World, server: Server, files: Files
):
    server.offer(step(files, by_script=True, script="exit 194"), reboot_step(2), scan_step(3))

    lives(world)

    assert (server.reasons(), restarts(world), pending_of(server)) == (["done", "done", "done"], 1, [False])


# --- detection --------------------------------------------------------------------------------------------------------


def test_detection__finds_it__nothing_is_fetched(world: World, server: Server, files: Files):
    server.offer(step(files, detection="echo version 3; exit 0"))

    world.once()

    end = server.ends()[1]
    assert (end["state"], end["reason"], end["output"]) == ("succeeded", "already_installed", "version 3\n")
    assert (files.requests, world.lines("effects")) == ([], [])


def test_detection__finds_it_afterwards__is_done(world: World, server: Server, files: Files):
    server.offer(step(files, detection=THERE))

    world.once()

    end = server.ends()[1]
    assert (end["reason"], end["exitCode"], end["output"]) == ("done", 0, "installing\n")
    assert world.lines("effects") == ["program"]


def test_detection__does_not_find_it_afterwards__is_not_believed(world: World, server: Server, files: Files):
    server.offer(step(files, detection="echo looking; exit 1"))

    world.once()

    end = server.ends()[1]
    assert (end["state"], end["reason"], end["exitCode"]) == ("failed", "not_detected", 0)
    assert end["output"] == "installing\nlooking\n"


def test_detection__takes_too_long__nothing_is_installed(world: World, server: Server, files: Files):
    server.offer(step(files, detection="sleep 60", timeout=1))

    world.once()

    assert (server.reasons(), files.requests, world.lines("effects")) == (["timed_out"], [], [])


# --- the file ---------------------------------------------------------------------------------------------------------


def test_file__another_digest__is_not_started(world: World, server: Server, files: Files):
    server.offer(install_step(1, f"{files.url}/tool.run", "0" * 64), scan_step(2))

    world.once()

    assert (server.reasons(), world.lines("effects")) == (["bad_file_digest", "done"], [])
    assert leftovers(world) == []


def test_file__cannot_be_fetched__fails(world: World, server: Server, files: Files):
    files.instead = [(403, "")]
    server.offer(step(files))

    world.once()

    assert server.reasons() == ["download_failed"]
    assert "HTTP 403" in server.ends()[1]["output"]


@pytest.mark.parametrize("name", ["..%2f..%2fescaped", "-rf", ".hidden", "a%20b;c.run", ""])
def test_file__whatever_its_address__stays_in_its_folder(world: World, server: Server, files: Files, name: str):
    server.offer(step(files, name=name, by_script=True, script='basename "$PACKAGE_FILE"; ls -A'))

    world.once()

    shown, *there = server.ends()[1]["output"].split("\n")[:-1]
    assert there == [shown]
    assert shown[0] not in ".-"


def test_file__agent_is_to_end_while_it_comes__is_gone_on_with_in_the_next_life(
    world: World, server: Server, files: Files
):
    stop = Event()

    class Stopping(Clock):
        def wait(self, event: Event, seconds: float) -> bool:
            if event is stop:
                stop.set()
            return super().wait(event, seconds)

    files.breaks = [20]
    server.offer(step(files), scan_step(2))
    world.once(stop=stop, clock=Stopping())
    meanwhile = server.kinds()

    world.once()

    assert meanwhile == ["accepted", "step_started"]
    assert (server.reasons(), world.lines("effects")) == (["done", "done"], ["program"])
    assert files.requests == [None, "bytes=20-"]


def test_file__no_address_to_call__is_refused(world: World, server: Server):
    server.offer(install_step(1, "http://files.example/tool.run", "0" * 64))

    world.once()

    assert server.reasons() == ["download_failed"]


def test_type__of_another_platform__is_unsupported(world: World, server: Server, files: Files):
    made = step(files, detection="exit 1")
    made["install"]["detection"]["scriptType"] = "ps"
    server.offer(made, {**step(files, 2, by_script=True)})

    world.once()

    assert server.reasons() == ["unsupported", "earlier_step_failed"]
    assert files.requests == []


# --- package files ----------------------------------------------------------------------------------------------------


@KINDS
def test_package__installs_and_is_followed_by_its_script(make_world: Make, server: Server, kind: str):
    world = make_world(kind)
    with serving(package_of(world, kind)) as files:
        server.offer(step(files, name="download", script="cat opt/acme/history; " + COPY), scan_step(2))

        world.once()

    assert server.reasons() == ["done", "done"]
    assert (world.version("acme-tool"), world.ledger()) == ("1.0", ["configured acme-tool 1.0"])
    assert len(world.lines("effects")) == 1


def test_package__its_own_script_fails__fails(make_world: Make, server: Server):
    world = make_world("apt", legacy=True)
    with serving(package_of(world, "apt", refuses_legacy=True)) as files:
        server.offer(step(files))

        world.once()

    assert server.reasons() == ["package_manager_failed"]
    assert "cannot migrate" in server.ends()[1]["output"]
    assert hosts.package_state(world.host, "acme-tool") == "half-configured"


def test_package__of_another_package_manager__is_run_as_a_program_and_fails(make_world: Make, server: Server):
    world = make_world("apt")
    with serving(b"\xed\xab\xee\xdb\x03\x00") as files:
        server.offer(step(files, name="tool.rpm"))

        world.once()

    assert server.reasons() == ["nonzero_exit"]


# --- crashes ----------------------------------------------------------------------------------------------------------


class CrashInStep(CrashAt):
    """Passes over what is only told, and over what comes before and after the step."""

    def __call__(self, name: str) -> None:
        if name.startswith(("journal:begin", "journal:child", "child:")):
            super().__call__(name)


# The crashed life leaves its child and its pipes to nobody, which is the point.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_program__crash_at_every_checkpoint__is_installed_once_and_told_as_it_is(
    world: World, server: Server, files: Files, tmp_path: Path
):
    saved = tmp_path / "saved"
    shutil.copytree(world.host.root, saved, symlinks=True)
    world.once()
    server.offer(step(files, detection=THERE, script=COPY))
    seen: list[tuple[str | None, str]] = []

    for number in range(1, 100):
        restore(world, saved)
        (world.home / "journal.jsonl").unlink(missing_ok=True)
        server.reports.clear()
        crash = CrashInStep(number)
        try:
            world.once(checkpoint=crash)
        except Crash:
            world.once()
        effects = [line.split()[0] for line in world.lines("effects")]
        (reason,) = server.reasons()
        seen.append((crash.name, reason))
        assert effects in ([], ["program"], ["program", "script"]), seen
        assert reason in ("done", "interrupted"), seen
        if reason == "done":
            assert effects == ["program", "script"], seen
        if crash.name is None:
            break

    assert seen[-1] == (None, "done")
    reasons = [reason for _, reason in seen]
    assert reasons.count("interrupted") < len(reasons) / 2
    assert {"journal:begin:after", "child:running", "child:ended"} <= {name for name, _ in seen}
    assert leftovers(world) == []


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("checkpoint", ["journal:child:after", "child:running", "child:ended"])
def test_package__crash_while_it_is_installed__is_let_finish_and_looked_for(
    make_world: Make, server: Server, checkpoint: str
):
    world = make_world("apt")
    with serving(package_of(world, "apt", seconds=0.5)) as files:
        server.offer(step(files, script="echo after >> $PATCH_ROOT/effects"))
        crash = CrashAtNamed(checkpoint)
        with pytest.raises(Crash):
            world.once(checkpoint=crash)

        world.once()

    assert (server.reasons(), world.ledger()) == (["done"], ["configured acme-tool 1.0"])
    assert world.lines("effects") == ["after"]


class CrashAtNamed(CrashAt):
    def __init__(self, wanted: str) -> None:
        super().__init__(0)
        self.wanted = wanted

    def __call__(self, name: str) -> None:
        if name == self.wanted:
            raise Crash(name)
