"""Installers of Windows: how they are run without a question, and what they mean by their exit codes."""

import json
import mmap
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from hostagent.clock import Clock
from hostagent.fetching import digest, fetch
from hostagent.files import write_atomically
from hostagent.manifest import Download

# Done; done, and a restart is wanted; done, and the machine restarts by itself.
WELL = (0, 3010, 1641)
# Another installation goes on; Windows Installer does one at a time.
BUSY = 1618
KINDS = ("msi", "exe", "msu")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Versions of one package whose installers are kept.
_KEPT = 3
# What the programs that make installers leave in them, and how theirs are silenced.
_MAKERS: Mapping[bytes, str] = {
    b"Inno Setup": "/VERYSILENT /SUPPRESSMSGBOXES /NORESTART /SP-",
    b"NullsoftInst": "/S",
    b".wixburn": "/quiet /norestart",
    b"InstallShield": '/s /v"/qn REBOOT=ReallySuppress"',
}


class NotSilent(Exception):
    """Nobody knows how this installer is run without a question."""


def command(path: Path, kind: str, arguments: str = "", *, log: Path | None = None) -> str:
    """The command line that installs the file. NotSilent for a program that is given no arguments and is not known."""
    if kind == "msi":
        written = f' /l*v "{log}"' if log else ""
        return f'msiexec.exe /i "{path}" {arguments} /qn /norestart{written}'.replace("  ", " ")
    if kind == "msu":
        return f'wusa.exe "{path}" /quiet /norestart'
    silent = arguments or silent_arguments(path)
    if not silent:
        raise NotSilent(f"{path.name} is run with questions, unless the catalogue tells its arguments")
    return f'"{path}" {silent}'


def silent_command(path: Path) -> list[str]:
    """Runs an installer that somebody names, and not the catalogue. NotSilent as `command`."""
    if sys.platform == "win32":
        kind = path.suffix.lower().removeprefix(".")
        log = path.with_suffix(".log") if kind == "msi" else None
        return [command(path, kind if kind in KINDS else "exe", log=log)]
    return [str(path)]


def silent_arguments(path: Path) -> str | None:
    """By the marks of the program that made it; None of one that is not known."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return None
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return next((silent for mark, silent in _MAKERS.items() if content.find(mark) >= 0), None)


class Installers:
    """Installers by package and version, kept in `folder` for the way back. Read and written by one agent alone."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock

    def bring(self, download: Download, base_url: str | None = None) -> Path:
        """The file, fetched if it is not here. `base_url`: from there, by its own name. As `fetching.fetch` fails."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = download.url.partition("?")[0].rpartition("/")[2]
        url = f"{base_url.rstrip('/')}/{name}" if base_url else download.url
        return fetch(url, download.sha256, into=self._path(download), clock=self._clock)

    def keep(self, package: str, download: Download) -> None:
        """It was installed: it is the way back from whatever comes next. The oldest of many goes."""
        known = self._known()
        others = [one for one in known.get(package, []) if one["version"] != download.version]
        known[package] = [*others, asdict(download)][-_KEPT:]
        write_atomically(self._index, json.dumps(known, indent=1).encode())
        wanted = {self._path(Download(**one)).name for each in known.values() for one in each}
        for path in self._folder.glob("*.*"):
            if path.suffix.lstrip(".") in KINDS and path.name not in wanted:
                path.unlink(missing_ok=True)

    def kept(self, package: str, version: str) -> Download | None:
        """What was installed as this version, if its file is still here and whole."""
        for one in self._known().get(package, []):
            download = Download(**one)
            path = self._path(download)
            if download.version == version and path.exists() and digest(path) == download.sha256:
                return download
        return None

    @property
    def _index(self) -> Path:
        return self._folder / "installers.json"

    def _known(self) -> dict[str, list[dict[str, str]]]:
        try:
            known: dict[str, list[dict[str, str]]] = json.loads(self._index.read_bytes())
        except FileNotFoundError:
            return {}
        return known

    def _path(self, download: Download) -> Path:
        """By its digest: no name from outside becomes the name of a file here."""
        if download.kind not in KINDS or not _DIGEST.fullmatch(download.sha256):
            raise ValueError(f"{download.kind!r} of {download.sha256!r} is no installer that is known here")
        return self._folder / f"{download.sha256}.{download.kind}"
