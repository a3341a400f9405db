"""What the person is told and asked while a host task is done. What was said is in the task's reports, so that a
restarted agent neither asks again what was answered nor forgets what it granted."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hostagent.clock import Clock, from_text, to_text
from hostagent.conduct import LONGEST_DEFERMENT, Message, Question
from hostagent.manifest import PatchStep, ScanStep, Step
from hostagent.person import Notice, Prompter
from hostagent.tasks import Task

log = logging.getLogger(__name__)

# How long a question stands. Who is signed in and does not answer is not in the way.
ANSWER_WITHIN = timedelta(minutes=15)
_LOOK_EVERY = 0.2


@dataclass(frozen=True)
class Topic:
    """What is talked about, `number` being the step where there may be several."""

    about: str
    number: int | None = None

    def fields(self) -> dict[str, Any]:
        """As reports name it."""
        return {"about": self.about} | ({} if self.number is None else {"number": self.number})

    def said(self, task: Task) -> list[dict[str, Any]]:
        """The reports about it, in order."""
        kinds, named = ("shown", "asked", "answered"), (self.about, self.number)
        said = [report for report in task.reports if report["kind"] in kinds]
        return [report for report in said if (report["about"], report.get("number")) == named]


DURING, COMPLETED = Topic("during"), Topic("completed")


class Dialogue:
    """`report` writes down what was said."""

    def __init__(self, prompter: Prompter, clock: Clock, report: Callable[..., None]) -> None:
        self._prompter, self._clock, self._report = prompter, clock, report

    def allows_start(self, task: Task, may_go_on: Callable[[], bool]) -> bool:
        """Whether the work may begin now; False where it was deferred, or where the agent is to stop."""
        begun = any(report["kind"] in ("step_started", "step_finished") for report in task.reports)
        return begun or self.allows(task, Topic("before"), task.manifest.conduct.before, may_go_on)

    def allows(self, task: Task, topic: Topic, question: Question, may_go_on: Callable[[], bool]) -> bool:
        """Put the question unless it was settled; False where it was deferred, or where the agent is to stop.

        Without a title nothing is asked. Where nobody who could answer is signed in, nothing is deferred.
        """
        said = topic.said(task)
        if not question.message or task.dropped or task.stale or _is_settled(said):
            return True
        if not self._prompter.can_answer():
            self.tell(task, topic, question.message)
            self._report(task, kind="answered", **topic.fields(), answer="nobody")
            return True
        left = self._deferrals_left(task, question, said)
        if not left:
            self.tell(task, topic, question.message)
            return True
        return self._asks(task, topic, question, left, may_go_on)

    def tell_meanwhile(self, task: Task, step: Step) -> None:
        """Before the first patch: say that patches are coming."""
        message = task.manifest.conduct.during
        if isinstance(step, PatchStep) and message and not DURING.said(task):
            self.tell(task, DURING, message)

    def tell_completed(self, task: Task) -> None:
        """After the last step, where anything was done or the job always wants it."""
        conduct = task.manifest.conduct
        wanted = conduct.always_shows_completed or _has_done_anything(task)
        if conduct.completed and wanted and not (task.dropped or task.stale or COMPLETED.said(task)):
            self.tell(task, COMPLETED, conduct.completed)

    def tell(self, task: Task, topic: Topic, message: Message, *, until: datetime | None = None) -> bool:
        """Show it; whether there was anybody. With `until` it counts down, and the task waits until then.

        Killed in between, it is shown once more: better than not at all.
        """
        now = self._clock.now()
        notice = Notice(
            topic.about,
            message.title,
            message.text,
            seconds=0 if until is None else max(int((until - now).total_seconds()), 1),
            minimised=task.manifest.conduct.minimised,
        )
        if not self._prompter.show(notice):
            return False
        granted = {} if until is None else {"until": to_text(until)}
        self._report(task, kind="shown", **topic.fields(), minimised=notice.minimised, **granted)
        return True

    def _asks(self, task: Task, topic: Topic, question: Question, left: int, may_go_on: Callable[[], bool]) -> bool:
        answer_by = self._open(task, topic, left)
        notice = Notice(
            topic.about,
            question.message.title,
            question.message.text,
            deferrals=left,
            defers_for=_in_words(question.deferment.interval),
            seconds=max(int((answer_by - self._clock.now()).total_seconds()), 1),
            minimised=task.manifest.conduct.minimised,
        )
        answer = self._answer_to(notice, answer_by, lambda: may_go_on() and not (task.dropped or task.stale))
        if answer is None:
            return False
        granted: dict[str, Any] = {}
        if answer == "defer":
            granted["until"] = to_text(self._clock.now() + self._clock.lasting(question.deferment.interval))
        self._report(task, kind="answered", **topic.fields(), answer=answer, **granted)
        log.info("host task %s, %s: %s", task.identity.host_task_id, topic.about, answer)
        return answer != "defer"

    def _open(self, task: Task, topic: Topic, left: int) -> datetime:
        """Until when the question stands; one that an earlier life asked keeps its time."""
        said = topic.said(task)
        if said and said[-1]["kind"] == "asked":
            return from_text(said[-1]["answerBy"])
        answer_by = min(self._clock.now() + self._clock.lasting(ANSWER_WITHIN), task.manifest.not_after)
        self._report(task, kind="asked", **topic.fields(), deferralsLeft=left, answerBy=to_text(answer_by))
        return answer_by

    def _answer_to(self, notice: Notice, answer_by: datetime, may_go_on: Callable[[], bool]) -> str | None:
        """None where the question is left open: the agent is to stop, or the task was taken back."""
        dialog = self._prompter.ask(notice)
        try:
            while (answer := dialog.answer()) is None:
                if self._clock.now() >= answer_by:
                    return "timed_out"
                if not may_go_on():
                    return None
                self._clock.sleep(_LOOK_EVERY)
            return answer
        finally:
            dialog.close()

    def _deferrals_left(self, task: Task, question: Question, said: list[dict[str, Any]]) -> int:
        """Those that would end in time; 0 is no question."""
        deferment = question.deferment
        used = sum(report.get("answer") == "defer" for report in said)
        if not deferment.interval:
            return 0
        most = min(deferment.count, LONGEST_DEFERMENT // deferment.interval)
        fits = self._clock.now() + self._clock.lasting(deferment.interval) < task.manifest.not_after
        return max(most - used, 0) if fits else 0


def _is_settled(said: list[dict[str, Any]]) -> bool:
    return bool(said) and said[-1]["kind"] != "asked" and said[-1].get("answer") != "defer"


def _has_done_anything(task: Task) -> bool:
    scans = {step.number for step in task.manifest.steps if isinstance(step, ScanStep)}
    ends = [report for report in task.reports if report["kind"] == "step_finished" and report["number"] not in scans]
    return any(end["state"] in ("succeeded", "failed") and end["reason"] != "already_installed" for end in ends)


def _in_words(duration: timedelta) -> str:
    minutes = int(duration.total_seconds() // 60)
    number, unit = (minutes // 60, "hour") if minutes % 60 == 0 else (minutes, "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"
