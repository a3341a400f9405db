"""dnf and rpm."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.providers import rpm_versions
from hostagent.providers.base import source
from hostagent.providers.rpm import SEVERITIES, Rpm, named, rows

_LOCKED = re.compile(
    r"Failed to obtain .*lock|can't create transaction lock|another copy is running|is locked by another", re.I
)
_QUERY = "%{name}\t%{epoch}:%{version}-%{release}\t%{arch}\t%{repoid}\n"


class Dnf(Rpm):
    """On the machine itself, or in a folder by --installroot."""

    name = "dnf"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        # Without exit_on_lock dnf waits for the other program for ever.
        self._dnf = [*self._as_root, "dnf", "-q", "-y", "--setopt=exit_on_lock=True"]
        if host.is_rooted:
            config = host.path("etc/dnf.conf")
            self._dnf += [f"--installroot={host.root}", "--releasever=1", f"--config={config}"]

    @property
    def _asking(self) -> Sequence[str]:
        return self._dnf

    def refresh(self) -> None:
        self._query("makecache", "--refresh")

    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        listing = self._query("repoquery", "--showduplicates", "--qf", _QUERY, named(package, architecture))
        return any(self.compare(offered, version) == 0 for _, offered, *_ in rows(listing))

    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        name = package if architecture in (None, "", "noarch", "all") else f"{package}.{architecture}"
        _, plain, release = rpm_versions.split(version)
        # dnf reads NAME-VERSION[-RELEASE][.ARCH]; an epoch in front of the version is allowed and rarely wanted.
        wanted = f"{package}-{plain}" + (f"-{release}" if release else "") + name.removeprefix(package)
        return [*self._dnf, "downgrade" if downgrade else "upgrade", wanted]

    def install_file_command(self, path: Path) -> list[str]:
        return [*self._dnf, "install", str(path)]

    def download_command(self, package: str, architecture: str | None, version: str) -> list[str]:
        command = self.install_command(package, architecture, version, downgrade=False)
        return [*command[:-2], "--downloadonly", *command[-2:]]

    def only_from(self, url: str, folder: Path) -> "Dnf":
        other = Dnf(self._host)
        # A name of the URL's own: dnf would take what it keeps of one source for that of another.
        name = "job-" + hashlib.sha256(url.encode()).hexdigest()[:12]
        other._dnf += [f"--repofrompath={name},{source(url)}", f"--repo={name}"]
        return other

    def updates(self) -> list[dict[str, Any]]:
        found = list(rows(self._query("repoquery", "--upgrades", "--latest-limit=1", "--qf", _QUERY)))
        if not found:
            return []
        present = {(row["name"], row["architecture"]): row["version"] for row in self.packages()}
        advisories = dict(_advisories(self._query("updateinfo", "list", "--updates")))
        cves = list(_advisories(self._query("updateinfo", "list", "--updates", "--with-cve"))) if advisories else []
        return [_update(row, present, advisories, cves) for row in found if (row[0], row[2]) in present]

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
        "severity": severity if severity in SEVERITIES else None,
        "advisory": advisory,
        "cves": sorted({cve for package, (cve, _) in cves if package == build and cve.startswith("CVE-")}),
    }
