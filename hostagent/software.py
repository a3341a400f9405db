"""Install Software: is it there? fetch, check, install, and look whether it is there now.

The journal notes each phase before it begins. What only asks or fetches is begun anew after a crash; what installs is
settled by looking at the machine, and where that cannot tell, it is `interrupted`.
"""

import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hostagent import output
from hostagent.downloads import DownloadFailed, Downloads, Stopped
from hostagent.errors import PackageManagerFailed
from hostagent.installers import NotSilent, silent_command
from hostagent.manifest import InstallStep, Script
from hostagent.notes import Notes
from hostagent.operations import Operations
from hostagent.outcome import WAITING, Outcome, Waiting
from hostagent.providers import Provider
from hostagent.providers.base import PackageFile
from hostagent.scripts import Scripts
from hostagent.shells import shell_of

# Installers' words for "done, once the machine has restarted": 3010, and what Linux leaves of it.
RESTART_CODES = (3010, 3010 & 0xFF)
_GOOD = (0, *RESTART_CODES)
_LONGEST_NAME = 100


class Software:
    """Install Software steps of one host. `folder` is private and holds what is fetched while a step goes on."""

    def __init__(
        self, scripts: Scripts, provider: Provider | None, operations: Operations, downloads: Downloads, folder: Path
    ) -> None:
        self._scripts, self._provider, self._operations = scripts, provider, operations
        self._downloads, self._folder = downloads, folder

    def run(self, step: InstallStep, notes: Notes) -> Outcome | Waiting:
        """Do it, unless the detection script finds it there. WAITING when the agent is to end while it fetches."""
        problem = _unsupported(step)
        return Outcome("unsupported", output=problem) if problem else self._to_its_end(step, notes, self._from_start)

    def settle(self, step: InstallStep, notes: Notes) -> Outcome | Waiting | None:
        """After a crash within the step: its outcome, or None when nothing was installed yet."""
        if notes.before is None or notes.before["phase"] in ("detection", "download"):
            if notes.last_child is not None:
                self._scripts.end(notes.last_child)
            return None
        if notes.before["phase"] == "install" and (notes.last_child is None or self._is_untouched(notes)):
            return None
        return self._to_its_end(step, notes, self._go_on)

    def _to_its_end(self, step: InstallStep, notes: Notes, what: Any) -> Outcome | Waiting:
        """The file stays while the step may go on in another life."""
        try:
            outcome: Outcome = what(step, notes)
        except Stopped:
            return WAITING
        except DownloadFailed as error:
            outcome = Outcome(error.reason, output=str(error))
        except PackageManagerFailed as error:
            text, cut = output.of_text(error.output)
            outcome = Outcome("package_manager_failed", output=text, output_cut=cut)
        shutil.rmtree(self._place(notes), ignore_errors=True)
        return outcome

    # --- from the start ---------------------------------------------------------------------------------------------

    def _from_start(self, step: InstallStep, notes: Notes) -> Outcome:
        if step.detection:
            notes.begin({"phase": "detection"})
            found = self._execute(step.detection, step, notes)
            if found.reason == "done":
                return Outcome("already_installed", output=found.output, output_cut=found.output_cut)
            if found.reason != "nonzero_exit":
                return found
        notes.begin({"phase": "download"})
        path = self._fetch(step, notes)
        path, package = (path, None) if step.by_script else self._recognised(path)
        told = {"package": package and asdict(package), "was": package and self._standing(package)}
        notes.begin({"phase": "install", "file": str(path), **told})
        installed = self._install(step, path, package, notes)
        if installed.reason != "done":
            return installed
        return self._configure(step, path, package, installed, notes)

    def _fetch(self, step: InstallStep, notes: Notes) -> Path:
        place = self._place(notes)
        try:
            place.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise DownloadFailed("disk_full", str(error)) from error
        path = place / _name_of(step.url)
        self._downloads.fetch(step.url, sha256=step.sha256, path=path)
        return path

    def _install(self, step: InstallStep, path: Path, package: PackageFile | None, notes: Notes) -> Outcome:
        if step.by_script:
            if step.script is None:
                raise AssertionError("a step without a script is unsupported")
            return _judged(self._execute(step.script, step, notes, file=path))
        if package and self._provider:
            code = self._operations.run(self._provider.install_file_command(path), self._provider, notes)
            text, cut = self._operations.printed(notes)
            return Outcome(self._reason(code, text), exit_code=code, output=text, output_cut=cut)
        path.chmod(0o700)
        try:
            command = silent_command(path)
        except NotSilent as error:
            return Outcome("unsupported", output=str(error))
        return _judged(self._scripts.follow(command, timeout=step.timeout, notes=notes, folder=path.parent))

    def _reason(self, exit_code: int | None, text: str) -> str:
        if exit_code is None:
            return "timed_out"
        if self._provider is None or self._provider.is_done(exit_code):
            return "done"
        locked = self._provider.is_locked(exit_code, text)
        return "package_manager_locked" if locked else "package_manager_failed"

    # --- after the installer ----------------------------------------------------------------------------------------

    def _configure(
        self, step: InstallStep, path: Path, package: PackageFile | None, installed: Outcome, notes: Notes
    ) -> Outcome:
        """The script that follows an installer, if there is one; then the proof."""
        if step.script and not step.by_script:
            told = {"installed": installed.fields()}
            notes.begin({"phase": "script", "file": str(path), "package": package and asdict(package), **told})
            ended = _judged(self._execute(step.script, step, notes, file=path))
            installed = _together(installed, ended)
            if ended.reason != "done":
                return installed
        return self._prove(step, package, installed, notes)

    def _prove(self, step: InstallStep, package: PackageFile | None, installed: Outcome, notes: Notes) -> Outcome:
        """Believe an exit code only where nothing can be asked."""
        told = {"phase": "proof", "package": package and asdict(package), "installed": installed.fields()}
        notes.begin(told)
        if step.detection:
            found = self._execute(step.detection, step, notes)
            # Of the proof only what it printed counts, beside whether it found something.
            joined = _together(installed, found)
            return _as(joined, "done" if found.reason == "done" else "not_detected", installed.exit_code)
        if package and not self._is_there(package):
            return _as(installed, "not_detected", installed.exit_code)
        return installed

    # --- after a crash ----------------------------------------------------------------------------------------------

    def _go_on(self, step: InstallStep, notes: Notes) -> Outcome:
        before, child = notes.before or {}, notes.last_child
        package = PackageFile(**before["package"]) if before["package"] else None
        if child and not (before["phase"] == "install" and package):
            self._scripts.end(child)
        if before["phase"] == "proof":
            return self._prove(step, package, _told(before), notes)
        if before["phase"] == "script" and child is None:
            return self._configure(step, Path(before["file"]), package, _told(before), notes)
        return self._as_the_machine_shows(step, Path(before["file"]), package, notes)

    def _is_untouched(self, notes: Notes) -> bool:
        """Whether a package that was being installed is as it was before. What still installs it is let finish."""
        before = notes.before or {}
        if not before["package"] or notes.last_child is None:
            return False
        self._operations.wait_for(notes.last_child)
        try:
            return bool(self._standing(PackageFile(**before["package"])) == before["was"])
        except PackageManagerFailed:
            return False

    def _as_the_machine_shows(
        self, step: InstallStep, path: Path, package: PackageFile | None, notes: Notes
    ) -> Outcome:
        """Killed while something was installed. What a script after an installer did, nobody can tell."""
        phase = (notes.before or {})["phase"]
        text = "the agent was stopped while this was installed; it is not done again"
        if phase == "install" and package and self._is_there(package):
            return self._configure(step, path, package, Outcome("done", output=text), notes)
        if step.detection and phase == "install" and (step.by_script or not step.script):
            shown = self._prove(step, None, Outcome("done", output=text), notes)
            return shown if shown.reason == "done" else _as(shown, "interrupted", None)
        return Outcome("interrupted", output=text)

    # --- small parts ------------------------------------------------------------------------------------------------

    def _execute(self, script: Script, step: InstallStep, notes: Notes, *, file: Path | None = None) -> Outcome:
        folder = file.parent if file else None
        return self._scripts.execute(
            script.content, script.script_type, timeout=step.timeout, notes=notes, folder=folder, file=file
        )

    def _recognised(self, path: Path) -> tuple[Path, PackageFile | None]:
        """The file, by a name that its package manager takes for a package's, and what it holds."""
        package = self._provider.package_in(path) if self._provider else None
        if package and self._provider and not path.name.endswith(self._provider.file_suffix):
            path = path.rename(path.with_name(path.name + self._provider.file_suffix))
        return path, package

    def _standing(self, package: PackageFile) -> dict[str, Any] | None:
        found = self._provider.installed(package.name, package.architecture) if self._provider else None
        return asdict(found) if found else None

    def _is_there(self, package: PackageFile) -> bool:
        if self._provider is None:
            return False
        found = self._provider.installed(package.name, package.architecture)
        return found is not None and found.whole and self._provider.compare(found.version, package.version) == 0

    def _place(self, notes: Notes) -> Path:
        return self._folder / f"{notes.label}.files"


def _unsupported(step: InstallStep) -> str | None:
    if step.by_script and step.script is None:
        return "the method is 'script', and there is none"
    for script in (step.detection, step.script):
        if script and shell_of(script.script_type) is None:
            return f"this machine cannot run scripts of type {script.script_type!r}"
    return None


def _name_of(url: str) -> str:
    """A file's name that can be neither a path nor an option, whatever the address says."""
    name = re.sub(r"[^A-Za-z0-9._+~-]", "_", unquote(urlsplit(url).path).rpartition("/")[2]).lstrip(".-")
    return name[-_LONGEST_NAME:].lstrip(".-") or "file"


def _judged(outcome: Outcome) -> Outcome:
    good = outcome.reason == "nonzero_exit" and outcome.exit_code in _GOOD
    return _as(outcome, "done", outcome.exit_code) if good else outcome


def _as(outcome: Outcome, reason: str, exit_code: int | None) -> Outcome:
    text, cut = outcome.output, outcome.output_cut
    return Outcome(reason, exit_code=exit_code, output=text, output_cut=cut, seconds=outcome.seconds)


def _together(first: Outcome, then: Outcome) -> Outcome:
    """The reason is the later one's; a wish for a restart stays."""
    text, cut = output.of_text(first.output + then.output)
    wishes = then.reason == "done" and first.exit_code in RESTART_CODES
    return Outcome(
        then.reason,
        exit_code=first.exit_code if wishes else then.exit_code,
        output=text,
        output_cut=cut or first.output_cut or then.output_cut,
        seconds=first.seconds + then.seconds,
    )


def _told(before: dict[str, Any]) -> Outcome:
    told = before["installed"]
    return Outcome(
        told["reason"],
        exit_code=told["exitCode"],
        output=told["output"],
        output_cut=told["outputCut"],
        seconds=told["seconds"],
    )
