"""What a step tells the journal while it works."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hostagent.conduct import Conduct
from hostagent.journal import Journal
from hostagent.manifest import Identity
from hostagent.processes import Child
from hostagent.tasks import Task


class Notes:
    """The journal, narrowed to one step of one task."""

    def __init__(self, journal: Journal, task: Task, number: int, checkpoint: Callable[[str], None]) -> None:
        self._journal, self._task, self._number = journal, task, number
        self.checkpoint = checkpoint

    @property
    def step(self) -> tuple[Identity, int]:
        """Whose step it is, and its number."""
        return self._task.identity, self._number

    @property
    def label(self) -> str:
        """Names files of this step; unique among all steps of all attempts."""
        return f"{self._task.label}-{self._number}"

    def begin(self, before: dict[str, Any]) -> None:
        """The step is about to have an effect; `before` is what it will be compared with after a crash."""
        self._journal.begin(self._task, self._number, before)

    def child(self, child: Child) -> None:
        """This process will have the effect."""
        self._journal.child(self._task, self._number, child.noted())

    def rebooting(self, at: datetime) -> None:
        """The machine is about to restart within this step; told once."""
        if not self._task.rebooting(self._number):
            self._journal.report(self._task, at=at, kind="rebooting", number=self._number)

    def report(self, *, at: datetime, kind: str, **fields: Any) -> None:
        """Tell the server how the step is getting on. `kind` is one of those that not every server takes."""
        if kind in self._task.manifest.hears:
            self._journal.report(self._task, at=at, kind=kind, number=self._number, **fields)

    def locked(self, at: datetime) -> None:
        """Another program holds the package manager, and we wait for it; told once, until something else is."""
        last = self._task.reports[-1] if self._task.reports else {}
        if (last.get("kind"), last.get("number")) != ("waiting", self._number):
            self.report(at=at, kind="waiting", **{"for": "lock"})

    @property
    def conduct(self) -> Conduct:
        """How the job wants it done."""
        return self._task.manifest.conduct

    @property
    def before(self) -> dict[str, Any] | None:
        """What `begin` noted, in this or an earlier life; None when the step has not begun."""
        return self._task.begun.get(self._number)

    @property
    def last_child(self) -> Child | None:
        """The process that may have had the effect; None means that there was none."""
        noted = self._task.children.get(self._number)
        return Child(**noted) if noted else None
