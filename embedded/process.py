"""Starting a process under a guard."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from embedded.files import ROOT

GUARD = Path(__file__).with_name("guard.py")
LOG_LIMIT = 10_000_000  # bytes; a longer log is put aside at the next start


@dataclass
class Guarded:
    """A running command: ``pid`` is its own, ``guard`` the process in front of it."""

    name: str
    pid: int
    guard: subprocess.Popen[bytes]

    def ended(self) -> int | None:
        """The exit code (128 + signal for a killed one), or None while it runs."""
        return self.guard.poll()

    def stop(self) -> None:
        """Ask it to end; do not wait."""
        if self.ended() is None:
            self.guard.terminate()

    def wait(self, *, seconds: float) -> int | None:
        """Its exit code, or None if it still runs after so long."""
        try:
            return self.guard.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


def start(
    *,
    name: str,
    command: Sequence[str],
    log: Path,
    env: Mapping[str, str],
    stop_signal: signal.Signals = signal.SIGTERM,
    grace: float = 6.0,
    hold: Sequence[int] = (),
) -> Guarded:
    """Start a command that lives no longer than the calling thread.

    :param log: its output is appended there.
    :param grace: seconds between ``stop_signal`` and SIGKILL.
    :param hold: descriptors of locks that stay held until the command and all its descendants are gone.
    """
    status, status_end = os.pipe()
    try:
        guard = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(GUARD)),
                *(str(os.getpid()), str(int(stop_signal)), str(grace), str(status_end)),
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=(output := open_log(log)),
            stderr=output,
            env=dict(env),
            cwd=ROOT,
            pass_fds=(status_end, *hold),
            # Ctrl-C in the terminal reaches the supervisor alone, which then stops everything in order.
            start_new_session=True,
        )
        output.close()
    finally:
        os.close(status_end)
    with os.fdopen(status) as stream:
        pid = stream.readline().strip()
    return Guarded(name=name, pid=int(pid or guard.pid), guard=guard)


def open_log(path: Path) -> BinaryIO:
    """The log file, opened to append, private; one that grew too long is renamed first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def tail(path: Path, *, lines: int = 15) -> str:
    """The end of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        # No /proc here (macOS), or the process ended just now.
        return not Path("/proc/self").exists()
