"""dnf and rpm."""

import os
import re
from collections.abc import Iterator
from typing import Any

from hostagent.errors import PackageManagerFailed, PackageManagerLocked
from hostagent.host import Host
from hostagent.providers import rpm_versions
from hostagent.providers.base import Installed, Provider

_LOCKED = re.compile(
    r"Failed to obtain .*lock|can't create transaction lock|another copy is running|is locked by another", re.I
)
_FIELDS = r"%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n"
_QUERY = "%{name}\t%{epoch}:%{version}-%{release}\t%{arch}\t%{repoid}\n"
_SEVERITIES = {"Critical", "Important", "Moderate", "Low", "None"}


class Dnf(Provider):
    """On the machine itself, or in a folder by --installroot. A normal user gets root's rights in a namespace."""

    name = "dnf"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._as_root = ["unshare", "-r"] if host.is_rooted and os.geteuid() != 0 else []
        # Without exit_on_lock dnf waits for the other program for ever.
        self._dnf = [*self._as_root, "dnf", "-q", "-y", "--setopt=exit_on_lock=True"]
        self._rpm = [*self._as_root, "rpm"]
        if host.is_rooted:
            config = host.path("etc/dnf.conf")
            self._dnf += [f"--installroot={host.root}", "--releasever=1", f"--config={config}"]
            self._rpm += ["--root", str(host.root)]

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        if self._host.is_rooted:
            # rpm reads its macros from the home of the user; a rooted host's user is its own root.
            environment["HOME"] = str(self._host.path("root"))
        return environment

    def refresh(self) -> None:
        self._query("makecache", "--refresh")

    def installed(self, package: str, architecture: str | None) -> Installed | None:
        # 1: not installed. Several (kernels): the newest, which is the last one that rpm names.
        listing = self.ask([*self._rpm, "-q", "--qf", _FIELDS, _named(package, architecture)], accepted=(0, 1))
        versions = [version for _, version, _ in _rows(listing)]
        # rpm knows no half-configured packages: a transaction happens, or it does not.
        return Installed(versions[-1], whole=True) if versions else None

    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        listing = self._query("repoquery", "--showduplicates", "--qf", _QUERY, _named(package, architecture))
        return any(self.compare(offered, version) == 0 for _, offered, *_ in _rows(listing))

    def compare(self, first: str, second: str) -> int:
        return rpm_versions.compare(first, second)

    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        name = package if architecture in (None, "", "noarch", "all") else f"{package}.{architecture}"
        _, plain, release = rpm_versions.split(version)
        # dnf reads NAME-VERSION[-RELEASE][.ARCH]; an epoch in front of the version is allowed and rarely wanted.
        wanted = f"{package}-{plain}" + (f"-{release}" if release else "") + name.removeprefix(package)
        return [*self._dnf, "downgrade" if downgrade else "upgrade", wanted]

    def packages(self) -> list[dict[str, str]]:
        listing = self.ask([*self._rpm, "-qa", "--qf", _FIELDS])
        return [
            {"name": name, "version": version, "architecture": architecture, "state": "installed"}
            for name, version, architecture in _rows(listing)
            # Keys that packages are signed with are listed like packages.
            if name != "gpg-pubkey"
        ]

    def updates(self) -> list[dict[str, Any]]:
        rows = list(_rows(self._query("repoquery", "--upgrades", "--latest-limit=1", "--qf", _QUERY)))
        if not rows:
            return []
        present = {(row["name"], row["architecture"]): row["version"] for row in self.packages()}
        advisories = dict(_advisories(self._query("updateinfo", "list", "--updates")))
        cves = list(_advisories(self._query("updateinfo", "list", "--updates", "--with-cve"))) if advisories else []
        return [_update(row, present, advisories, cves) for row in rows if (row[0], row[2]) in present]

    def is_locked(self, exit_code: int, output: str) -> bool:
        # 200: dnf's own word for a lock that it was told not to wait for.
        return exit_code == 200 or (exit_code != 0 and _LOCKED.search(output) is not None)

    def reboot_required(self) -> bool:
        if self._host.is_rooted or super().reboot_required():
            return super().reboot_required()
        try:
            self.ask(["dnf", "-q", "needs-restarting", "-r"])
        except PackageManagerFailed as error:
            # It answers 1 for "yes", but also when the plugin is missing.
            return "Reboot is required" in error.output
        return False

    def _query(self, *arguments: str) -> str:
        try:
            return self.ask([*self._dnf, *arguments])
        except PackageManagerFailed as error:
            if self.is_locked(1, error.output):
                raise PackageManagerLocked(error.output) from error
            raise


def _named(package: str, architecture: str | None) -> str:
    return package if architecture in (None, "", "all") else f"{package}.{architecture}"


def _rows(listing: str) -> Iterator[list[str]]:
    """Lines of fields; an epoch of 0 (or rpm's "(none)") is left out, as people write it."""
    for line in listing.splitlines():
        if line.count("\t") >= 2:
            name, version, *rest = line.split("\t")
            yield [name, version.removeprefix("0:").removeprefix("(none):"), *rest]


def _advisories(listing: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Of `dnf updateinfo list`: name-version-release.arch, (advisory, severity)."""
    for line in listing.splitlines():
        words = line.split()
        if len(words) == 3:
            yield words[2], (words[0], words[1].partition("/")[0])


def _update(
    row: list[str],
    present: dict[tuple[str, str], str],
    advisories: dict[str, tuple[str, str]],
    cves: list[tuple[str, tuple[str, str]]],
) -> dict[str, Any]:
    name, version, architecture, source = row
    build = f"{name}-{version.rpartition(':')[2]}.{architecture}"
    advisory, severity = advisories.get(build, (None, None))
    return {
        "package": name,
        "architecture": architecture,
        "fromVersion": present[name, architecture],
        "toVersion": version,
        "source": source,
        "severity": severity if severity in _SEVERITIES else None,
        "advisory": advisory,
        "cves": sorted({cve for package, (cve, _) in cves if package == build and cve.startswith("CVE-")}),
    }
