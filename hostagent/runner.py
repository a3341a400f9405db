"""Do a host task: its steps in order, each at most once, whatever happens in between."""

import logging
from collections.abc import Callable
from typing import Any

from hostagent import tries
from hostagent.clock import Clock
from hostagent.dialogue import Dialogue
from hostagent.durations import Durations
from hostagent.errors import PackageManagerFailed
from hostagent.journal import Journal
from hostagent.manifest import InstallStep, PatchStep, RebootStep, ScanStep, ScriptStep, Step, UnknownStep
from hostagent.notes import Notes
from hostagent.outcome import Outcome, Waiting
from hostagent.patches import Patches
from hostagent.person import Prompter
from hostagent.reboots import Reboots
from hostagent.scripts import Scripts
from hostagent.software import Software
from hostagent.tasks import Task
from hostagent.tries import Tries
from hostagent.waits import Window
from hostagent.windows import WindowsSteps
from hostagent.windows_steps import RegistryStep, UninstallStep

log = logging.getLogger(__name__)

_FAILED = ("failed", "interrupted")
# Steps count from 1: under this number the journal holds what the machine was like before the first.
_BEFORE_ALL = 0


class Runner:
    """`windows` does what only Windows has. `scan` makes a SCAN; `nudge` is called when there is news to report.

    `checkpoint` as in the journal.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        clock: Clock,
        scripts: Scripts,
        software: Software,
        patches: Patches,
        reboots: Reboots,
        prompter: Prompter,
        durations: Durations,
        windows: WindowsSteps | None,
        scan: Callable[[], dict[str, Any]],
        nudge: Callable[[], None],
        checkpoint: Callable[[str], None],
    ) -> None:
        self._journal, self._clock = journal, clock
        self._scripts, self._software, self._patches = scripts, software, patches
        self._reboots, self._windows, self._scan = reboots, windows, scan
        self._nudge, self._checkpoint = nudge, checkpoint
        self.waits = False
        self._durations = durations
        self._dialogue = Dialogue(prompter, clock, self._report)
        self._window = Window(clock, durations, self._report)
        self._tries = Tries(clock, self._report)

    def run(self, task: Task, may_go_on: Callable[[], bool]) -> None:
        """Do all steps that are not done. It may be stopped between two, or left to wait; a later call goes on.

        `waits` says afterwards whether a step goes on in a later life: nothing else is to be begun in this one.
        """
        self.waits = False
        if not task.reports:
            self._report(task, kind="accepted")
        if not self._dialogue.allows_start(task, may_go_on):
            return
        self._reboots.note_before(task, self._notes(task, _BEFORE_ALL))
        while not all(task.ended(step.number) for step in task.manifest.steps):
            step = tries.next_step(task)
            if step is None:
                if self._tries.waits(task):
                    return
            elif not self._take(task, step, may_go_on):
                return
        if not task.finished:
            self._dialogue.tell_completed(task)
            self._report(task, kind="finished", rebootPending=self._reboots.is_pending(task))

    def _take(self, task: Task, step: Step, may_go_on: Callable[[], bool]) -> bool:
        """Bring one step to its end; False when it is left for later."""
        # First what an earlier life began: it may have had its effect, whatever the rules say by now.
        outcome = self._settle(task, step)
        if outcome is None:
            if not may_go_on():
                return False
            reason = self._reason_to_skip(task, step)
            if reason is None and self._window.is_awaited(task, step):
                return False
            outcome = Outcome(reason) if reason else self._do(task, step)
        if isinstance(outcome, Waiting):
            self.waits = True
            return False
        self._tries.end(task, step, outcome)
        log.info("step %s of %s: %s, %s", step.number, task.identity.host_task_id, outcome.state, outcome.reason)
        return True

    def _settle(self, task: Task, step: Step) -> Outcome | Waiting | None:
        return self._settle_begun(task, step) if step.number in task.begun else None

    def _settle_begun(self, task: Task, step: Step) -> Outcome | Waiting | None:
        notes = self._notes(task, step.number)
        if isinstance(step, RebootStep):
            return self._reboots.settle(notes, within=step.timeout)
        if isinstance(step, ScriptStep):
            return self._scripts.settle(notes)
        if isinstance(step, InstallStep):
            return self._software.settle(step, notes)
        if isinstance(step, PatchStep):
            return self._patches.settle(step, notes)
        if isinstance(step, RegistryStep | UninstallStep) and self._windows:
            return self._windows.settle(step, notes)
        return None

    def _reason_to_skip(self, task: Task, step: Step) -> str | None:
        if task.dropped or task.stale:
            return "dropped"
        if isinstance(step, ScanStep):
            return None
        if self._clock.now() > task.manifest.not_after:
            return "window_over"
        if _is_barred(task, step):
            return "earlier_step_failed"
        return "window_over" if self._window.is_too_short(task, step) else None

    def _do(self, task: Task, step: Step) -> Outcome | Waiting:
        notes = self._notes(task, step.number)
        if isinstance(step, ScanStep):
            before = self._notes(task, _BEFORE_ALL)
            if waiting := self._reboots.at_the_end(task, notes, before=before):
                return waiting
        if not task.started(step.number):
            self._report(task, kind="step_started", number=step.number)
        return self._close(task) if isinstance(step, ScanStep) else self._act(task, step, notes)

    def _act(self, task: Task, step: Step, notes: Notes) -> Outcome | Waiting:
        if isinstance(step, RebootStep):
            return self._reboots.run(step, notes)
        if isinstance(step, ScriptStep):
            return self._scripts.run(step, notes)
        if isinstance(step, InstallStep):
            return self._software.run(step, notes)
        if isinstance(step, PatchStep):
            return self._patch(task, step, notes)
        if isinstance(step, RegistryStep | UninstallStep) and self._windows:
            return self._windows.run(step, notes)
        return Outcome("unsupported", output="this agent does not know this kind of step, or not on this machine")

    def _patch(self, task: Task, step: PatchStep, notes: Notes) -> Outcome:
        self._dialogue.tell_meanwhile(task, step)
        outcome = self._patches.run(step, notes)
        if outcome.reason == "done":
            self._durations.add(step.package, outcome.seconds)
        return outcome

    def _close(self, task: Task) -> Outcome:
        """The closing inventory. It changes nothing, so after a crash it is simply made again."""
        if task.scanned():
            return Outcome("done")
        try:
            scan = self._scan()
        except PackageManagerFailed as error:
            return Outcome("package_manager_failed", output=str(error))
        self._report(task, kind="scanned", scan=scan)
        return Outcome("done")

    def _notes(self, task: Task, number: int) -> Notes:
        return Notes(self._journal, task, number, self._checkpoint)

    def _report(self, task: Task, *, kind: str, **fields: Any) -> None:
        self._journal.report(task, at=self._clock.now(), kind=kind, **fields)
        self._nudge()


def _is_barred(task: Task, step: Step) -> bool:
    """A failed pre-action bars all that follows; a failed patch bars later patches, unless the manifest goes on."""
    for earlier in task.manifest.steps:
        if earlier.number >= step.number:
            return False
        end = task.ended(earlier.number)
        if end is None or end["state"] not in _FAILED:
            continue
        # What we do not know might have been a condition for all that follows.
        if isinstance(earlier, UnknownStep) or getattr(earlier, "stage", None) == "pre":
            return True
        between_patches = isinstance(earlier, PatchStep) and isinstance(step, PatchStep)
        if between_patches and not task.manifest.conduct.continues_on_patch_failure:
            return True
    return False
