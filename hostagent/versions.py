"""The agent's own versions: folders below `versions/`, and which of them runs.

`current` links to the one that runs; where there is none, it is the one that was installed by hand. A new one is on
trial until it has checked in: `trial.json` says since when, how often it was started, and what was there before.
Versions that failed their trial are named in `refused.json`, and are not tried again.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hostagent.clock import from_text, to_text
from hostagent.files import sync_directory, write_atomically

# The exit code by which an agent says that another version is to run from now on.
RESTART = 75


@dataclass(frozen=True)
class Trial:
    """`previous` is the name of the version before, None for the one that was installed by hand."""

    version: str
    previous: str | None
    since: str
    starts: int = 0


class Versions:
    """What is in an agent's folder."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._current, self._trial, self._refused = home / "current", home / "trial.json", home / "refused.json"

    def folder(self, version: str) -> Path:
        """Where a version is, or would be."""
        return self._home / "versions" / version

    @property
    def current(self) -> str | None:
        """The name of the one that is to run; None for the one that was installed by hand."""
        try:
            name = self._current.readlink().name
        except OSError:
            return None
        return name if (self.folder(name) / "hostagent" / "__main__.py").is_file() else None

    def newer_than(self, installed: str) -> str | None:
        """The current one, unless the one installed by hand has overtaken it."""
        name = self.current
        return name if name and number(name) > number(installed) else None

    @property
    def refused(self) -> set[str]:
        """Those that failed."""
        return set(_read(self._refused) or [])

    @property
    def trial(self) -> Trial | None:
        """What is on trial."""
        found = _read(self._trial)
        return Trial(**found) if isinstance(found, dict) else None

    def switch(self, version: str, *, now: datetime) -> None:
        """Let this version run from the next start on, on trial."""
        # First the trial: whoever dies in between has switched nothing, or goes back all the same.
        self._write(self._trial, asdict(Trial(version=version, previous=self.current, since=to_text(now))))
        self._link(version)

    def started(self) -> None:
        """Count a start of what is on trial."""
        if trial := self.trial:
            self._write(self._trial, asdict(replace(trial, starts=trial.starts + 1)))

    def confirm(self, version: str) -> bool:
        """It has checked in: the trial is over, and what nobody needs is cleared away. Whether there was one."""
        trial = self.trial
        if trial is None or trial.version != version:
            return False
        self._trial.unlink()
        self._clear({version, trial.previous})
        return True

    def go_back(self) -> Trial | None:
        """To what was there before the trial; the version is refused from now on. None where nothing is on trial."""
        trial = self.trial
        if trial is None:
            return None
        self._write(self._refused, sorted(self.refused | {trial.version}))
        self._link(trial.previous)
        self._trial.unlink()
        self._clear({trial.previous})
        return trial

    def _link(self, version: str | None) -> None:
        if version is None:
            self._current.unlink(missing_ok=True)
        else:
            made = self._home / ".current"
            made.unlink(missing_ok=True)
            made.symlink_to(Path("versions") / version)
            os.replace(made, self._current)  # noqa: PTH105 - the link, and not what it points to
        sync_directory(self._home)

    def _clear(self, kept: set[str | None]) -> None:
        for folder in (self._home / "versions").glob("*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _write(self, path: Path, content: Any) -> None:
        write_atomically(path, json.dumps(content, indent=1).encode())


def number(version: str) -> tuple[int, ...]:
    """To compare by. ValueError for what is no version such as 1.2.3."""
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6}){1,3}", version):
        raise ValueError(f"{version!r} is no version")
    return tuple(int(part) for part in version.split("."))


def is_over(trial: Trial, *, now: datetime, minutes: float, starts: int) -> bool:
    """Whether it had its chance."""
    return trial.starts >= starts or (now - from_text(trial.since)).total_seconds() > minutes * 60


def _read(path: Path) -> Any:
    read: Callable[[bytes], Any] = json.loads
    try:
        return read(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        # Half a file cannot be: it is written atomically. What is no JSON says nothing.
        return None
