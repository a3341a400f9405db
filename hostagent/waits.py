"""What a host task waits for without holding anybody up: its last report says until when.

While a task waits nothing else is reported of it, so the journal alone tells a restarted agent where it was.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hostagent.clock import Clock, from_text, to_text
from hostagent.durations import Durations
from hostagent.manifest import PatchStep, Step
from hostagent.tasks import Task

Report = Callable[..., None]


def until(task: Task) -> datetime | None:
    """The instant before which nothing is to be done for the task; None when it does not wait."""
    if task.dropped or task.stale or not task.reports:
        return None
    said: dict[str, Any] = task.reports[-1]
    return from_text(said["until"]) if said.get("until") else None


class Window:
    """Whether a patch may begin now: its share of the downloads has come, and it can end before the window does."""

    def __init__(self, clock: Clock, durations: Durations, report: Report) -> None:
        self._clock, self._durations, self._report = clock, durations, report

    def is_awaited(self, task: Task, step: Step) -> bool:
        """Whether the downloads are still to wait for this machine's share; the wait begins with the first patch."""
        wait = task.manifest.conduct.download_within
        if not isinstance(step, PatchStep) or not wait or _is_past_the_wait(task):
            return False
        now = self._clock.now()
        # What came before may have eaten the window; half of what is left is for the patches.
        share = min(self._clock.lasting(wait) * share_of(task), (task.manifest.not_after - now) / 2)
        if share <= timedelta(0):
            return False
        self._report(task, kind="waiting", **{"for": "download", "until": to_text(now + share)})
        return True

    def is_too_short(self, task: Task, step: Step) -> bool:
        """Whether the step, being a patch, could not be expected to end before the window does."""
        if not isinstance(step, PatchStep):
            return False
        needed = timedelta(seconds=self._durations.expected(step.package))
        return self._clock.now() + needed > task.manifest.not_after


def share_of(task: Task) -> float:
    """This machine's place among those that download, from 0 to 1: the same whenever it is asked."""
    identity = task.identity
    seed = f"{task.manifest.agent_id}/{identity.host_task_id}/{identity.attempt}"
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big") / 2**64


def _is_past_the_wait(task: Task) -> bool:
    patches = {step.number for step in task.manifest.steps if isinstance(step, PatchStep)}
    begun = {report["number"] for report in task.reports if report["kind"] in ("step_started", "step_finished")}
    early = {report["number"] for report in task.reports if report["kind"] == "downloaded" and report["succeeded"]}
    waited = any(report["kind"] == "waiting" and report["for"] == "download" for report in task.reports)
    # What is here already need not be fetched.
    return waited or bool(patches & begun) or patches <= early
