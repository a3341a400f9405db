"""Children that have effects: started behind a gate, in a session of their own, ended as a whole.

The gate: the child waits for one line on its standard input before it becomes the real command. The line is sent once
the journal holds the child's process id. If we die before, the child reads the end of file and leaves without effect.
So after a crash either the journal names the process, or nothing has happened.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO
from uuid import uuid4

from hostagent import families
from hostagent.families import Process
from hostagent.platforms.children import Child

LINGERS = float("inf")
_GATE = 'read -r go || exit 125; exec "$@" </dev/null'
_STAT_STATE, _STAT_SESSION, _STAT_STARTED = 0, 3, 19


def boot_id() -> str:
    """Changes with every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdout: IO[bytes] | int,
    on_started: Callable[[Child], None],
    checkpoint: Callable[[str], None],
) -> "tuple[subprocess.Popen[bytes], Child]":
    """Start `command` as a session of its own; `on_started` must make the child durable before it returns."""
    checkpoint("child:before")
    mark = uuid4().hex
    process = subprocess.Popen(
        ["/bin/sh", "-c", _GATE, "gate", *command],
        env=dict(env) | {families.MARK: mark},
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    gate = process.stdin
    if gate is None:
        raise AssertionError("the child has a pipe for its input")
    # Closing without the line sends the child away, whatever made us leave.
    with gate:
        checkpoint("child:spawned")
        child = Child(pid=process.pid, started=_stat(process.pid)[_STAT_STARTED], boot_id=boot_id(), mark=mark)
        on_started(child)
        gate.write(b"go\n")
        gate.flush()
    checkpoint("child:running")
    return process, child


def is_itself_running(child: Child) -> bool:
    """Whether the session goes on. All of it is waited for: what is to stay here begins a session of its own."""
    return bool(members_of(child))


def end(child: Child, *, grace: float) -> None:
    """End the child's session: asked first, then forced after `grace` seconds. Returns when nothing is left."""
    _end(lambda: members_of(child), grace)


def adopted() -> frozenset[Process]:
    """Whom we have adopted, and our children: for `end_all`, taken before the child is started."""
    families.bury()
    return families.ours()


def end_all(child: Child, *, grace: float, adopted_before: frozenset[Process]) -> None:
    """The same of all that the child started, wherever it went."""
    if child.boot_id == boot_id():
        _end(lambda: families.family(session=child.pid, mark=child.mark, adopted_before=adopted_before), grace)
    families.bury()


def _end(members_now: Callable[[], list[int]], grace: float) -> None:
    """Real time on purpose: these are other people's processes, which do not know our clock."""
    _signal(members_now(), signal.SIGTERM)
    deadline = time.monotonic() + grace
    while (members := members_now()) and time.monotonic() < deadline:
        time.sleep(0.02)
    # A process may fork while we look, so look again until there is nobody.
    deadline = time.monotonic() + 10
    while members and time.monotonic() < deadline:
        _signal(members, signal.SIGKILL)
        time.sleep(0.02)
        members = members_now()


def members_of(child: Child) -> list[int]:
    """The processes of the child's session that still run."""
    if child.boot_id != boot_id():
        return []
    try:
        if _stat(child.pid)[_STAT_STARTED] != child.started:
            return []
    except (OSError, ValueError):
        # The leader is gone. Its pid stays reserved while its session has members, so those are still the child's.
        pass
    return [pid for pid in _all_pids() if _belongs(pid, child.pid)]


def _all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names alone, 10 times as fast


def _belongs(pid: int, session: int) -> bool:
    try:
        fields = _stat(pid)
    except (OSError, ValueError):
        return False
    return fields[_STAT_SESSION] == session and fields[_STAT_STATE] not in (ord("Z"), ord("X"))


def _stat(pid: int) -> list[int]:
    """The fields of /proc/<pid>/stat after the command's name, which may itself hold blanks and brackets (proc(5))."""
    state, *numbers = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return [ord(state), *map(int, numbers)]


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
