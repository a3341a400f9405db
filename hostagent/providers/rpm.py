"""What all package managers upon rpm share."""

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from hostagent.errors import PackageManagerFailed, PackageManagerLocked
from hostagent.host import Host
from hostagent.providers import rpm_versions
from hostagent.providers.base import Installed, PackageFile, Provider, starts_with

SEVERITIES = {"Critical", "Important", "Moderate", "Low", "None"}
_FIELDS = r"%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n"
# The first bytes of every package file, whatever its version.
_RPM = b"\xed\xab\xee\xdb"


class Rpm(Provider):
    """On the machine itself, or in a folder as root. A normal user gets root's rights in a namespace."""

    file_suffix = ".rpm"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._as_root = ["unshare", "-r"] if host.is_rooted and os.geteuid() != 0 else []
        self._rpm = [*self._as_root, "rpm", *(["--root", str(host.root)] if host.is_rooted else [])]

    @property
    @abstractmethod
    def _asking(self) -> Sequence[str]:
        """The package manager's program, with what every question needs."""

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        if self._host.is_rooted:
            # rpm reads its macros from the home of the user; a rooted host's user is its own root.
            environment["HOME"] = str(self._host.path("root"))
        return environment

    def installed(self, package: str, architecture: str | None) -> Installed | None:
        # 1: not installed. Several (kernels): the newest, which is the last one that rpm names.
        listing = self.ask([*self._rpm, "-q", "--qf", _FIELDS, named(package, architecture)], accepted=(0, 1))
        versions = [version for _, version, _ in rows(listing)]
        # rpm knows no half-configured packages: a transaction happens, or it does not.
        return Installed(versions[-1], whole=True) if versions else None

    def compare(self, first: str, second: str) -> int:
        return rpm_versions.compare(first, second)

    def packages(self) -> list[dict[str, str]]:
        listing = self.ask([*self._rpm, "-qa", "--qf", _FIELDS])
        return [
            {"name": name, "version": version, "architecture": architecture, "state": "installed"}
            for name, version, architecture in rows(listing)
            # Keys that packages are signed with are listed like packages.
            if name != "gpg-pubkey"
        ]

    def package_in(self, path: Path) -> PackageFile | None:
        if not starts_with(path, _RPM):
            return None
        # Without the host's root: the file is not in it.
        ((name, version, architecture),) = rows(self.ask(["rpm", "-qp", "--nosignature", "--qf", _FIELDS, str(path)]))
        return PackageFile(name, architecture, version)

    def _query(self, *arguments: str, accepted: tuple[int, ...] = (0,)) -> str:
        try:
            return self.ask([*self._asking, *arguments], accepted=accepted)
        except PackageManagerFailed as error:
            if self.is_locked(1, error.output):
                raise PackageManagerLocked(error.output) from error
            raise


def named(package: str, architecture: str | None) -> str:
    """How rpm and dnf name a package of an architecture; without one where it fits all."""
    return package if architecture in (None, "", "all") else f"{package}.{architecture}"


def rows(listing: str) -> Iterator[list[str]]:
    """Lines of fields; an epoch of 0 (or rpm's "(none)") is left out, as people write it."""
    for line in listing.splitlines():
        if line.count("\t") >= 2:
            name, version, *rest = line.split("\t")
            yield [name, version.removeprefix("0:").removeprefix("(none):"), *rest]
