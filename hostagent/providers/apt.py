"""apt and dpkg."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hostagent.errors import PackageManagerFailed, PackageManagerLocked
from hostagent.providers.base import Installed, PackageFile, Provider, source, starts_with

# dpkg's words for a package that is on the machine but not in order; triggers-* are whole, and wait for a trigger.
_WHOLE = {"installed", "triggers-awaited", "triggers-pending"}
_BROKEN = {"half-configured", "half-installed", "unpacked"}
_LOCKED = re.compile(r"Could not get lock|Unable to (acquire|lock)|is another process using it|dpkg frontend lock")
_FIELDS = r"${Package}\t${Version}\t${Architecture}\t${db:Status-Want}\t${db:Status-Status}\t${db:Status-Eflag}\n"
_OPTIONS = ["-o", "DPkg::Options::=--force-confold", "-o", "DPkg::Options::=--force-confdef"]
# With a terminal of its own dpkg would leave our session, and we could not wait for it after a crash.
_OPTIONS += ["-o", "DPkg::Use-Pty=0", "-o", "Dpkg::Progress-Fancy=0"]
# deb(5): an archive whose first member is this one.
_DEB = b"!<arch>\ndebian-binary"
# Names asked about in one command.
_CHUNK = 500


class Apt(Provider):
    """On the machine itself, or in a folder whose etc/apt/apt.conf makes it a private root."""

    name = "apt"
    file_suffix = ".deb"
    # Where another source than the machine's own is used.
    _options: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        environment = super().environment() | {
            "DEBIAN_FRONTEND": "noninteractive",
            "DEBCONF_NONINTERACTIVE_SEEN": "true",
            "APT_LISTCHANGES_FRONTEND": "none",
            # needrestart would ask, or restart services in the middle of a step.
            "NEEDRESTART_SUSPEND": "1",
            "UCF_FORCE_CONFFOLD": "1",
        }
        if self._host.is_rooted:
            environment["APT_CONFIG"] = str(self._host.path("etc/apt/apt.conf"))
        return environment

    def refresh(self) -> None:
        try:
            # Without Error-Mode apt-get answers 0 although a source failed, and we would believe the old lists.
            self.ask(["apt-get", *self._options, "-q", "-o", "APT::Update::Error-Mode=any", "update"])
        except PackageManagerFailed as error:
            if self.is_locked(100, error.output):
                raise PackageManagerLocked(error.output) from error
            raise

    def installed(self, package: str, architecture: str | None) -> Installed | None:
        rows = self._rows([self._named(package, architecture)])
        return next((Installed(version, status == "installed") for _, version, _, _, status in rows), None)

    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        listing = self.ask(["apt-cache", *self._options, "madison", self._named(package, architecture)])
        return any(line.split("|")[1].strip() == version for line in listing.splitlines() if line.count("|") == 2)

    def compare(self, first: str, second: str) -> int:
        if first == second:
            return 0
        return 1 if self._holds(first, "gt", second) else -1 if self._holds(first, "lt", second) else 0

    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        kind = "--allow-downgrades" if downgrade else "--only-upgrade"
        wanted = f"{self._named(package, architecture)}={version}"
        return ["apt-get", *self._options, "-q", "-y", "--no-remove", kind, *_OPTIONS, "install", wanted]

    def package_in(self, path: Path) -> PackageFile | None:
        if not starts_with(path, _DEB):
            return None
        fields = self.ask(["dpkg-deb", "--showformat=${Package}\t${Architecture}\t${Version}", "-W", str(path)])
        return PackageFile(*fields.split("\t"))

    def install_file_command(self, path: Path) -> list[str]:
        # A name with a slash is a file to apt-get.
        return ["apt-get", *self._options, "-q", "-y", "--no-remove", *_OPTIONS, "install", str(path)]

    def download_command(self, package: str, architecture: str | None, version: str) -> list[str]:
        command = self.install_command(package, architecture, version, downgrade=False)
        return [*command[:-2], "--download-only", *command[-2:]]

    def only_from(self, url: str, folder: Path) -> "Apt":
        lists = folder / "lists"
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        # Lists of another source that were fetched here before are cleaned away by apt itself.
        (folder / "sources.list").write_text(f"deb {source(url)} ./\n")
        places = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": lists,
            # apt's index of all packages is of the machine's own sources.
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
        }
        other = Apt(self._host)
        other._options = tuple(word for name, value in places.items() for word in ("-o", f"{name}={value}"))
        return other

    def packages(self) -> list[dict[str, str]]:
        return [
            {"name": name, "version": version, "architecture": architecture, "state": status}
            for name, version, architecture, _, status in self._rows([])
        ]

    def updates(self) -> list[dict[str, Any]]:
        # A package on hold is not upgraded, so it is no update.
        architectures = {self._label(name, arch): arch for name, _, arch, want, _ in self._rows([]) if want != "hold"}
        names = list(architectures)
        origins = dict(_origins(self.ask(["apt-cache", "policy"])))
        found: list[dict[str, Any]] = []
        for start in range(0, len(names), _CHUNK):
            listing = self.ask(["apt-cache", "policy", *names[start : start + _CHUNK]])
            found += [_update(policy, architectures[policy["name"]], origins) for policy in _policies(listing)]
        return [update for update in found if update["fromVersion"] != update["toVersion"]]

    def is_locked(self, exit_code: int, output: str) -> bool:
        return exit_code == 100 and _LOCKED.search(output) is not None

    def _rows(self, names: Sequence[str]) -> list[tuple[str, str, str, str, str]]:
        """(name, version, architecture, wanted, "installed"|"broken") of what is on the machine."""
        admin = self._host.path("var/lib/dpkg")
        # 1: dpkg knows none of the names.
        listing = self.ask(["dpkg-query", f"--admindir={admin}", "-W", f"-f={_FIELDS}", *names], accepted=(0, 1))
        return list(_read_rows(listing))

    def _named(self, package: str, architecture: str | None) -> str:
        return package if architecture in (None, "", "all", "noarch") else f"{package}:{architecture}"

    def _label(self, package: str, architecture: str) -> str:
        """How apt-cache heads what it says of the package: only a foreign architecture is named."""
        return package if architecture in ("all", self._native) else f"{package}:{architecture}"

    @cached_property
    def _native(self) -> str:
        return self.ask(["dpkg", "--print-architecture"]).strip()

    def _holds(self, first: str, relation: str, second: str) -> bool:
        command = ["dpkg", "--compare-versions", first, relation, second]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0


def _read_rows(listing: str) -> Iterator[tuple[str, str, str, str, str]]:
    for line in listing.splitlines():
        name, version, architecture, want, status, flag = line.split("\t")
        if status in _WHOLE and flag == "ok":
            yield name, version, architecture, want, "installed"
        elif status in _WHOLE | _BROKEN:
            yield name, version, architecture, want, "broken"


def _origins(listing: str) -> Iterator[tuple[str, str]]:
    """Of `apt-cache policy`: (a source's line, the Origin of its Release file, or its host)."""
    source = ""
    for line in listing.splitlines():
        words = line.split()
        if line.startswith(" ") and words and words[0].lstrip("-").isdigit():
            source = " ".join(words[1:])
        elif words[:1] == ["release"]:
            fields = dict(field.split("=", 1) for field in line.strip()[8:].split(",") if "=" in field)
            if "o" in fields:
                yield source, fields["o"]


def _policies(listing: str) -> Iterator[dict[str, str]]:
    """Of `apt-cache policy NAME…`: name, installed, candidate and the candidate's source, of those that have both."""
    policy: dict[str, str] = {}
    version = ""
    for line in [*listing.splitlines(), "end:"]:
        words = line.split()
        if not line.startswith(" "):
            if "(none)" not in policy.values() and len(policy) == 4:
                yield policy
            policy = {"name": line.rstrip(":")}
        elif words[0] in ("Installed:", "Candidate:"):
            policy[words[0].rstrip(":").lower()] = words[1]
        elif len(words) == 2 or words[0] == "***":
            version = words[-2]
        elif version == policy.get("candidate") and words[0].lstrip("-").isdigit():
            policy.setdefault("source", " ".join(words[1:]))


def _update(policy: dict[str, str], architecture: str, origins: dict[str, str]) -> dict[str, Any]:
    source = policy["source"]
    return {
        "package": policy["name"].partition(":")[0],
        "architecture": architecture,
        "fromVersion": policy["installed"],
        "toVersion": policy["candidate"],
        "source": origins.get(source) or urlsplit(source.split(" ")[0]).hostname or source.split(" ")[0],
        # Debian's sources say nothing of these; the server's catalogue does.
        "severity": None,
        "advisory": None,
        "cves": [],
    }
