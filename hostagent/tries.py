"""Patches that failed and are tried again, in rounds.

A round takes every patch that is open; those that fail and may be tried again wait for the next round together. What
comes after the patches comes after the last round.
"""

from collections.abc import Callable
from typing import Any

from hostagent.clock import Clock, to_text
from hostagent.manifest import PatchStep, Step
from hostagent.outcome import Outcome
from hostagent.tasks import Task

# Another try cannot help, or nobody knows what the first has done.
_FINAL = {"unsupported", "interrupted"}
# Of a step that had been tried, none of these is how it ended.
_NOT_TRIED = {"window_over", "dropped", "earlier_step_failed"}
_FIELDS = ("state", "reason", "exitCode", "output", "outputCut", "fromVersion", "toVersion", "seconds")


def next_step(task: Task) -> Step | None:
    """The step to take now; None when this round of patches is over, or all is done."""
    is_open = False
    for step in task.manifest.steps:
        if task.ended(step.number):
            continue
        if not isinstance(step, PatchStep):
            return None if is_open else step
        if not _is_tried_in_this_round(task, step.number):
            return step
        is_open = True
        if not task.manifest.conduct.continues_on_patch_failure:
            # The later ones are neither tried nor given up: this one may yet succeed.
            return None
    return None


class Tries:
    """What becomes of an outcome; `report` writes it down."""

    def __init__(self, clock: Clock, report: Callable[..., None]) -> None:
        self._clock, self._report = clock, report

    def end(self, task: Task, step: Step, outcome: Outcome) -> None:
        """Report how the step ended, or, where it is to be tried again, how this try did."""
        tries = tries_of(task, step.number)
        if self._is_to_be_tried_again(task, step, outcome, len(tries) + 1):
            self._report(task, kind="step_tried", number=step.number, **{"try": len(tries) + 1}, **outcome.fields())
        else:
            was_tried = outcome.reason not in _NOT_TRIED
            self._end(task, step.number, tries, outcome if was_tried or not tries else None)

    def waits(self, task: Task) -> bool:
        """End a round: whether the task is to wait for the next. Where the window leaves no time for one, what was
        tried has ended as its last try did."""
        retries = task.manifest.conduct.retries
        tried = {step.number: tries for step in task.manifest.steps if (tries := _open_tries(task, step))}
        if retries is None:
            raise AssertionError("without retries no round has a next one")
        done = max(map(len, tried.values()))
        until = self._clock.now() + self._clock.lasting(retries.pause_before(done))
        if until < task.manifest.not_after and not task.dropped and not task.stale:
            self._report(task, kind="waiting", **{"for": "retry", "try": done + 1, "until": to_text(until)})
            return True
        for number, tries in tried.items():
            self._end(task, number, tries, None)
        return False

    def _end(self, task: Task, number: int, tries: list[dict[str, Any]], outcome: Outcome | None) -> None:
        """Without an outcome it ended as its last try did."""
        fields = outcome.fields() if outcome else {name: tries[-1][name] for name in _FIELDS}
        if tries:
            # What was there before the first try is what the step replaced.
            first = next((one["fromVersion"] for one in tries if one["fromVersion"]), None)
            fields |= {"tries": len(tries) + (outcome is not None), "fromVersion": first or fields["fromVersion"]}
        self._report(task, kind="step_finished", number=number, **fields)

    def _is_to_be_tried_again(self, task: Task, step: Step, outcome: Outcome, number: int) -> bool:
        retries = task.manifest.conduct.retries
        return (
            isinstance(step, PatchStep)
            and retries is not None
            and number <= retries.count
            and outcome.state == "failed"
            and outcome.reason not in _FINAL
            and not task.dropped
            and not task.stale
        )


def tries_of(task: Task, number: int) -> list[dict[str, Any]]:
    """The reports of a step's tries that were not its last."""
    return [report for report in task.reports if report["kind"] == "step_tried" and report["number"] == number]


def _open_tries(task: Task, step: Step) -> list[dict[str, Any]]:
    return [] if task.ended(step.number) else tries_of(task, step.number)


def _is_tried_in_this_round(task: Task, number: int) -> bool:
    for report in reversed(task.reports):
        if report["kind"] == "waiting" and report["for"] == "retry":
            return False
        if report["kind"] == "step_tried" and report["number"] == number:
            return True
    return False
