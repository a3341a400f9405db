"""Install a package's exact version, or go back to an earlier one, once."""

import logging
import re
from collections.abc import Callable
from dataclasses import asdict

from hostagent import output
from hostagent.clock import Clock, to_text
from hostagent.errors import BadFileDigest, DownloadFailed, PackageManagerFailed, PackageManagerLocked
from hostagent.history import History
from hostagent.host import Host
from hostagent.manifest import PatchStep
from hostagent.notes import Notes
from hostagent.operations import LOCK_PAUSE, Operations
from hostagent.outcome import Outcome
from hostagent.providers import Provider
from hostagent.providers.base import Installed

log = logging.getLogger(__name__)

# Cannot be taken for an option, or for a file's path.
_ARCHITECTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")


class Patches:
    """Patch steps of one host."""

    def __init__(
        self,
        host: Host,
        provider: Provider | None,
        history: History,
        operations: Operations,
        clock: Clock,
    ) -> None:
        self._host, self._provider, self._history = host, provider, history
        self._operations, self._clock = operations, clock

    def run(self, step: PatchStep, notes: Notes) -> Outcome:
        """Do what the step says, unless the machine says that there is nothing to do."""
        if self._provider is None or not _is_supported(step, self._provider):
            return Outcome("unsupported", output=f"this machine cannot do this {step.operation!r} of {step.package!r}")
        try:
            return self._attempt(step, self._source(self._provider, notes).for_step(step), notes)
        except ValueError as error:
            return Outcome("unsupported", output=str(error))
        except PackageManagerFailed as error:
            locked = isinstance(error, PackageManagerLocked)
            return _failure("package_manager_locked" if locked else "package_manager_failed", error.output)
        except (DownloadFailed, BadFileDigest) as error:
            return _failure("bad_file_digest" if isinstance(error, BadFileDigest) else "download_failed", str(error))

    def download(self, step: PatchStep, notes: Notes) -> bool:
        """Fetch what the step will install, where it will; whether it is here now. Installs nothing.

        Failing changes nothing: it is fetched when its time comes.
        """
        if self._provider is None or step.operation != "install" or not _is_supported(step, self._provider):
            return False
        try:
            provider = self._source(self._provider, notes).for_step(step)
            before = provider.installed(step.package, step.architecture)
            if before is None or _nothing_to_do(step, before, step.version, provider):
                return False
            provider.refresh()
            provider.download(step.package, step.architecture, step.version)
        except (PackageManagerFailed, DownloadFailed, BadFileDigest, ValueError) as error:
            log.warning("%s is not downloaded early: %s", step.package, error)
            return False
        return True

    def settle(self, step: PatchStep, notes: Notes) -> Outcome | None:
        """After a crash within the step: its outcome, as the machine shows it, or None when it never began."""
        child = notes.last_child
        if self._provider is None or child is None or notes.before is None:
            return None
        self._operations.wait_for(child)
        before, target = _read_before(notes)
        try:
            after = self._provider.installed(step.package, step.architecture)
        except PackageManagerFailed as error:
            return _failure("interrupted", error.output)
        if after == before:
            return None
        self._remember(step, before, after)
        whole = after is not None and after.whole and self._provider.compare(after.version, target) == 0
        text, cut = self._operations.printed(notes)
        return Outcome(
            "done" if whole else "interrupted",
            output=text,
            output_cut=cut,
            from_version=before.version,
            to_version=after.version if after else None,
        )

    def _attempt(self, step: PatchStep, provider: Provider, notes: Notes) -> Outcome:
        before = provider.installed(step.package, step.architecture)
        if before is None:
            return Outcome("not_installed")
        target = step.version if step.operation == "install" else self._way_back(step)
        if reason := _nothing_to_do(step, before, target, provider):
            return Outcome(reason, from_version=before.version, to_version=before.version)
        if target is None:
            raise AssertionError("without a target there is nothing to do")
        if problem := self._not_offered(step, target, provider, notes):
            return problem
        return self._operate(step, provider, notes, before=before, target=target)

    def _source(self, provider: Provider, notes: Notes) -> Provider:
        """From where this job wants it."""
        url = notes.task.manifest.conduct.patch_url
        return provider.only_from(url, self._operations.folder / "source") if url else provider

    def _way_back(self, step: PatchStep) -> str | None:
        return step.back_to or self._history.replaced_by(step.package, step.version)

    def _not_offered(self, step: PatchStep, target: str, provider: Provider, notes: Notes) -> Outcome | None:
        """Why the target cannot be had. One broken source does not matter as long as another has the version."""
        problem: PackageManagerFailed | None = None
        try:
            self._patiently(provider.refresh, notes)
        except PackageManagerLocked:
            raise
        except PackageManagerFailed as error:
            problem = error
        if provider.offers(step.package, step.architecture, target):
            return None
        if problem:
            # The lists may be old, so that nobody can say whether there is a candidate.
            raise problem
        return _failure("no_candidate", f"no source offers {step.package} {target}")

    def _operate(self, step: PatchStep, provider: Provider, notes: Notes, *, before: Installed, target: str) -> Outcome:
        began = self._clock.monotonic()
        command = provider.install_command(
            step.package, step.architecture, target, downgrade=step.operation == "rollback"
        )
        notes.begin({"installed": asdict(before), "target": target})
        exit_code = self._operations.run(command, provider, notes)
        after = provider.installed(step.package, step.architecture)
        self._remember(step, before, after)
        notes.checkpoint("patch:remembered")
        text, cut = self._operations.printed(notes)
        whole = after is not None and after.whole and provider.compare(after.version, target) == 0
        if whole:
            provider.done(step.package, target)
        return Outcome(
            "done" if whole and provider.is_done(exit_code) else _reason(provider, exit_code, text),
            exit_code=exit_code,
            output=text,
            output_cut=cut,
            from_version=before.version,
            to_version=after.version if after else None,
            seconds=self._clock.monotonic() - began,
        )

    def _patiently(self, refresh: Callable[[], None], notes: Notes) -> None:
        deadline = self._clock.monotonic() + self._operations.lock_wait
        while True:
            try:
                return refresh()
            except PackageManagerLocked:
                if self._clock.monotonic() > deadline:
                    raise
                notes.locked(self._clock.now())
            self._clock.sleep(LOCK_PAUSE)

    def _remember(self, step: PatchStep, before: Installed, after: Installed | None) -> None:
        """Also of an install that failed after it had changed the version: that is when a way back is wanted."""
        if step.operation == "install" and after and after.version != before.version:
            at = to_text(self._clock.now())
            self._history.add(step.package, old=before.version, new=after.version, at=at)


def _is_supported(step: PatchStep, provider: Provider) -> bool:
    versions = [version for version in (step.version, step.back_to) if version is not None]
    return (
        step.operation in ("install", "rollback")
        and _ARCHITECTURE.fullmatch(step.architecture or "any") is not None
        and all(provider.accepts(step.package, version) for version in versions)
    )


def _nothing_to_do(step: PatchStep, before: Installed, target: str | None, provider: Provider) -> str | None:
    if target is None:
        return "nothing_to_roll_back"
    order = provider.compare(before.version, target)
    if step.operation == "install":
        return "already_installed" if order > 0 or (order == 0 and before.whole) else None
    if order == 0 and before.whole:
        return "already_installed"
    # Somebody else has moved on from the version that was to be left; their change is not ours to undo.
    leaves = provider.compare(before.version, step.version) == 0
    return None if leaves or order == 0 else "nothing_to_roll_back"


def _reason(provider: Provider, exit_code: int | None, text: str) -> str:
    if exit_code is None:
        return "timed_out"
    return "package_manager_locked" if provider.is_locked(exit_code, text) else "package_manager_failed"


def _failure(reason: str, text: str) -> Outcome:
    kept, cut = output.of_text(text)
    return Outcome(reason, output=kept, output_cut=cut)


def _read_before(notes: Notes) -> tuple[Installed, str]:
    if notes.before is None:
        raise AssertionError("only a step that has begun is settled")
    return Installed(**notes.before["installed"]), str(notes.before["target"])
