"""One host task, as far as the journal knows it."""

from dataclasses import dataclass, field
from typing import Any

from hostagent.manifest import Identity, Manifest


@dataclass
class Task:
    """What was received, done and reported. Changed by the journal alone, so that memory is always what is on disk."""

    envelope: dict[str, Any]
    manifest: Manifest
    reports: list[dict[str, Any]] = field(default_factory=list)
    begun: dict[int, dict[str, Any]] = field(default_factory=dict)
    children: dict[int, dict[str, Any]] = field(default_factory=dict)
    acknowledged: int = 0
    dropped: bool = False
    stale: bool = False

    @property
    def identity(self) -> Identity:
        """Its host task, attempt and fence."""
        return self.manifest.identity

    @property
    def label(self) -> str:
        """Names the attempt in files' names."""
        return f"{self.identity.host_task_id}-{self.identity.attempt}"

    @property
    def finished(self) -> bool:
        """Nothing is left to be done."""
        return bool(self.reports) and self.reports[-1]["kind"] == "finished"

    @property
    def unsent(self) -> list[dict[str, Any]]:
        """Reports that the server has not confirmed; none when it does not want them any more."""
        return [] if self.stale else self.reports[self.acknowledged :]

    @property
    def over(self) -> bool:
        """Nothing is left to be done nor to be told."""
        return self.finished and not self.unsent

    def started(self, number: int) -> bool:
        """Whether the step's start was reported."""
        return any(report["kind"] == "step_started" and report["number"] == number for report in self.reports)

    def ended(self, number: int) -> dict[str, Any] | None:
        """The report of the step's end, if there is one."""
        for report in self.reports:
            if report["kind"] == "step_finished" and report["number"] == number:
                return report
        return None

    def rebooting(self, number: int) -> bool:
        """Whether the step's restart was reported."""
        return any(report["kind"] == "rebooting" and report["number"] == number for report in self.reports)

    def scanned(self) -> bool:
        """Whether the closing inventory is in the journal."""
        return any(report["kind"] == "scanned" for report in self.reports)
