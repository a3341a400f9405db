"""Uninstall Software: find it, run its own uninstaller without a question, and see that it is gone."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from hostagent import output, processes
from hostagent.clock import Clock
from hostagent.host import Host
from hostagent.installed_software import Software, fits, silent_uninstall
from hostagent.notes import Notes
from hostagent.outcome import Outcome
from hostagent.windows_steps import UninstallStep

# Windows Installer's words: done; done and a restart is wanted; done and it restarts; somebody else installs just now.
_WELL = (0, 3010, 1641)
_BUSY = 1618
_PAUSE = 2.0
_GRACE = 10.0


class Uninstalling:
    """Uninstall steps of one machine. `installed` lists what is there; `folder` is private, and holds what is said."""

    def __init__(self, host: Host, installed: Callable[[], Sequence[Software]], folder: Path, clock: Clock) -> None:
        self._host, self._installed, self._folder, self._clock = host, installed, folder, clock

    def run(self, step: UninstallStep, notes: Notes) -> Outcome:
        """Remove all that fits; the first that cannot be removed ends the step."""
        try:
            found = self._found(step)
        except KeyError as error:
            return Outcome("unsupported", output=f"{error} is no way to compare versions that is known here")
        if not found:
            return Outcome("not_installed")
        outcome = Outcome("not_installed")
        for software in found:
            outcome = self._remove(software, step, notes)
            if outcome.reason != "done":
                break
        return outcome

    def settle(self, step: UninstallStep, notes: Notes) -> Outcome | None:
        """After a crash: None when no uninstaller ran; else what the machine shows once that has ended."""
        child = notes.last_child
        if child is None:
            return None
        if not processes.wait_for(child, clock=self._clock, seconds=step.timeout):
            processes.end(child, grace=_GRACE)
        text, cut = output.of_file(self._printed(notes))
        if self._found(step):
            text += "\nthe agent was stopped while the uninstaller ran, and the software is still there"
            return Outcome("interrupted", output=text, output_cut=cut)
        return Outcome("done", output=text, output_cut=cut)

    def _found(self, step: UninstallStep) -> list[Software]:
        return [software for software in self._installed() if fits(software, step)]

    def _remove(self, software: Software, step: UninstallStep, notes: Notes) -> Outcome:
        command = silent_uninstall(software)
        if command is None:
            message = (
                f"{software.name} has no QuietUninstallString, and nobody knows how to silence {software.uninstall}"
            )
            return Outcome("unsupported", output=message, from_version=software.version)
        began = self._clock.monotonic()
        notes.begin({"key": software.key, "name": software.name, "version": software.version})
        exit_code = self._run_when_free(command, software, began + step.timeout, notes)
        text, cut = output.of_file(self._printed(notes))
        is_there = self._is_there(software)
        return Outcome(
            _reason(exit_code, is_there),
            exit_code=exit_code,
            output=text,
            output_cut=cut,
            from_version=software.version,
            to_version=software.version if is_there else None,
            seconds=self._clock.monotonic() - began,
        )

    def _is_there(self, software: Software) -> bool:
        return any((one.key, one.architecture) == (software.key, software.architecture) for one in self._installed())

    def _run_when_free(self, command: str, software: Software, deadline: float, notes: Notes) -> int | None:
        while True:
            exit_code = self._run(command, software, deadline, notes)
            if exit_code != _BUSY or self._clock.monotonic() > deadline:
                return exit_code
            self._clock.sleep(_PAUSE)

    def _run(self, command: str, software: Software, deadline: float, notes: Notes) -> int | None:
        """Until the software is gone: an uninstaller may end at once and go on as a copy of itself. None: too long."""
        with self._printed(notes).open("wb") as sink:
            process, child = processes.start(
                [command],
                env=self._host.environment(),
                cwd=self._host.root,
                stdout=sink,
                on_started=notes.child,
                checkpoint=notes.checkpoint,
            )
        try:
            exit_code = process.wait(max(deadline - self._clock.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            processes.end(child, grace=_GRACE)
            process.wait()
            return None
        finally:
            notes.checkpoint("child:ended")
        while exit_code in _WELL and self._is_there(software) and processes.is_running(child):
            if self._clock.monotonic() > deadline:
                processes.end(child, grace=_GRACE)
                return None
            self._clock.sleep(0.2)
        return exit_code

    def _printed(self, notes: Notes) -> Path:
        return self._folder / f"{notes.label}.out"


def _reason(exit_code: int | None, is_there: bool) -> str:
    if exit_code is None:
        return "timed_out"
    if exit_code == _BUSY:
        return "package_manager_locked"
    if exit_code not in _WELL:
        return "nonzero_exit"
    return "not_detected" if is_there else "done"
