"""All processes that a child of ours started, those among them that left its session.

Three traces, of which a process may hide two: the session that it was started in, the mark in its environment, which
descendants inherit, and its parents. An orphan's parent is lost, so this program adopts them: prctl(2),
PR_SET_CHILD_SUBREAPER. Only who clears its environment in a session of its own, and outlives this program, gets away.
"""

import ctypes
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "HOSTAGENT_CHILD"
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Process:
    """One of /proc/<pid>/stat. `started` tells it from a later one with the same number."""

    pid: int
    state: str
    parent: int
    session: int
    started: int

    @property
    def is_dead(self) -> bool:
        """Whether it only waits to be taken notice of."""
        return self.state in "ZX"


def adopt_orphans() -> None:
    """From now on, who loses its parent below us becomes our child. Without effect where the kernel cannot."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process(pid: int) -> Process | None:
    """What /proc says of it; None when it is gone."""
    try:
        # The fields after the command's name, which may itself hold blanks and brackets (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return Process(pid, fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19]))
    except (OSError, IndexError, ValueError):
        return None


def processes() -> Mapping[int, Process]:
    """All that there are."""
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - names alone, 10 times as fast
    return {one.pid: one for pid in pids if (one := process(pid))}


def ours() -> frozenset[Process]:
    """Our children, and whom we have adopted."""
    return frozenset(one for one in processes().values() if one.parent == os.getpid())


def family(*, session: int, mark: str, adopted_before: Iterable[Process]) -> list[int]:
    """Who lives of the child's session, carries its mark, was adopted since, or descends from one of these."""
    known = processes()
    spared = {(one.pid, one.started) for one in adopted_before}
    found = {
        one.pid
        for one in known.values()
        if one.session == session
        or (one.parent == os.getpid() and (one.pid, one.started) not in spared)
        or (mark and _carries(one.pid, mark))
    }
    while more := {one.pid for one in known.values() if one.parent in found} - found:
        found |= more
    # Parents first: a shell that lives to see its child killed would say so.
    return sorted(pid for pid in found if not known[pid].is_dead and pid != os.getpid())


def bury() -> None:
    """Take notice of adopted processes that have ended. Those that we started are waited for by who did."""
    if sys.platform == "win32":
        return
    session = os.getsid(0)
    for one in ours():
        if one.is_dead and one.session not in (session, one.pid):
            with suppress(ChildProcessError):
                os.waitpid(one.pid, os.WNOHANG)


def _carries(pid: int, mark: str) -> bool:
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
