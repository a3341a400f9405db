"""Run a script with a deadline and bounded output."""

import subprocess
import sys
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
from hostagent.shells import shell_of

if sys.platform == "win32":
    from hostagent.platforms.windows import pipes
else:
    from hostagent.platforms.posix import pipes

# Seconds between asking a script to end and ending it.
_GRACE = 2.0
_LOOK_AGAIN = 0.05


class Scripts:
    """Runs the scripts of one host. `folder` is private and holds a script while it runs."""

    def __init__(
        self, host: Host, folder: Path, clock: Clock, watch: Callable[[Notes, Bounded], None] = lambda *_: None
    ) -> None:
        """`watch` is told what will hold the output of each script, as it begins."""
        self._host, self._folder, self._clock, self._watch = host, folder, clock, watch

    def run(self, step: ScriptStep, notes: Notes) -> Outcome:
        """Run it to its end, or to its timeout, at which all that it started is ended."""
        if shell_of(step.script_type) is None:
            return Outcome("unsupported", output=f"this machine cannot run scripts of type {step.script_type!r}")
        notes.begin({})
        return self.execute(step.script, step.script_type, timeout=step.timeout, notes=notes)

    def execute(
        self,
        script: bytes,
        script_type: str,
        *,
        timeout: int,
        notes: Notes,
        folder: Path | None = None,
        file: Path | None = None,
    ) -> Outcome:
        """Run a script of a step that has begun, in `folder` (the host's root), with `file` as its PACKAGE_FILE."""
        shell = shell_of(script_type)
        if shell is None:
            return Outcome("unsupported", output=f"this machine cannot run scripts of type {script_type!r}")
        path = self._folder / f"{notes.label}{shell.suffix}"
        more = {"PACKAGE_FILE": str(file)} if file else {}
        try:
            if problem := _written(path, shell.content(script)):
                return problem
            return self.follow([*shell.command, str(path)], timeout=timeout, notes=notes, folder=folder, more=more)
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
    pipe = _pipe(process)
    is_open = True
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        if not is_open:
            time.sleep(_LOOK_AGAIN)
        elif (data := pipes.read(pipe, within=_LOOK_AGAIN)) is not None:
            kept.feed(data)
            is_open = data != b""
    return True


def _drain(process: "subprocess.Popen[bytes]", kept: Bounded) -> None:
    """Read what an ended child left in the pipe, and no more than a pipe can hold."""
    for _ in range(32):
        data = pipes.read(_pipe(process), within=0)
        if not data:
            return
        kept.feed(data)


def _pipe(process: "subprocess.Popen[bytes]") -> int:
    if process.stdout is None:
        raise AssertionError("the child's output is a pipe")
    return process.stdout.fileno()
