"""Let the package manager do something: it is never cut short by our end, and somebody else's lock is waited for."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hostagent import output, processes
from hostagent.clock import Clock
from hostagent.host import Host
from hostagent.notes import Notes
from hostagent.providers import Provider

# Seconds: how long an operation may take, how long it gets to stop in order, how long others may hold the lock.
OPERATION = 3600.0
GRACE = 60.0
LOCK_WAIT = 300.0
LOCK_PAUSE = 2.0
_LOOK_AGAIN = 0.5
# Bytes of what it prints that may be on the disk at a time.
_MOST_PRINTED = 16 * 1024 * 1024


class Operations:
    """Operations of one host. `folder` is private and holds what they print."""

    def __init__(self, host: Host, folder: Path, clock: Clock, *, lock_wait: float = LOCK_WAIT) -> None:
        self._host, self.folder, self._clock, self.lock_wait = host, folder, clock, lock_wait

    def run(self, command: Sequence[str], provider: Provider, notes: Notes) -> int | None:
        """Run until the lock was free; a command that did not get it has done nothing. None when it took too long."""
        deadline = self._clock.monotonic() + self.lock_wait
        while True:
            exit_code = self._run(command, provider, notes)
            text, _ = self.printed(notes)
            locked = exit_code is not None and provider.is_locked(exit_code, text)
            if not locked or self._clock.monotonic() > deadline:
                return exit_code
            notes.locked(self._clock.now())
            self._clock.sleep(LOCK_PAUSE)

    def wait_for(self, child: processes.Child) -> None:
        """What outlived us is let finish: to kill a package manager is to break the machine."""
        if not processes.wait_for(child, clock=self._clock, seconds=OPERATION):
            processes.end(child, grace=GRACE)

    def printed(self, notes: Notes) -> tuple[str, bool]:
        """What the step's operation printed, and whether something of it is missing."""
        head, head_cut = output.of_file(self._head_of(notes))
        tail, cut = output.of_file(self._output_of(notes))
        return output.joined(head, tail) if head else (tail, cut or head_cut)

    def _run(self, command: Sequence[str], provider: Provider, notes: Notes) -> int | None:
        self._head_of(notes).unlink(missing_ok=True)
        self._output_of(notes).unlink(missing_ok=True)
        # Into a file, not a pipe: when we die, the package manager must not be hit by SIGPIPE half-way. Appending, so
        # that what is written after the file was shortened stands at its end.
        with self._output_of(notes).open("ab") as sink:
            process, child = processes.start(
                command,
                env=provider.environment(),
                cwd=self._host.root,
                stdout=sink,
                on_started=notes.child,
                checkpoint=notes.checkpoint,
            )
        try:
            return self._wait(process, notes)
        except subprocess.TimeoutExpired:
            processes.end(child, grace=GRACE)
            process.wait()
            return None
        finally:
            notes.checkpoint("child:ended")

    def _wait(self, process: "subprocess.Popen[bytes]", notes: Notes) -> int:
        deadline = self._clock.monotonic() + OPERATION
        while True:
            try:
                return process.wait(_LOOK_AGAIN)
            except subprocess.TimeoutExpired:
                if self._clock.monotonic() > deadline:
                    raise
                self._shorten(notes)

    def _shorten(self, notes: Notes) -> None:
        """Let what is printed not fill the disk: the beginning is kept aside, and what follows takes its place."""
        path, head = self._output_of(notes), self._head_of(notes)
        if path.stat().st_size <= _MOST_PRINTED:
            return
        if not head.exists():
            with path.open("rb") as file:
                head.write_bytes(file.read(output.LIMIT))
        os.truncate(path, 0)

    def _output_of(self, notes: Notes) -> Path:
        return self.folder / f"{notes.label}.out"

    def _head_of(self, notes: Notes) -> Path:
        return self.folder / f"{notes.label}.head"
