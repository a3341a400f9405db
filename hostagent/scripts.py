"""Run a script with a deadline and bounded output."""

import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from hostagent import processes
from hostagent.clock import Clock
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
        """Run it to its end, or to its timeout, at which its whole session is ended."""
        if step.script_type != "sh":
            return Outcome("unsupported", output=f"this machine cannot run scripts of type {step.script_type!r}")
        path = self._folder / f"{notes.label}.sh"
        notes.begin({})
        path.write_bytes(step.script)
        try:
            return self._run(path, step.timeout, notes)
        finally:
            path.unlink(missing_ok=True)

    def settle(self, notes: Notes) -> Outcome | None:
        """After a crash: None when the script never ran; else it is ended, and nobody can tell what it had done."""
        child = notes.last_child
        if child is None:
            return None
        processes.end(child, grace=_GRACE)
        return Outcome("interrupted", output="the agent was stopped while this script ran; it is not run again")

    def _run(self, path: Path, timeout: int, notes: Notes) -> Outcome:
        began = self._clock.monotonic()
        process, child = processes.start(
            ["/bin/sh", str(path)],
            env=self._host.environment(),
            cwd=self._host.root,
            stdout=subprocess.PIPE,
            on_started=notes.child,
            checkpoint=notes.checkpoint,
        )
        with process:
            kept = Bounded()
            self._watch(notes, kept)
            timed_out = not _follow(process, kept, timeout)
            if timed_out:
                processes.end(child, grace=_GRACE)
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
