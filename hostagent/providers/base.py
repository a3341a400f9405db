"""What a package manager can be asked, and how it is called."""

import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.manifest import PatchStep

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~^_-]*")
# Seconds after which a question (not an operation) is given up.
_QUESTION = 600


@dataclass(frozen=True)
class Installed:
    """A package on this machine. Not `whole`: unpacked or half configured, as after a failed script of its own."""

    version: str
    whole: bool


@dataclass(frozen=True)
class PackageFile:
    """What a package file holds. `version` is written as `Installed` writes it."""

    name: str
    architecture: str
    version: str


def source(url: str) -> str:
    """The URL, if a package manager may be given it in a line of its configuration; else ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http", "file") or any(sign.isspace() or sign in "[]'\"," for sign in url):
        raise ValueError(f"{url!r} cannot be a source of packages")
    return url.rstrip("/") + "/"


class Provider(ABC):
    """One machine's package manager. Questions raise PackageManagerFailed (or -Locked) with its output."""

    name: str
    # How its package files' names end.
    file_suffix = ""

    def __init__(self, host: Host) -> None:
        self._host = host

    def for_step(self, step: PatchStep) -> "Provider":
        """The one that does this step: where patches bring their own installers, one that knows them."""
        return self

    def accepts(self, package: str, version: str) -> bool:
        """Whether these can be a package's name and a version: neither for an option, nor for a file's path."""
        return _NAME.fullmatch(package) is not None and _VERSION.fullmatch(version) is not None

    @abstractmethod
    def refresh(self) -> None:
        """Fetch the sources' package lists."""

    @abstractmethod
    def installed(self, package: str, architecture: str | None) -> Installed | None:
        """What is there; None when nothing is."""

    @abstractmethod
    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        """Whether a source has exactly this version."""

    @abstractmethod
    def compare(self, first: str, second: str) -> int:
        """Negative, zero or positive, by the package manager's own order of versions."""

    @abstractmethod
    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        """The command that brings exactly this version. It must ask nothing and remove no other package."""

    def package_in(self, path: Path) -> PackageFile | None:
        """What this file holds; None where it is no package of this package manager."""
        return None

    def install_file_command(self, path: Path) -> list[str]:
        """The command that installs a package file and what it needs; asked of those alone that `package_in` knows."""
        raise NotImplementedError(f"{self.name} installs no files")

    @abstractmethod
    def download_command(self, package: str, architecture: str | None, version: str) -> list[str]:
        """The command that fetches what `install_command` would, and installs nothing."""

    def download(self, package: str, architecture: str | None, version: str) -> None:
        """Fetch what would be installed. PackageManagerFailed."""
        done = tuple(filter(self.is_done, range(256)))
        self.ask(self.download_command(package, architecture, version), accepted=done)

    @abstractmethod
    def only_from(self, url: str, folder: Path) -> "Provider":
        """The same package manager with this base URL as its only source.

        What it knows of that source stays in `folder`. ValueError for a URL that cannot be one.
        """

    @abstractmethod
    def packages(self) -> list[dict[str, str]]:
        """All that are installed, as a SCAN lists them."""

    @abstractmethod
    def updates(self) -> list[dict[str, Any]]:
        """What would be installed today, as a SCAN lists them."""

    @abstractmethod
    def is_locked(self, exit_code: int, output: str) -> bool:
        """Whether a command failed only because another program holds the lock."""

    def is_done(self, exit_code: int | None) -> bool:
        """Whether a command that installs has said that all went well."""
        return exit_code == 0

    def done(self, package: str, version: str) -> None:
        """This version was installed, and the machine shows it. To be noted by those who need to know later."""
        return

    def environment(self) -> dict[str, str]:
        """For every call of the package manager."""
        return self._host.environment()

    def reboot_required(self) -> bool:
        """Whether something that was installed waits for a restart."""
        return any(self._host.path(name).exists() for name in ("run/reboot-required", "var/run/reboot-required"))

    def ask(self, command: Sequence[str], *, accepted: tuple[int, ...] = (0,)) -> str:
        """Run a command that changes no package, and answer what it printed."""
        try:
            done = subprocess.run(
                command,
                env=self.environment(),
                cwd=self._host.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_QUESTION,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PackageManagerFailed(str(error)) from error
        if done.returncode not in accepted:
            raise PackageManagerFailed(done.stdout + done.stderr)
        return done.stdout


def starts_with(path: Path, beginning: bytes) -> bool:
    """Whether the file begins so, which tells its kind more surely than its name."""
    with path.open("rb") as file:
        return file.read(len(beginning)) == beginning
