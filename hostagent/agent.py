"""The agent's life: ask, work, report, rest."""

import logging
import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from hostagent import inventory, state, waits
from hostagent.client import Client
from hostagent.clock import Clock, from_text, to_text
from hostagent.contacts import Contacts
from hostagent.downloads import Downloads
from hostagent.durations import FLOOR, Durations
from hostagent.early import EarlyDownloads
from hostagent.errors import AgentError, DiskFull, PackageManagerFailed, Unauthorised, Unreachable
from hostagent.farewell import Farewell
from hostagent.heartbeat import Heartbeat
from hostagent.history import History
from hostagent.host import Host
from hostagent.journal import Journal, no_checkpoint
from hostagent.line import Line
from hostagent.notes import Notes
from hostagent.operations import LOCK_WAIT, Operations
from hostagent.patches import Patches
from hostagent.pending import PendingRestart
from hostagent.person import Prompter, prompter_of
from hostagent.providers import provider_of
from hostagent.rebooters import Rebooter
from hostagent.reboots import BACK_WITHIN, Reboots
from hostagent.releases import Updates
from hostagent.reserve import Reserve
from hostagent.runner import Runner
from hostagent.scripts import Scripts
from hostagent.software import Software
from hostagent.tasks import Task
from hostagent.windows import windows_steps

log = logging.getLogger(__name__)

# Seconds.
_BARRED = 600.0
_LONGEST_BACK_OFF = 300.0
_SCAN_AGAIN = 900.0
_SCAN_EVERY = timedelta(days=1)


class Agent:
    """One enrolled agent on its folder. Make it inside `lock.only_instance`; close it when done."""

    def __init__(
        self,
        home: Path,
        host: Host,
        *,
        clock: Clock | None = None,
        stop: Event | None = None,
        checkpoint: Callable[[str], None] = no_checkpoint,
        lock_wait: float = LOCK_WAIT,
        rebooter: Rebooter | None = None,
        before_restart: Callable[[Notes], bool] | None = None,
        back_within: float = BACK_WITHIN,
        prompter: Prompter | None = None,
        may_update: bool = False,
    ) -> None:
        """NotEnrolled without an agent.json; JournalDamaged when the journal cannot be trusted."""
        self._home, self._host, self._checkpoint = home, host, checkpoint
        self._clock = clock or Clock()
        self._stop = stop or Event()
        self._state = state.load(home)
        self._reserve = Reserve(home / "reserve")
        self._reserve.keep()
        self._journal = Journal(home / "journal.jsonl", checkpoint, self._reserve)
        client = Client(
            self._state.server,
            self._clock,
            self._stop,
            self._state.credential,
            ca=state.ca_file(home, self._state),
            proxy=self._state.proxy,
        )
        contacts = Contacts(home, checkpoint)
        keys = self._state.release_keys
        self._updates = Updates(home, keys, client.fetch, clock=self._clock, may_switch=may_update)
        self.is_replaced = False
        self._line = Line(client, self._state, self._journal, self._clock, contacts=contacts, boot_id=host.boot_id)
        self._provider = provider_of(host, home / "installers")
        self._work = home / "work"
        self._work.mkdir(mode=0o700, exist_ok=True)
        self._windows = windows_steps(host, self._work, self._clock)
        self._scripts = Scripts(
            host, self._work, self._clock, lambda notes, kept: self._line.live.watch(*notes.step, kept)
        )
        history = History(home / "history.json")
        operations = Operations(host, self._work, self._clock, lock_wait=lock_wait)
        downloads = Downloads(self._clock, self._stop)
        self._software = Software(self._scripts, self._provider, operations, downloads, self._work)
        self._patches = Patches(host, self._provider, history, operations, self._clock)
        self._prompter = prompter or prompter_of(host)
        self._farewell = Farewell(self._prompter, self._journal, self._clock, self._stop.is_set)
        self._reboots = Reboots(
            host,
            rebooter=rebooter,
            provider=self._provider,
            pending=PendingRestart(home / "restart.json", host),
            folder=self._work,
            clock=self._clock,
            tell=self._report,
            before_restart=before_restart or self._farewell.allows,
            back_within=back_within,
        )
        self._downloads = EarlyDownloads(self._journal, self._patches, self._clock)
        floor = self._clock.lasting(timedelta(seconds=FLOOR)).total_seconds()
        self._durations = Durations(home / "durations.json", floor)
        self._no_scan_before = 0.0

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()

    def run(self) -> None:
        """Until `stop` is set, or another version is to run from now on (then `is_replaced`).

        The step that runs then is brought to its end first.
        """
        failures = 0
        while not self._stop.is_set():
            try:
                self._line.turn()
                failures = 0
                if self._updates.followed(self._line.offer, busy=bool(self._journal.tasks)):
                    self.is_replaced = True
                    return
            except Unauthorised as error:
                log.error("%s; asking again in ten minutes", error)
                self._clock.wait(self._stop, _BARRED)
                continue
            except AgentError as error:
                failures += 1
                log.warning("%s", error)
            # Work that is in the journal is done without the server too, until its deadline.
            if not self._do_some():
                self._clock.wait(self._stop, self._rest(failures))

    def once(self) -> None:
        """Check in, do all that there is to do, report it. Unreachable when the server is away at the end."""
        self._line.turn()
        while self._work_off() and not self._stop.is_set():
            self._line.turn()
        self._scan_if_due()

    def _do_some(self) -> bool:
        """Whether there was anything to do. On a full disk what was begun is gone on with later."""
        try:
            return self._work_off() or self._scan_if_due()
        except DiskFull as error:
            log.error("%s", error)
            self._reserve.release()
            return False

    def _work_off(self) -> bool:
        """Do the tasks that can be done now and forget those that are over; whether there was anything to do."""
        worked = False
        for task in self._journal.tasks:
            if not self._stop.is_set() and self._is_runnable(task):
                if self._run(task):
                    # The machine restarts, or we are to end: nothing else is begun, and there is nothing to hurry for.
                    worked = False
                    break
                worked = True
            elif not self._stop.is_set():
                self._downloads.fetch_early(task)
        self._report()
        for task in self._journal.tasks:
            if task.over:
                self._forget(task)
        return worked

    def _is_runnable(self, task: Task) -> bool:
        if task.finished:
            return False
        if task.dropped or task.stale:
            return True
        return self._clock.now() >= max(task.manifest.not_before, waits.until(task) or task.manifest.not_before)

    def _run(self, task: Task) -> bool:
        """Whether it waits for another life, or for the person to let the machine restart."""
        with Heartbeat(self._line, self._clock) as heartbeat:
            runner = Runner(
                journal=self._journal,
                clock=self._clock,
                scripts=self._scripts,
                software=self._software,
                patches=self._patches,
                reboots=self._reboots,
                prompter=self._prompter,
                durations=self._durations,
                windows=self._windows,
                scan=self._scan,
                nudge=heartbeat.nudge,
                checkpoint=self._checkpoint,
            )
            runner.run(task, lambda: not self._stop.is_set() and not heartbeat.barred)
        return runner.waits

    def _report(self) -> None:
        try:
            self._line.report()
        except (Unreachable, Unauthorised) as error:
            # The next turn says so again, and knows what to do.
            log.warning("%s", error)

    def _forget(self, task: Task) -> None:
        self._journal.forget(task, self._clock.now())
        self._reserve.keep()
        identity = task.identity
        for path in self._work.glob(f"{identity.host_task_id}-{identity.attempt}-*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        log.info("host task %s/%s is over", identity.host_task_id, identity.attempt)

    def _scan(self) -> dict[str, Any]:
        required = self._reboots.is_required()
        return inventory.scan(self._host, self._provider, at=self._clock.now(), reboot_required=required)

    def _scan_if_due(self) -> bool:
        now = self._clock.now()
        if self._clock.monotonic() < self._no_scan_before or not (self._line.scan_wanted or self._is_stale(now)):
            return False
        self._no_scan_before = self._clock.monotonic() + _SCAN_AGAIN
        try:
            self._line.send_scan(self._scan())
        except (PackageManagerFailed, Unreachable, Unauthorised) as error:
            log.warning("no inventory now: %s", error)
            return False
        self._no_scan_before = 0.0
        self._state = state.scanned(self._home, self._state, to_text(now), self._host.boot_id())
        return True

    def _is_stale(self, now: datetime) -> bool:
        last, boot_id = self._state.last_scan_at, self._state.last_scan_boot_id
        restarted = boot_id is not None and boot_id != self._host.boot_id()
        return last is None or restarted or now - from_text(last) > _SCAN_EVERY

    def _rest(self, failures: int) -> float:
        """Seconds until the next turn."""
        if not failures:
            return min(self._line.poll_seconds, self._until_a_wait_ends())
        pause = min(self._line.poll_seconds * 2.0**failures, _LONGEST_BACK_OFF)
        return pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _until_a_wait_ends(self) -> float:
        """Seconds; as good as for ever when no task waits."""
        now = self._clock.now()
        ends = [end for task in self._journal.tasks if not task.finished and (end := waits.until(task))]
        # Never none at all: clocks are read to the millisecond here and not quite as often as they tick.
        return max(min(((end - now).total_seconds() for end in ends), default=_BARRED), 0.01)
