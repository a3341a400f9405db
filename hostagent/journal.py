"""journal.jsonl: what this agent was told, is about to do, and has done. On disk before it happens or is told.

One JSON object a line. Every line is applied to memory by the same code when it is written and when it is read again,
so a restarted agent knows exactly what the killed one knew.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO

from hostagent import manifest as manifests
from hostagent.clock import from_text, to_text
from hostagent.errors import DiskFull, JournalDamaged
from hostagent.files import is_full, sync_directory, write_atomically
from hostagent.reserve import Reserve
from hostagent.tasks import Task

Entry = dict[str, Any]
Key = tuple[int, int]

# How long after its deadline a task's number is remembered: longer than any clock here is likely to be wrong.
REMEMBER = timedelta(days=30)


def no_checkpoint(name: str) -> None:
    """Called with the name of each instant at which a crash would matter. Tests crash there; otherwise it is idle."""


class Journal:
    """The journal and what follows from it. Safe to use from several threads. Close it when done."""

    def __init__(
        self, path: Path, checkpoint: Callable[[str], None] = no_checkpoint, reserve: Reserve | None = None
    ) -> None:
        """Read `path`; a torn last line is cut off. JournalDamaged when any other line cannot be read.

        Where the disk is full, writing takes what `reserve` kept back, and after that it raises DiskFull: the line is
        as if never written.
        """
        self._reserve = reserve
        self._path = path
        self._checkpoint = checkpoint
        self._lock = RLock()
        self._memory = read(path)
        _cut_torn_line(path)
        self._broken = False
        self._file = self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def tasks(self) -> list[Task]:
        """All tasks not forgotten, in the order in which they came."""
        with self._lock:
            return list(self._memory.tasks.values())

    def find(self, host_task_id: int, attempt: int) -> Task | None:
        """The task, unless it was never here or is forgotten."""
        return self._memory.tasks.get((host_task_id, attempt))

    def highest_attempt(self, host_task_id: int) -> int:
        """The newest attempt that was ever filed here, also if forgotten; 0 when there was none."""
        return self._memory.known.get(host_task_id, (0, None))[0]

    def file(self, envelope: dict[str, Any]) -> Task:
        """Keep a verified manifest. Older attempts of the same host task are dropped: the server has given them up."""
        with self._lock:
            task = _task(envelope)
            for other in self.tasks:
                if other.identity.host_task_id == task.identity.host_task_id:
                    self.drop(other)
            self._write({"entry": "manifest", "envelope": envelope})
            return self._memory.tasks[_key(task)]

    def report(self, task: Task, *, at: datetime, kind: str, **fields: Any) -> None:
        """Add the task's next report. What was written here will be told, and will not be done again."""
        with self._lock:
            report = {"sequence": len(task.reports) + 1, "at": to_text(at), "kind": kind, **fields}
            self._write({"entry": "report", **_names(task), "report": report})

    def begin(self, task: Task, number: int, before: Entry) -> None:
        """The step is about to have an effect; `before` is what the machine looked like."""
        self._write({"entry": "begin", **_names(task), "number": number, "before": before})

    def child(self, task: Task, number: int, child: Entry) -> None:
        """The process that will have the effect, noted before it may start."""
        self._write({"entry": "child", **_names(task), "number": number, "child": child})

    def acknowledge(self, task: Task, through: int) -> None:
        """The server has the reports up to this sequence. It may be less than before: a restored server asks again."""
        through = min(max(through, 0), len(task.reports))
        if through != task.acknowledged:
            self._write({"entry": "acknowledged", **_names(task), "through": through})

    def drop(self, task: Task) -> None:
        """The server has ended the task: no further step begins."""
        if not task.dropped:
            self._write({"entry": "dropped", **_names(task)})

    def disown(self, task: Task) -> None:
        """The server wants no reports of this task any more, and no further step begins."""
        if not task.stale:
            self._write({"entry": "stale", **_names(task)})

    def forget(self, task: Task, now: datetime) -> None:
        """The task is over: the journal is rewritten without it. Only its number stays, so that it never runs again.

        Where there is no room for that, the lines stay, and the next start finds the task over once more.
        """
        with self._lock:
            self._memory.forget(_key(task), now)
            lines = b"".join(map(_line, self._memory.entries()))
            self._checkpoint("journal:compacting")
            # Windows replaces no file that is open.
            self._file.close()
            try:
                with suppress(DiskFull):
                    write_atomically(self._path, lines)
                self._checkpoint("journal:compacted")
            finally:
                self._file = self._open()

    def _write(self, entry: Entry) -> None:
        with self._lock:
            self._checkpoint(f"journal:{entry['entry']}:before")
            self._append(_line(entry))
            self._memory.apply(entry)
            self._checkpoint(f"journal:{entry['entry']}:after")

    def _append(self, line: bytes) -> None:
        if self._broken:
            raise JournalDamaged(f"{self._path}: an earlier line could not be written")
        # After half a line nothing may follow: the next start cuts it off, but only at the end.
        self._broken = True
        length = os.fstat(self._file.fileno()).st_size
        try:
            self._put(line)
        except OSError as error:
            if not is_full(error):
                raise
            os.ftruncate(self._file.fileno(), length)
            self._broken = False
            raise DiskFull(f"{self._path}: {error.strerror}") from error
        self._broken = False

    def _put(self, line: bytes) -> None:
        left = memoryview(line)
        while True:
            try:
                while left:
                    left = left[os.write(self._file.fileno(), left) :]
                # Some file systems find out only here that there is no room.
                return os.fsync(self._file.fileno())
            except OSError as error:
                if not is_full(error) or self._reserve is None or not self._reserve.release():
                    raise

    def _open(self) -> BinaryIO:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        sync_directory(self._path.parent)
        return os.fdopen(handle, "ab")


class Memory:
    """What the lines say. `known` maps a host task to its newest attempt and until when to remember it."""

    def __init__(self) -> None:
        self.tasks: dict[Key, Task] = {}
        self.known: dict[int, tuple[int, datetime]] = {}

    def apply(self, entry: Entry) -> None:
        """Take one line in. KeyError or ValueError when it does not fit what was before it."""
        kind = entry["entry"]
        if kind == "manifest":
            task = _task(entry["envelope"])
            self.tasks[_key(task)] = task
            self._know(task.identity.host_task_id, task.identity.attempt, task.manifest.not_after + REMEMBER)
        elif kind == "known":
            self._know(entry["hostTaskId"], entry["attempt"], from_text(entry["until"]))
        else:
            _apply_to(self.tasks[entry["hostTaskId"], entry["attempt"]], entry)

    def forget(self, key: Key, now: datetime) -> None:
        """Drop a task, and the numbers of those that are long over."""
        self.tasks.pop(key, None)
        self.known = {id_: known for id_, known in self.known.items() if known[1] > now}

    def entries(self) -> Iterator[Entry]:
        """Lines that say the same, and no more."""
        for host_task_id, (attempt, until) in self.known.items():
            yield {"entry": "known", "hostTaskId": host_task_id, "attempt": attempt, "until": to_text(until)}
        for task in self.tasks.values():
            yield from _entries_of(task)

    def _know(self, host_task_id: int, attempt: int, until: datetime) -> None:
        highest, last = self.known.get(host_task_id, (0, until))
        self.known[host_task_id] = (max(highest, attempt), max(until, last))


def read(path: Path) -> Memory:
    """What a journal says, which another process may be writing. JournalDamaged as above."""
    memory = Memory()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return memory
    for number, line in enumerate(content[: _whole(content)].splitlines(), start=1):
        try:
            memory.apply(json.loads(line))
        except (ValueError, KeyError, TypeError, manifests.Refused) as error:
            raise JournalDamaged(f"{path}, line {number}: {error!r}") from error
    return memory


def _whole(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def _cut_torn_line(path: Path) -> None:
    """The last write was cut short, so nothing that it announces has happened: it is as if never written."""
    if path.exists():
        content = path.read_bytes()
        if _whole(content) < len(content):
            os.truncate(path, _whole(content))


def _task(envelope: dict[str, Any]) -> Task:
    return Task(envelope=envelope, manifest=manifests.read(envelope["manifest"]))


def _key(task: Task) -> Key:
    return task.identity.host_task_id, task.identity.attempt


def _names(task: Task) -> Entry:
    return {"hostTaskId": task.identity.host_task_id, "attempt": task.identity.attempt}


def _apply_to(task: Task, entry: Entry) -> None:
    kind = entry["entry"]
    if kind == "report":
        task.reports.append(entry["report"])
        if entry["report"]["kind"] == "step_tried":
            # What this try began is told to its end; the next one begins anew.
            task.begun.pop(entry["report"]["number"], None)
            task.children.pop(entry["report"]["number"], None)
    elif kind == "begin":
        task.begun[entry["number"]] = entry["before"]
        # What an earlier beginning started is settled, or there would be no second one.
        task.children.pop(entry["number"], None)
    elif kind == "child":
        task.children[entry["number"]] = entry["child"]
    elif kind == "acknowledged":
        task.acknowledged = entry["through"]
    elif kind == "dropped":
        task.dropped = True
    elif kind == "stale":
        task.stale = True
    else:
        raise ValueError(f"unknown entry {kind!r}")


def _entries_of(task: Task) -> Iterator[Entry]:
    """Lines from which `_apply` makes this task again."""
    names = _names(task)
    yield {"entry": "manifest", "envelope": task.envelope}
    for report in task.reports:
        yield {"entry": "report", **names, "report": report}
    for number, before in task.begun.items():
        yield {"entry": "begin", **names, "number": number, "before": before}
    for number, child in task.children.items():
        yield {"entry": "child", **names, "number": number, "child": child}
    yield {"entry": "acknowledged", **names, "through": task.acknowledged}
    if task.dropped:
        yield {"entry": "dropped", **names}
    if task.stale:
        yield {"entry": "stale", **names}


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"
