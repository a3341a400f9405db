"""zypper and rpm."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hostagent.errors import PackageManagerFailed
from hostagent.host import Host
from hostagent.providers.base import source
from hostagent.providers.rpm import SEVERITIES, Rpm

# zypper(8), "EXIT CODES": nothing found; locked; done, and a restart of the machine or of zypper itself is wanted.
_NOT_FOUND, _LOCKED_CODE = 104, 7
_DONE = (0, 102, 103)
_LOCKED = re.compile(r"System management is locked", re.I)
# What zypper calls the machine's own packages where it lists sources.
_NO_SOURCE = "(System Packages)"
_NAME_OF_PATCH = re.compile(r"Name\s*: (\S+)")
_SETTLED_BY = re.compile(r"(\S+) < (\S+)")


class Zypper(Rpm):
    """On the machine itself, or in a folder by --root."""

    name = "zypper"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._zypper = [*self._as_root, "zypper", "--non-interactive"]
        if host.is_rooted:
            self._zypper += ["--root", str(host.root)]

    @property
    def _asking(self) -> Sequence[str]:
        return self._zypper

    def refresh(self) -> None:
        self._query("--quiet", "refresh")

    def offers(self, package: str, architecture: str | None, version: str) -> bool:
        found = self._answer("search", "--details", "--match-exact", "--type", "package", package, found_nothing=True)
        return any(
            self.compare(one.get("edition", ""), version) == 0
            for one in found.iter("solvable")
            if architecture in (None, "", "all", one.get("arch")) and one.get("repository") != _NO_SOURCE
        )

    def install_command(self, package: str, architecture: str | None, version: str, *, downgrade: bool) -> list[str]:
        name = package if architecture in (None, "", "all") else f"{package}.{architecture}"
        older = ["--oldpackage"] if downgrade else []
        return [*self._installing, *older, f"{name}={version}"]

    def download_command(self, package: str, architecture: str | None, version: str) -> list[str]:
        command = self.install_command(package, architecture, version, downgrade=False)
        return [*command[:-1], "--download-only", command[-1]]

    def only_from(self, url: str, folder: Path) -> "Zypper":
        definitions = folder / "repos.d"
        definitions.mkdir(parents=True, exist_ok=True)
        # A name of the URL's own: zypper would take what it keeps of one source for that of another.
        name = "job-" + hashlib.sha256(url.encode()).hexdigest()[:12]
        lines = [f"[{name}]", f"name={name}", f"baseurl={source(url)}", "type=rpm-md", "enabled=1", "autorefresh=1"]
        (definitions / "job.repo").write_text("\n".join(lines) + "\n")
        other = Zypper(self._host)
        other._zypper += ["--reposd-dir", str(definitions)]
        return other

    def install_file_command(self, path: Path) -> list[str]:
        # Its digest was checked; whether somebody signed it is not asked of a file, as with dnf.
        return [*self._installing, "--allow-unsigned-rpm", str(path)]

    def updates(self) -> list[dict[str, Any]]:
        found = [one.attrib | {"source": _source_of(one)} for one in self._answer("list-updates").iter("update")]
        advisories = self._advisories() if found else {}
        return [_update(one, advisories) for one in found if one.get("kind") == "package"]

    def is_locked(self, exit_code: int, output: str) -> bool:
        return exit_code == _LOCKED_CODE or (exit_code != 0 and _LOCKED.search(output) is not None)

    def is_done(self, exit_code: int | None) -> bool:
        return exit_code in _DONE

    def reboot_required(self) -> bool:
        if super().reboot_required() or self._host.path("run/reboot-needed").exists():
            return True
        if self._host.is_rooted:
            return False
        try:
            self.ask(["zypper", "--quiet", "needs-rebooting"])
        except PackageManagerFailed as error:
            # It says so and answers 102; it answers something else, too, where it does not know the question.
            return "Reboot is" in error.output
        return False

    @property
    def _installing(self) -> list[str]:
        return [*self._zypper, "install", "--no-recommends", "--auto-agree-with-licenses"]

    def _answer(self, *arguments: str, found_nothing: bool = False) -> ElementTree.Element:
        accepted = (0, _NOT_FOUND) if found_nothing else (0,)
        said = self._query("--xmlout", *arguments, accepted=accepted)
        try:
            return ElementTree.fromstring(said)  # noqa: S314 - zypper has written it, and escaped what is in it
        except ElementTree.ParseError as error:
            raise PackageManagerFailed(said) from error

    def _advisories(self) -> dict[tuple[str, str], ElementTree.Element]:
        """(package, version) → the patch that brings it: a patch conflicts with all that is older."""
        patches = {str(one.get("name")): one for one in self._answer("list-patches").iter("update")}
        if not patches:
            return {}
        told = self._answer("info", "--type", "patch", *patches)
        listing = "\n".join(message.text or "" for message in told.iter("message"))
        return {build: patches[name] for name, build in _settled(listing) if name in patches}


def _settled(listing: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Of `zypper info -t patch`: (the patch's name, (package, the version that it brings))."""
    name = ""
    for line in listing.splitlines():
        if found := _NAME_OF_PATCH.match(line):
            name = found[1]
        elif found := _SETTLED_BY.search(line):
            yield name, (re.sub(r"^Conflicts\s*:\s*|\.[a-z0-9_]+$", "", found[1]), found[2])


def _source_of(update: ElementTree.Element) -> str:
    source = update.find("source")
    return "" if source is None else source.get("alias", "")


def _update(found: dict[str, str], advisories: dict[tuple[str, str], ElementTree.Element]) -> dict[str, Any]:
    patch = advisories.get((found["name"], found["edition"]))
    severity = (patch.get("severity", "") if patch is not None else "").capitalize()
    told = {
        "package": found["name"],
        "architecture": found["arch"],
        "fromVersion": _plain(found["edition-old"]),
        "toVersion": _plain(found["edition"]),
        "source": found["source"],
        "severity": severity if severity in SEVERITIES else None,
        "advisory": None if patch is None else patch.get("name"),
        "cves": [] if patch is None else sorted(one.get("id", "") for one in patch.iter("issue") if _is_cve(one)),
    }
    return told | ({"rebootRequired": True} if patch is not None and patch.get("restart") == "true" else {})


def _is_cve(issue: ElementTree.Element) -> bool:
    return issue.get("type") == "cve" and issue.get("id", "").startswith("CVE-")


def _plain(version: str) -> str:
    return version.removeprefix("0:")
