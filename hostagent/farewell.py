"""Before the machine restarts: wait for a person, ask, count down. Each part is in the task's reports."""

from collections.abc import Callable
from datetime import datetime, timedelta

from hostagent.clock import Clock, from_text, to_text
from hostagent.dialogue import Dialogue, Topic
from hostagent.journal import Journal
from hostagent.notes import Notes
from hostagent.person import Prompter
from hostagent.tasks import Task

# A restart has to be ordered before the window is over.
_ORDERED_BEFORE = timedelta(minutes=1)


class Farewell:
    """What a job wants said before a restart. `is_stopping` says whether the agent is to stop."""

    def __init__(self, prompter: Prompter, journal: Journal, clock: Clock, is_stopping: Callable[[], bool]) -> None:
        self._prompter, self._journal, self._clock = prompter, journal, clock
        self._dialogue = Dialogue(prompter, clock, self._report)
        self._is_stopping = is_stopping

    def allows(self, notes: Notes) -> bool:
        """Whether the machine may restart now; False where that is put off, counts down, or waits for somebody."""
        task, number = notes.task, notes.number
        if not task.manifest.conduct.restart.option.message and not task.manifest.conduct.restart.countdown:
            return True
        return (
            not self._waits_for_somebody(task, number)
            and self._is_granted(task, number)
            and not self._counts_down(task, number)
        )

    def _waits_for_somebody(self, task: Task, number: int) -> bool:
        """With rebootHonorOnUserLogin a machine that nobody is signed in to waits as long as it would count down:
        who signs in meanwhile is asked, and sees the countdown."""
        restart = task.manifest.conduct.restart
        if not restart.asks_who_signs_in_later or _has_been_told(task, number) or self._prompter.is_anybody():
            return False
        waits = [
            one for one in task.reports if one["kind"] == "waiting" and one.get("number") == number and "by" in one
        ]
        if not waits:
            by = to_text(self._counted_down(task))
            self._report(task, kind="waiting", number=number, **{"for": "login", "by": by})
            return True
        return self._clock.now() < from_text(waits[-1]["by"])

    def _is_granted(self, task: Task, number: int) -> bool:
        option = task.manifest.conduct.restart.option
        return self._dialogue.allows(task, Topic("reboot", number), option, lambda: not self._is_stopping())

    def _counts_down(self, task: Task, number: int) -> bool:
        restart, topic = task.manifest.conduct.restart, Topic("countdown", number)
        if not restart.countdown:
            return False
        if said := topic.said(task):
            return self._clock.now() < from_text(said[-1]["until"])
        return self._dialogue.tell(task, topic, restart.countdown, until=self._counted_down(task))

    def _counted_down(self, task: Task) -> datetime:
        """When a countdown that begins now ends: before the window does, though it be shorter."""
        now = self._clock.now()
        last = task.manifest.not_after - self._clock.lasting(_ORDERED_BEFORE)
        return max(now, min(now + self._clock.lasting(task.manifest.conduct.restart.counts_down_for), last))

    def _report(self, task: Task, *, kind: str, **fields: object) -> None:
        self._journal.report(task, at=self._clock.now(), kind=kind, **fields)


def _has_been_told(task: Task, number: int) -> bool:
    """Whether the countdown is on the screen, or was: who saw it may sign out."""
    return bool(Topic("countdown", number).said(task))
