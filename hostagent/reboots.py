"""Restart the machine, once, and know afterwards whether it did.

A restart has happened when the machine has another boot id than the journal noted before the order. The order is given
by a child behind the gate of `processes`: with no child in the journal it was never given, and is given now; with one
it is never given again.
"""

import logging
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hostagent import output, processes
from hostagent.clock import Clock, from_text, to_text
from hostagent.host import Host
from hostagent.manifest import InstallStep, PatchStep, RebootStep, Step
from hostagent.notes import Notes
from hostagent.outcome import WAITING, Outcome, Waiting
from hostagent.pending import PendingRestart
from hostagent.providers import Provider
from hostagent.rebooters import Rebooter
from hostagent.software import RESTART_CODES
from hostagent.tasks import Task

log = logging.getLogger(__name__)

# Seconds: how long the order itself may take, and the machine after it where the job does not say.
_ORDER = 30.0
BACK_WITHIN = 600.0


def nobody_is_asked(notes: Notes) -> bool:
    """Called before each restart; False puts it off. Here the machine restarts without a word to whoever sits at it."""
    return True


class Reboots:
    """Restarts of one host. `rebooter` None: it cannot restart. `tell` sends what the journal holds, or gives up.

    `folder` is private and holds what the order prints. `before_restart` may take its time, and ask the person there.
    Where it answers False, the step waits, and is come back to.
    """

    def __init__(
        self,
        host: Host,
        *,
        rebooter: Rebooter | None,
        provider: Provider | None,
        pending: PendingRestart,
        folder: Path,
        clock: Clock,
        tell: Callable[[], None],
        before_restart: Callable[[Notes], bool] = nobody_is_asked,
        back_within: float = BACK_WITHIN,
    ) -> None:
        self._host, self._rebooter, self._provider = host, rebooter, provider
        self._pending, self._folder, self._clock = pending, folder, clock
        self._tell, self._before_restart, self._back_within = tell, before_restart, back_within

    # --- the action -------------------------------------------------------------------------------------------------

    def run(self, step: RebootStep, notes: Notes) -> Outcome | Waiting:
        """Restart the machine; WAITING once it has taken the order."""
        if self._rebooter is None:
            return Outcome("unsupported", output="this host cannot be restarted")
        return self._order(self._rebooter, notes)

    def settle(self, notes: Notes, *, within: float) -> Outcome | Waiting | None:
        """What became of a restart that has begun: None when the order was never given."""
        if notes.before is None:
            return None
        if self._host.boot_id() != notes.before["bootId"]:
            return Outcome("done")
        if notes.last_child is None:
            return None
        if self._clock.now() < from_text(notes.before["at"]) + timedelta(seconds=within):
            return WAITING
        return Outcome("timed_out", output="the machine was told to restart, and has not; it is not told again")

    # --- at the end of a task ---------------------------------------------------------------------------------------

    def note_before(self, task: Task, notes: Notes) -> None:
        """Before a task's first step: what waits for a restart already is not this task's."""
        if notes.before is None:
            notes.begin({"bootId": self._host.boot_id(), "rebootRequired": self._is_required()})

    def at_the_end(self, task: Task, notes: Notes, *, before: Notes) -> Waiting | None:
        """One restart before the closing scan, where the task's work wants it. None: go on with the scan.

        Not where the job suppresses it, the window is over, or the host cannot: then it stays pending.
        """
        if notes.before is not None:
            settled = self.settle(notes, within=self._back_within)
            if settled is not None:
                return WAITING if isinstance(settled, Waiting) else None
        elif not self._is_wanted(task, before):
            return None
        self._pending.note(task.label)
        if task.manifest.suppresses_reboots or self._clock.now() > task.manifest.not_after or self._rebooter is None:
            return None
        outcome = self._order(self._rebooter, notes)
        if isinstance(outcome, Waiting):
            return WAITING
        log.error("the machine did not take the order to restart: %s", outcome.output)
        return None

    def is_pending(self, task: Task) -> bool:
        """Whether this task's work still waits for a restart."""
        return self._pending.is_of(task.label)

    def is_required(self) -> bool:
        """Whether anything on this host waits for a restart, as a SCAN tells it."""
        return self._pending.is_there() or self._is_required()

    def _is_wanted(self, task: Task, before: Notes) -> bool:
        ends = [(step, end) for step in task.manifest.steps if (end := task.ended(step.number))]
        done = [(step, end) for step, end in ends if end["state"] == "succeeded" and end["reason"] == "done"]
        # What was done before the job's own restart is in effect since then.
        restarted = max((step.number for step, _ in done if isinstance(step, RebootStep)), default=0)
        done = [(step, end) for step, end in done if step.number > restarted]
        if any(_says_so(step, end["exitCode"]) for step, end in done):
            return True
        installed = any(isinstance(step, PatchStep | InstallStep) for step, _ in done)
        return self._is_required() and (installed or not self._was_required(before))

    def _was_required(self, before: Notes) -> bool:
        noted = before.before
        return bool(noted and noted["rebootRequired"] and noted["bootId"] == self._host.boot_id())

    def _is_required(self) -> bool:
        return self._provider.reboot_required() if self._provider else False

    # --- the order --------------------------------------------------------------------------------------------------

    def _order(self, rebooter: Rebooter, notes: Notes) -> Outcome | Waiting:
        if not self._before_restart(notes):
            return WAITING
        now = to_text(self._clock.now())
        notes.begin({"bootId": self._host.boot_id(), "at": now})
        notes.rebooting(self._clock.now())
        # The server is to know before the silence begins. Where it cannot be told, it learns afterwards.
        self._tell()
        outcome = self._give(rebooter, notes)
        if isinstance(outcome, Waiting):
            log.info("the machine restarts")
            rebooter.taken()
        return outcome

    def _give(self, rebooter: Rebooter, notes: Notes) -> Outcome | Waiting:
        said = self._folder / f"{notes.label}.out"
        with said.open("wb") as sink:
            process, _ = processes.start(
                rebooter.command(),
                env=self._host.environment(),
                cwd=Path("/"),
                stdout=sink,
                on_started=notes.child,
                checkpoint=notes.checkpoint,
            )
        try:
            exit_code = process.wait(_ORDER)
        except subprocess.TimeoutExpired:
            return WAITING
        notes.checkpoint("restart:ordered")
        if exit_code == 0:
            return WAITING
        text, cut = output.of_file(said)
        return Outcome("nonzero_exit", exit_code=exit_code, output=text, output_cut=cut)


def _says_so(step: Step, exit_code: int | None) -> bool:
    if isinstance(step, InstallStep):
        return exit_code in RESTART_CODES
    return isinstance(step, PatchStep) and exit_code == RESTART_CODES[0]
