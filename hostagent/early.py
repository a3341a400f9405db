"""Patches that are fetched before the work may begin, where the job allows it."""

from hostagent.clock import Clock
from hostagent.journal import Journal, no_checkpoint
from hostagent.manifest import PatchStep
from hostagent.notes import Notes
from hostagent.patches import Patches
from hostagent.tasks import Task


class EarlyDownloads:
    """Of tasks whose manifest came before their time, or that wait. What was tried is in the journal."""

    def __init__(self, journal: Journal, patches: Patches, clock: Clock) -> None:
        self._journal, self._patches, self._clock = journal, patches, clock

    def fetch_early(self, task: Task) -> None:
        """Fetch one patch that was not fetched yet, so that between two the server is heard."""
        if not task.manifest.conduct.downloads_early or task.finished or self._clock.now() >= task.manifest.not_before:
            return
        tried = {report["number"] for report in task.reports if report["kind"] == "downloaded"}
        for step in task.manifest.steps:
            if isinstance(step, PatchStep) and step.number not in tried:
                self._fetch(task, step)
                return

    def _fetch(self, task: Task, step: PatchStep) -> None:
        notes = Notes(self._journal, task, step.number, no_checkpoint)
        began = self._clock.monotonic()
        succeeded = self._patches.download(step, notes)
        seconds = round(self._clock.monotonic() - began, 3)
        notes.report(at=self._clock.now(), kind="downloaded", succeeded=succeeded, seconds=seconds)
