"""Windows' software: products by their Uninstall keys, updates by the Update Agent."""

import json
import sys
from pathlib import Path
from typing import Any

from hostagent import figures, update_agent
from hostagent.clock import Clock
from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.installed_software import Software, silent_uninstall
from hostagent.installers import BUSY, WELL, Installers, NotSilent, command
from hostagent.manifest import Download, PatchStep
from hostagent.platforms.windows import updates
from hostagent.platforms.windows.registry import Registry, installed_software
from hostagent.providers.base import Installed, Provider

_SEQUENCE = Path(__file__).with_name("sequence.py")
_HIVE = "HKEY_LOCAL_MACHINE"
# While one of these keys is there, or this value, something waits for a restart.
_PENDING_KEYS = (
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending",
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired",
)
_SESSION_MANAGER, _RENAMES = r"SYSTEM\CurrentControlSet\Control\Session Manager", "PendingFileRenameOperations"


class Windows(Provider):
    """The machine's software. `folder` keeps installers; None: nothing is installed by this one."""

    name = "windows"

    def __init__(
        self, host: Host, folder: Path | None, step: PatchStep | None = None, base_url: str | None = None
    ) -> None:
        super().__init__(host)
        self._folder, self._step, self._base_url = folder, step, base_url
        self._installers = Installers(folder, Clock()) if folder else None

    def for_step(self, step: PatchStep) -> "Windows":
        """The same, with the installers that the step brings."""
        return Windows(self._host, self._folder, step, self._base_url)

    def only_from(self, url: str, folder: Path) -> "Windows":
        """The same, fetching installers by their own names from below this base URL. `folder` is not needed."""
        return Windows(self._host, self._folder, self._step, url)

    def accepts(self, package: str, version: str) -> bool:
        """Anything that is text: what is named here stands on no command line."""
        return bool(package.strip()) and package.isprintable() and version.isprintable()

    def refresh(self) -> None:
        """Nothing: what can be had is asked for when it is needed."""

    def installed(self, package: str, architecture: str | None) -> Installed | None:
        if update_agent.is_kb(package):
            return Installed(
                update_agent.PRESENT if package in updates.installed() else update_agent.ABSENT, whole=True
            )
        newest = self._newest(package, architecture)
        return Installed(newest.version, whole=True) if newest else None

    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        """Whether its installer is here, or can be fetched; it is then. An update is looked for when it is its turn."""
        if update_agent.is_kb(package):
            return version == update_agent.PRESENT or self._download(package, version) is not None
        download = self._download(package, version)
        if download is None or self._installers is None:
            return False
        try:
            self._installers.bring(download, self._base_url)
        except ValueError as error:
            raise PackageManagerFailed(str(error)) from error
        return True

    def compare(self, first: str, second: str) -> int:
        return figures.compare(first, second)

    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        download = self._download(package, version)
        if update_agent.is_kb(package) and download is None:
            return updates.remove_command(package) if downgrade else updates.install_command(package)
        if download is None or self._installers is None:
            raise PackageManagerFailed(f"there is no installer of {package} {version}")
        path = self._installers.bring(download, self._base_url)
        try:
            line = command(path, download.kind, download.arguments, log=path.with_suffix(".log"))
        except NotSilent as error:
            raise PackageManagerFailed(str(error)) from error
        newest = self._newest(package, architecture)
        if not downgrade or newest is None:
            return [line]
        return [sys.executable, "-I", str(_SEQUENCE), json.dumps([_removal(newest), line])]

    def download_command(self, package: str, architecture: str | None, version: str) -> list[str]:
        raise PackageManagerFailed("files are fetched by the agent itself")

    def download(self, package: str, architecture: str | None, version: str) -> None:
        """By `offers`, which has the file here afterwards."""
        self.offers(package, architecture, version)

    def done(self, package: str, version: str) -> None:
        """Keep the installer: it is the way back from the next version."""
        download = self._download(package, version)
        if download and self._installers:
            self._installers.keep(package, download)

    def packages(self) -> list[dict[str, str]]:
        products = {
            (one.name, one.version, one.architecture): {
                "name": one.name,
                "version": one.version,
                "architecture": one.architecture,
                "state": "installed",
            }
            for one in installed_software()
        }
        return [*products.values(), *(update_agent.package(kb) for kb in sorted(updates.installed()))]

    def updates(self) -> list[dict[str, Any]]:
        return updates.missing()

    def is_locked(self, exit_code: int, output: str) -> bool:
        return exit_code == BUSY

    def is_done(self, exit_code: int | None) -> bool:
        """3010 and 1641 are as good as 0: it is done, and complete after a restart."""
        return exit_code in WELL

    def reboot_required(self) -> bool:
        registry = Registry()
        renames = registry.read(_HIVE, _SESSION_MANAGER, _RENAMES)
        return any(registry.has(_HIVE, key) for key in _PENDING_KEYS) or bool(renames and renames[0])

    def _newest(self, package: str, architecture: str | None) -> Software | None:
        """Of several of one name, as where a new version leaves the old one beside it."""
        found = [
            one
            for one in installed_software()
            if one.name.casefold() == package.casefold() and architecture in (None, "", "any", one.architecture)
        ]
        return max(found, key=lambda one: figures.figures(one.version), default=None)

    def _download(self, package: str, version: str) -> Download | None:
        told = self._step.downloads if self._step else ()
        matching = (one for one in told if figures.compare(one.version, version) == 0)
        kept = self._installers.kept(package, version) if self._installers else None
        return kept or next(matching, None)


def _removal(software: Software) -> str:
    line = silent_uninstall(software)
    if line is None:
        raise PackageManagerFailed(f"nobody knows how {software.name} {software.version} is removed without a question")
    return line
