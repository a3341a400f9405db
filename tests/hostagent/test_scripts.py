"""Scripts: their end, their time, and what they print."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hostagent import output
from hostagent.clock import Clock
from hostagent.errors import DiskFull
from hostagent.host import Host
from hostagent.journal import Journal, no_checkpoint, read
from hostagent.notes import Notes
from hostagent.operations import Operations
from hostagent.providers.apt import Apt
from hostagent.reserve import Reserve
from tests.hostagent.conftest import World, is_alive, wait_until
from tests.hostagent.server import Server, scan_step, script_step


def test_script__in_a_rooted_host__knows_its_root_and_nothing_of_ours(
    world: World, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET", "of the agent")
    server.offer(script_step(1, 'echo "$PATCH_ROOT|$DPKG_ROOT|$(pwd)|$SECRET|$(wc -c)"'))

    world.once()

    root = str(world.host.root)
    assert server.ends()[1]["output"] == f"{root}|{root}|{root}||0\n"


def test_script__timeout__ends_its_whole_session(world: World, server: Server):
    script = """
    trap '' TERM
    ( ( trap '' TERM; echo $(exec sh -c 'echo $PPID') >> $PATCH_ROOT/pids; while :; do sleep 30; done ) & ) &
    sleep 0.3; echo $$ >> $PATCH_ROOT/pids; echo waiting; while :; do sleep 30; done
    """
    server.offer(script_step(1, script, timeout=1))
    began = time.monotonic()

    world.once()

    assert time.monotonic() - began < 10
    end = server.ends()[1]
    assert (end["state"], end["reason"], end["output"]) == ("failed", "timed_out", "waiting\n")
    pids = world.lines("pids")
    assert len(pids) == 2
    assert not [pid for pid in pids if is_alive(int(pid))]


def test_script__leaves_a_daemon_with_the_pipe__is_not_waited_for(world: World, server: Server):
    server.offer(script_step(1, "echo started; sleep 5 & exit 0", stage="post"))
    began = time.monotonic()

    world.once()

    assert time.monotonic() - began < 4
    assert (server.reasons(), server.ends()[1]["output"]) == (["done"], "started\n")


def test_script__prints_for_ever__is_kept_short(world: World, server: Server):
    server.offer(script_step(1, "echo first; head -c 30000000 /dev/zero | tr '\\0' 'x'; echo; echo last", stage="post"))

    world.once()

    end = server.ends()[1]
    assert end["outputCut"] is True
    assert len(end["output"].encode()) <= 64 * 1024
    assert end["output"].startswith("first\n")
    assert end["output"].endswith("x\nlast\n")


def test_script__prints_bytes_that_are_no_text__are_replaced(world: World, server: Server):
    server.offer(script_step(1, r"printf 'a\000b\377c'"))

    world.once()

    assert (server.ends()[1]["output"], server.ends()[1]["outputCut"]) == ("ab�c", False)


@pytest.mark.parametrize("size", [0, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("byte", [b"x", b"\xff"])
def test_bounded__any_size__never_exceeds_64_kib(size: int, byte: bytes):
    kept = output.Bounded()
    for start in range(0, size, 1000):
        kept.feed(byte * min(1000, size - start))

    text, cut = kept.text()

    assert len(text.encode()) <= output.LIMIT
    assert cut or len(text) == size


def test_script__leaves_its_session_and_outlives_its_timeout__is_ended_all_the_same(world: World, server: Server):
    script = """
    setsid sh -c 'trap "" TERM; echo $$ >> $PATCH_ROOT/pids; setsid sleep 61 & echo $! >> $PATCH_ROOT/pids; sleep 61' &
    sleep 0.3; echo $$ >> $PATCH_ROOT/pids; sleep 60
    """
    server.offer(script_step(1, script, timeout=1))

    world.once()

    assert server.reasons() == ["timed_out"]
    pids = world.lines("pids")
    assert len(pids) == 3
    assert not [pid for pid in pids if is_alive(int(pid))]


def test_script__hides_from_its_environment_too__is_ended_all_the_same(world: World, server: Server):
    """Started anew with an empty environment, in a session of its own, by a parent that is gone."""
    hidden = 'echo $$ >> "$1"; exec sleep 61'
    script = f"""
    (setsid env -i /bin/sh -c '{hidden}' hidden $PATCH_ROOT/pids & ) ; sleep 60
    """
    server.offer(script_step(1, script, timeout=1))
    agent = world.process()

    agent.run_once()

    (pid,) = world.lines("pids")
    assert server.reasons() == ["timed_out"]
    assert not is_alive(int(pid))


def test_script__daemon_of_an_earlier_one__outlives_the_timeout_of_a_later_one(world: World, server: Server):
    daemon = "setsid env -i sleep 30 & echo $! > $PATCH_ROOT/pid; exit 0"
    server.offer(script_step(1, daemon), script_step(2, "sleep 60", timeout=1, stage="post"))
    agent = world.process()

    agent.run_once()

    pid = int(world.lines("pid")[0])
    assert server.reasons() == ["done", "timed_out"]
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_script__agent_killed_while_it_runs__is_ended_wherever_it_went(world: World, server: Server):
    script = "setsid sh -c 'echo $$ > $PATCH_ROOT/pid; exec sleep 61' & sleep 60"
    server.offer(script_step(1, script))
    agent = world.process()
    agent.start()
    wait_until(lambda: world.lines("pid"))
    agent.kill()
    survived = is_alive(int(world.lines("pid")[0]))

    world.once()

    assert survived
    assert server.reasons() == ["interrupted"]
    assert not is_alive(int(world.lines("pid")[0]))


def test_script__prints_a_gibibyte__costs_neither_memory_nor_disk(world: World, server: Server):
    server.offer(script_step(1, "echo first; head -c 1073741824 /dev/zero; echo last", timeout=120))
    agent = world.process()
    agent.start()
    wait_until(lambda: server.kinds()[-1:] == ["finished"], 120)
    peak = next(line for line in Path(f"/proc/{agent.pid}/status").read_text().splitlines() if "VmHWM" in line)
    agent.stop()

    end = server.ends()[1]
    assert (end["reason"], end["outputCut"]) == ("done", True)
    assert end["output"].startswith("first\n")
    assert end["output"].endswith("last\n")
    assert int(peak.split()[1]) < 150_000, peak
    assert sum(path.stat().st_size for path in world.home.rglob("*") if path.is_file()) < 6_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_script__fills_the_disk__is_told_and_the_agent_goes_on(world: World, server: Server, small_disk: Path):
    world.home = small_disk / "agent"
    world.enrol()
    fill = f"cat /dev/zero > {small_disk}/fill || echo full"
    server.offer(script_step(1, fill), script_step(2, "exit 0", stage="post"), scan_step(3))
    agent = world.process()
    agent.start()
    wait_until(lambda: server.kinds()[-1:] == ["finished"], 60)
    server.offer(script_step(1, "echo still here"), hostTaskId=2)
    wait_until(lambda: server.kinds(2)[-1:] == ["finished"], 60)
    (small_disk / "fill").unlink()
    server.offer(script_step(1, "echo room again"), hostTaskId=3)

    wait_until(lambda: server.kinds(3)[-1:] == ["finished"], 60)

    assert agent.pid
    agent.stop()
    assert server.reasons()[0] in ("done", "nonzero_exit")
    assert "full" in server.ends()[1]["output"]
    assert server.reasons()[2] == "done"
    assert server.reasons(2)[0] in ("done", "disk_full")
    assert server.reasons(3) == ["done"]
    assert "fault of its own" not in agent.log.read_text()


def test_script__no_room_for_it__fails_as_such(world: World, server: Server, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    server.offer(script_step(1, "exit 0"))

    world.once()

    end = server.ends()[1]
    assert (end["state"], end["reason"]) == ("failed", "disk_full")
    assert "No space left" in end["output"]


def test_journal__no_room_for_a_line__is_as_if_never_written(tmp_path: Path, small_disk: Path, server: Server):
    journal = Journal(small_disk / "journal.jsonl")
    task = journal.file(server.envelope(script_step(1, "exit 0")))
    with pytest.raises(DiskFull):
        journal.report(task, at=datetime.now(UTC), kind="accepted", padding="x" * 13_000_000)

    journal.report(task, at=datetime.now(UTC), kind="accepted")
    journal.close()

    (found,) = read(small_disk / "journal.jsonl").tasks.values()
    assert [report["kind"] for report in found.reports] == ["accepted"]


def test_journal__reserve__makes_room_for_what_must_be_noted(small_disk: Path, server: Server):
    reserve = Reserve(small_disk / "reserve")
    reserve.keep()
    journal = Journal(small_disk / "journal.jsonl", reserve=reserve)
    task = journal.file(server.envelope(script_step(1, "exit 0")))
    subprocess.run(["sh", "-c", f"cat /dev/zero > {small_disk}/fill"], check=False, capture_output=True)

    journal.report(task, at=datetime.now(UTC), kind="accepted", padding="x" * 100_000)

    journal.close()
    assert not (small_disk / "reserve").exists()
    assert [len(task.reports) for task in read(small_disk / "journal.jsonl").tasks.values()] == [1]


def test_operation__prints_without_end__costs_no_disk_and_keeps_head_and_tail(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hostagent.operations._MOST_PRINTED", 1_000_000)
    journal = Journal(tmp_path / "journal.jsonl")
    task = journal.file(server.envelope(script_step(1, "exit 0")))
    notes = Notes(journal, task, 1, no_checkpoint)
    sizes = []

    class Looking(Clock):
        def monotonic(self) -> float:
            sizes.extend(path.stat().st_size for path in tmp_path.glob("*.out"))
            return super().monotonic()

    operations = Operations(Host(tmp_path), tmp_path, Looking())
    printing = "echo first; for i in 1 2 3; do head -c 3000000 /dev/zero | tr '\\0' x; sleep 0.7; done; echo; echo last"

    exit_code = operations.run(["/bin/sh", "-c", printing], Apt(Host(tmp_path)), notes)

    text, cut = operations.printed(notes)
    journal.close()
    assert (exit_code, cut) == (0, True)
    assert text.startswith("first\n")
    assert text.endswith("\nlast\n")
    assert len(text.encode()) <= output.LIMIT
    # Looked at right before each shortening: never all of it.
    assert max(sizes) < 6_500_000
    assert max(sizes) > 1_000_000
