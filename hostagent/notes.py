"""What a step tells the journal while it works."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hostagent.journal import Journal
from hostagent.manifest import Identity
from hostagent.processes import Child
from hostagent.tasks import Task


class Notes:
    """The journal, narrowed to one step of one task."""

    def __init__(self, journal: Journal, task: Task, number: int, checkpoint: Callable[[str], None]) -> None:
        self._journal, self.task, self.number = journal, task, number
        self.checkpoint = checkpoint

    @property
    def step(self) -> tuple[Identity, int]:
        """Whose step it is, and its number."""
        return self.task.identity, self.number

    @property
    def label(self) -> str:
        """Names files of this step; unique among all steps of all attempts."""
        return f"{self.task.label}-{self.number}"

    def begin(self, before: dict[str, Any]) -> None:
        """The step is about to have an effect; `before` is what it will be compared with after a crash."""
        self._journal.begin(self.task, self.number, before)

    def child(self, child: Child) -> None:
        """This process will have the effect."""
        self._journal.child(self.task, self.number, child.noted())

    def rebooting(self, at: datetime) -> None:
        """The machine is about to restart within this step; told once."""
        if not self.task.rebooting(self.number):
            self._journal.report(self.task, at=at, kind="rebooting", number=self.number)

    def report(self, *, at: datetime, kind: str, **fields: Any) -> None:
        """Tell the server how the step is getting on. `kind` is one of those that not every server takes."""
        if kind in self.task.manifest.hears:
            self._journal.report(self.task, at=at, kind=kind, number=self.number, **fields)

    def locked(self, at: datetime) -> None:
        """Another program holds the package manager, and we wait for it; told once, until something else is."""
        last = self.task.reports[-1] if self.task.reports else {}
        if (last.get("kind"), last.get("number")) != ("waiting", self.number):
            self.report(at=at, kind="waiting", **{"for": "lock"})

    @property
    def before(self) -> dict[str, Any] | None:
        """What `begin` noted, in this or an earlier life; None when the step has not begun."""
        return self.task.begun.get(self.number)

    @property
    def last_child(self) -> Child | None:
        """The process that may have had the effect; None means that there was none."""
        noted = self.task.children.get(self.number)
        return Child(**noted) if noted else None
