"""Children in jobs of their own.

The gate: the child is made with its thread standing still, and goes on once the journal holds its process id. Until
then its job is killed with us. Afterwards it is not: an installer that outlives us must not be cut off in the middle.
"""

import ctypes
import subprocess
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hostagent.platforms.children import Child
from hostagent.platforms.windows.boots import boot_id
from hostagent.platforms.windows.calls import check, kernel32, ntdll
from hostagent.platforms.windows.jobs import Job
from hostagent.platforms.windows.trees import Process, processes

__all__ = ["LINGERS", "adopted", "boot_id", "end", "end_all", "is_itself_running", "members_of", "start"]

# Seconds. Installers start the program that they have installed, or a helper that goes on for good.
LINGERS = 60.0

_SUSPENDED = 0x4
_TERMINATE, _ASK, _WAIT = 0x1, 0x1000, 0x100000
_STILL_RUNNING = 0x102
# The jobs of children of this life, as long as somebody here holds the process.
_jobs: dict[Child, Job] = {}


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdout: IO[bytes] | int,
    on_started: Callable[[Child], None],
    checkpoint: Callable[[str], None],
) -> "tuple[subprocess.Popen[bytes], Child]":
    """Start `command` in a job of its own; `on_started` must make the child durable before it returns.

    A command that is one text goes to Windows as it is.
    """
    checkpoint("child:before")
    process = subprocess.Popen(
        command[0] if len(command) == 1 else list(command),
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        creationflags=_SUSPENDED | subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
    )
    handle = int(process._handle)  # type: ignore[attr-defined]
    try:
        child = Child(pid=process.pid, started=_started(handle), boot_id=boot_id())
        job = Job.around(handle, _name(child))
        checkpoint("child:spawned")
        on_started(child)
    except BaseException:
        process.kill()
        raise
    _jobs[child] = job
    weakref.finalize(process, _let_go, child)
    # In this order: killed in between, it is killed with us before it has done anything.
    ntdll.NtResumeProcess(handle)
    job.outlive(handle)
    checkpoint("child:running")
    return process, child


def members_of(child: Child) -> list[int]:
    """The child, and all that it started, as far as it still runs."""
    if child.boot_id != boot_id():
        return []
    with _job_of(child) as job:
        if job:
            return job.members()
    return _descendants(child)


def is_itself_running(child: Child) -> bool:
    """Whether the child itself runs, whatever it has started."""
    return child.boot_id == boot_id() and _started_of(child.pid) == child.started


def end(child: Child, *, grace: float) -> None:
    """End the child with all that it started. Nothing here can be asked to end, so `grace` is not waited for."""
    if child.boot_id != boot_id():
        return
    deadline = time.monotonic() + max(grace, 10)
    while time.monotonic() < deadline:
        with _job_of(child) as job:
            if job:
                job.end()
        members = members_of(child)
        if not members:
            return
        for pid in members:
            _kill(pid)
        time.sleep(0.02)


def adopted() -> frozenset[Process]:
    """Nobody: Windows gives no process another parent."""
    return frozenset()


def end_all(child: Child, *, grace: float, adopted_before: frozenset[Process]) -> None:
    """The same as `end`: nothing leaves a job."""
    end(child, grace=grace)


@contextmanager
def _job_of(child: Child) -> Iterator[Job | None]:
    if child in _jobs:
        yield _jobs[child]
        return
    job = Job.find(_name(child))
    try:
        yield job
    finally:
        if job:
            job.close()


def _name(child: Child) -> str:
    return f"Global\\hostagent-{child.pid}-{child.started}"


def _let_go(child: Child) -> None:
    if job := _jobs.pop(child, None):
        job.close()


def _descendants(child: Child) -> list[int]:
    """By who started whom, where the job cannot be found any more: its process has ended, others of it may not have.

    Windows keeps the pid of a parent that is gone, so only those are missed whose parents' parents are gone, too.
    """
    everybody = list(processes())
    found = [child.pid] if _started_of(child.pid) == child.started else []
    parents = {child.pid}
    while parents:
        parents = {process.pid for process in everybody if _belongs(process, parents, child, found)}
        found += parents
    return found


def _belongs(process: Process, parents: set[int], child: Child, found: Sequence[int]) -> bool:
    if process.parent not in parents or process.pid in found:
        return False
    started = _started_of(process.pid)
    return started is not None and started >= child.started


def _started_of(pid: int) -> int | None:
    """When the process was made; None where it has ended, or is none of our business."""
    handle = kernel32.OpenProcess(_ASK | _WAIT, False, pid)
    if not handle:
        return None
    try:
        running = kernel32.WaitForSingleObject(handle, 0) == _STILL_RUNNING
        return _started(handle) if running else None
    finally:
        kernel32.CloseHandle(handle)


def _started(handle: int) -> int:
    times = [ctypes.c_uint64() for _ in range(4)]
    check(kernel32.GetProcessTimes(handle, *(ctypes.byref(one) for one in times)))
    return times[0].value


def _kill(pid: int) -> None:
    handle = kernel32.OpenProcess(_TERMINATE, False, pid)
    if handle:
        kernel32.TerminateProcess(handle, 1)
        kernel32.CloseHandle(handle)
