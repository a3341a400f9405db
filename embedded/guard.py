"""A small process between a supervisor and its child: nothing the child ever forked outlives the supervisor.

Run by path, not imported (see ``process.start``), with the standard library alone and Python's -I -S, so that it costs
some ten milliseconds. It starts the command in a session of its own, and then

- when it is told to stop (SIGTERM), or its parent dies (PR_SET_PDEATHSIG), it sends the child its stop signal, and
  SIGKILL when the time of grace is over; a second SIGTERM means at once;
- when the child ends, however it ends, it kills whatever the child left behind: orphans are handed to the guard
  (PR_SET_CHILD_SUBREAPER), also those that made a session of their own;
- when the guard itself is killed, the child dies too, and its orphans go to the guard's nearest living subreaper.

Usage: guard.py PARENT_PID STOP_SIGNAL GRACE_SECONDS STATUS_FD COMMAND...
The child's pid is written to STATUS_FD. Any other inherited descriptor (a lock) stays open here, and is closed in the
child. The guard's exit code is the child's, or 128 + its signal.
"""

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere the guard still notices a dead parent, by looking once a second."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Guard:
    """One child, and everything that comes from it."""

    def __init__(self, *, parent: int, stop_signal: int, grace: float) -> None:
        self.parent = parent
        self.stop_signal = stop_signal
        self.grace = grace
        self.asked = 0
        self.child = 0
        self.status: int | None = None
        self.wake, self.waker = os.pipe()

    def watch_signals(self) -> None:
        """Count requests to stop; any signal, also of a dead child, ends the sleep in ``run``."""
        os.set_blocking(self.wake, False)
        os.set_blocking(self.waker, False)
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self.on_stop)
        signal.signal(signal.SIGINT, self.on_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        prctl(PR_SET_CHILD_SUBREAPER, 1)

    def on_stop(self, *_: object) -> None:
        self.asked += 1

    def start(self, command: list[str]) -> None:
        """Fork and become the command in the child."""
        self.child = os.fork()
        if self.child == 0:
            become(command)

    def run(self) -> int:
        """Watch until the child has ended; its exit code."""
        kill_at: float | None = None
        while self.status is None:
            if kill_at is None and (self.asked or os.getppid() != self.parent):
                self.send(self.stop_signal)
                kill_at = time.monotonic() + self.grace
            if self.asked > 1 or (kill_at is not None and time.monotonic() > kill_at):
                self.send(signal.SIGKILL)
            select.select([self.wake], [], [], 1.0 if kill_at is None else 0.1)
            with suppress(BlockingIOError):
                os.read(self.wake, 4096)
            self.reap()
        self.kill_what_is_left()
        return os.waitstatus_to_exitcode(self.status) if os.WIFEXITED(self.status) else 128 + os.WTERMSIG(self.status)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.child, number)

    def reap(self) -> bool:
        """Collect what has ended; False when there is no child left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.child:
                self.status = status

    def kill_what_is_left(self) -> None:
        """Kill the child's group and then, generation by generation, whoever was handed to us."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.child, signal.SIGKILL)
        while self.reap():
            for pid in children_of(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def children_of(parent: int) -> list[int]:
    """The pids whose parent is this process, from /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in brackets may hold blanks and brackets: read after the last one.
            if int(entry.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.parent.name))
    return found


def become(command: list[str]) -> NoReturn:
    """In the forked child: a session of its own, the default signals, no stray descriptors, then the command."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.closerange(3, 256)
        os.execvp(command[0], command)  # noqa: S606  no shell is wanted
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def main(arguments: list[str]) -> int:
    """Guard one command until it ends."""
    parent, stop_signal, grace, status_fd = int(arguments[0]), int(arguments[1]), float(arguments[2]), int(arguments[3])
    guard = Guard(parent=parent, stop_signal=stop_signal, grace=grace)
    guard.watch_signals()
    guard.start(arguments[4:])
    os.write(status_fd, f"{guard.child}\n".encode())
    os.close(status_fd)
    return guard.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
