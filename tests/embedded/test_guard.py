"""Nothing that a guarded process starts outlives the process that asked for it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedded import process
from embedded.files import ROOT
from tests.embedded.tools import all_gone, wait_until

# Starts a grandchild in its own session that ignores SIGTERM, writes down both pids, and waits.
FAMILY = """
import os, signal, subprocess, sys, time
child = subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], start_new_session=True)
with open(sys.argv[1], "w") as stream:
    stream.write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from embedded import process
process.start(name="family", command=sys.argv[2:], log=Path(sys.argv[1]), env=os.environ, grace=0.3)
time.sleep(600)
"""


def family(written: Path) -> list[str]:
    return [sys.executable, "-c", FAMILY, str(written)]


def start(tmp_path: Path, *command: str, **options) -> process.Guarded:
    return process.start(name="x", command=command, log=tmp_path / "x.log", env=os.environ, **options)


def pids_in(written: Path) -> list[int]:
    wait_until(lambda: written.exists() and written.read_text().endswith("\n"))
    return [int(pid) for pid in written.read_text().split()]


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_guard__child_ends__its_code_comes_through(tmp_path, script, code):
    guarded = start(tmp_path, "sh", "-c", script)

    assert guarded.wait(seconds=10) == code


def test_guard__unknown_command__says_so_in_the_log(tmp_path):
    guarded = start(tmp_path, "no-such-command")

    assert guarded.wait(seconds=10) == 127
    assert "no-such-command" in (tmp_path / "x.log").read_text()


def test_guard__parent_killed__whole_family_dies(tmp_path):
    written = tmp_path / "pids"
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log"), *family(written)]
    parent = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    pids = pids_in(written)

    parent.kill()
    parent.wait()

    wait_until(lambda: all_gone(pids))


def test_guard__child_killed__grandchildren_die(tmp_path):
    written = tmp_path / "pids"
    guarded = start(tmp_path, *family(written))
    pids = pids_in(written)

    os.kill(guarded.pid, signal.SIGKILL)

    assert guarded.wait(seconds=10) == 137
    assert all_gone(pids)


def test_guard__stop_ignored__killed_after_the_grace(tmp_path):
    guarded = start(tmp_path, "sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.1; done", grace=0.5)
    wait_until(lambda: "on" in (tmp_path / "x.log").read_text())
    began = time.monotonic()

    guarded.stop()

    assert guarded.wait(seconds=10) == 137
    assert 0.4 < time.monotonic() - began < 5


def test_guard__stop__sends_the_signal_it_was_told(tmp_path):
    guarded = start(
        tmp_path,
        *("sh", "-c", "trap 'exit 5' INT; echo on; while :; do sleep 0.1; done"),
        stop_signal=signal.SIGINT,
    )
    wait_until(lambda: "on" in (tmp_path / "x.log").read_text())

    guarded.stop()

    assert guarded.wait(seconds=10) == 5
