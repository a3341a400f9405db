"""Runs the agent: starts it, starts it again when it ends, and goes back when a new version does not report.

It belongs to the version that was installed by hand, and is never replaced while it runs. What it runs is what
`current` links to, or its own version where there is none.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hostagent import VERSION
from hostagent.clock import Clock
from hostagent.versions import RESTART, Versions, is_over

log = logging.getLogger(__name__)

_OWN_SOURCES = Path(__file__).parents[1]
_LONGEST_PAUSE = 300.0
# Seconds that an agent has for bringing its step to an end once it was asked to stop.
_PATIENCE = 270.0


@dataclass(frozen=True)
class Rules:
    """How long, and for how many starts, a new version may take to check in; the rest is in seconds.

    `look` is from one look to the next; `hurry`, what a version that did not report has to end.
    """

    minutes: float = 10.0
    starts: int = 3
    look: float = 1.0
    hurry: float = 30.0


class Launcher:
    """One agent's. `arguments` are those of its `run`."""

    def __init__(
        self,
        home: Path,
        arguments: Sequence[str],
        *,
        stop: Event,
        clock: Clock | None = None,
        rules: Rules | None = None,
    ) -> None:
        self._arguments, self._stop = ["--home", str(home), *arguments], stop
        self._clock, self._rules = clock or Clock(), rules or Rules()
        self._versions = Versions(home)

    def run(self) -> None:
        """Until `stop` is set: then the agent is asked to stop, and waited for."""
        failures = 0
        while not self._stop.is_set():
            code = self._one_life()
            if self._stop.is_set():
                return
            if code == RESTART:
                failures = 0
                continue
            failures += 1
            log.warning("the agent ended with %s", code)
            trial = self._versions.trial
            # A version on trial has few starts, so it need not be waited for long.
            pause = self._rules.look if trial else min(2.0**failures, _LONGEST_PAUSE)
            self._clock.wait(self._stop, pause)

    def _one_life(self) -> int:
        self._go_back_if_over()
        self._versions.started()
        process = self._start()
        try:
            while (code := _ended(process, self._rules.look)) is None:
                if self._stop.is_set():
                    process.terminate()
                    return process.wait(_PATIENCE)
                if self._trial_is_over():
                    log.error("version %s did not report in time", self._versions.current)
                    return _end(process, self._rules.hurry)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return code

    def _start(self) -> "subprocess.Popen[bytes]":
        version = self._versions.newer_than(VERSION)
        sources = self._versions.folder(version) if version else _OWN_SOURCES
        log.info("starting version %s", version or "as installed")
        return subprocess.Popen(
            [sys.executable, "-m", "hostagent", "run", "--launched", *self._arguments],
            env=os.environ | {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"},
            # Python looks for modules in the working directory before all others.
            cwd=sources,
            stdin=subprocess.DEVNULL,
        )

    def _trial_is_over(self) -> bool:
        trial = self._versions.trial
        return trial is not None and is_over(
            trial, now=self._clock.now(), minutes=self._rules.minutes, starts=self._rules.starts + 1
        )

    def _go_back_if_over(self) -> None:
        trial = self._versions.trial
        if trial and is_over(trial, now=self._clock.now(), minutes=self._rules.minutes, starts=self._rules.starts):
            self._versions.go_back()
            log.error("version %s is no good: back to %s", trial.version, trial.previous or "the installed one")


def _end(process: "subprocess.Popen[bytes]", hurry: float) -> int:
    """Asked first: a step may be running."""
    process.terminate()
    code = _ended(process, hurry)
    if code is None:
        process.kill()
        code = process.wait()
    return code


def _ended(process: "subprocess.Popen[bytes]", seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
