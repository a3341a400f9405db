"""Run a script with a deadline and bounded output."""

import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hostagent import processes
from hostagent.clock import Clock
from hostagent.files import is_full
from hostagent.host import Host
from hostagent.manifest import ScriptStep
from hostagent.notes import Notes
from hostagent.outcome import Outcome
from hostagent.output import Bounded

# Seconds between asking a script to end and ending it.
_GRACE = 2.0


class Scripts:
    """Runs the scripts of one host. `folder` is private and holds a script while it runs."""

    def __init__(
        self, host: Host, folder: Path, clock: Clock, watch: Callable[[Notes, Bounded], None] = lambda *_: None
    ) -> None:
        """`watch` is told what will hold the output of each script, as it begins."""
        self._host, self._folder, self._clock, self._watch = host, folder, clock, watch

    def run(self, step: ScriptStep, notes: Notes) -> Outcome:
        """Run it to its end, or to its timeout, at which all that it started is ended."""
        if step.script_type != "sh":
            return Outcome("unsupported", output=f"this machine cannot run scripts of type {step.script_type!r}")
        notes.begin({})
        return self.execute(step.script, timeout=step.timeout, notes=notes)

    def execute(
        self, script: bytes, *, timeout: int, notes: Notes, folder: Path | None = None, file: Path | None = None
    ) -> Outcome:
        """Run a script of a step that has begun, in `folder` (the host's root), with `file` as its PACKAGE_FILE."""
        path = self._folder / f"{notes.label}.sh"
        more = {"PACKAGE_FILE": str(file)} if file else {}
        try:
            if problem := _written(path, script):
                return problem
            return self.follow(["/bin/sh", str(path)], timeout=timeout, notes=notes, folder=folder, more=more)
        finally:
            path.unlink(missing_ok=True)

    def settle(self, notes: Notes) -> Outcome | None:
        """After a crash: None when the script never ran; else it is ended, and nobody can tell what it had done."""
        child = notes.last_child
        if child is None:
            return None
        self.end(child)
        return Outcome("interrupted", output="the agent was stopped while this script ran; it is not run again")

    def end(self, child: processes.Child) -> None:
        """End what another life of ours left running."""
        processes.end_all(child, grace=_GRACE, adopted_before=processes.adopted())

    def follow(
        self,
        command: Sequence[str],
        *,
        timeout: int,
        notes: Notes,
        folder: Path | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Outcome:
        """The same for any program; `more` is added to its environment."""
        began = self._clock.monotonic()
        adopted_before = processes.adopted()
        process, child = processes.start(
            command,
            env=self._host.environment() | dict(more or {}),
            cwd=folder or self._host.root,
            stdout=subprocess.PIPE,
            on_started=notes.child,
            checkpoint=notes.checkpoint,
        )
        with process:
            kept = Bounded()
            self._watch(notes, kept)
            timed_out = not _follow(process, kept, timeout)
            if timed_out:
                processes.end_all(child, grace=_GRACE, adopted_before=adopted_before)
            _drain(process, kept)
        notes.checkpoint("child:ended")
        text, cut = kept.text()
        return Outcome(
            "timed_out" if timed_out else "nonzero_exit" if process.returncode else "done",
            exit_code=process.returncode,
            output=text,
            output_cut=cut,
            seconds=self._clock.monotonic() - began,
        )


def _written(path: Path, script: bytes) -> Outcome | None:
    """Put the script there; an Outcome where there is no room for it."""
    try:
        path.write_bytes(script)
    except OSError as error:
        if not is_full(error):
            raise
        return Outcome("disk_full", output=str(error))
    return None


def _follow(process: "subprocess.Popen[bytes]", kept: Bounded, timeout: float) -> bool:
    """Read what the child prints until it ends; False when it still runs after `timeout` seconds.

    Waits for the child, not for the end of its output: a script may leave a daemon behind that keeps the pipe open.
    """
    deadline = time.monotonic() + timeout
    pipe, poller = _poller(process)
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        if poller.poll(50):
            if data := os.read(pipe, 65536):
                kept.feed(data)
            else:
                poller.unregister(pipe)
    return True


def _drain(process: "subprocess.Popen[bytes]", kept: Bounded) -> None:
    """Read what an ended child left in the pipe, and no more than a pipe can hold."""
    pipe, poller = _poller(process)
    for _ in range(32):
        data = os.read(pipe, 65536) if poller.poll(0) else b""
        if not data:
            return
        kept.feed(data)


def _poller(process: "subprocess.Popen[bytes]") -> tuple[int, "select.poll"]:
    if process.stdout is None:
        raise AssertionError("the child's output is a pipe")
    poller = select.poll()
    poller.register(process.stdout, select.POLLIN)
    return process.stdout.fileno(), poller
