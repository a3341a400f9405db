"""Package repositories of our own, with real packages in them, made in milliseconds and without root rights.

Each configure of a package appends one line to `opt/acme/history` of the host: `configured <name> <version>`. That
ledger is what proves that an operation ran once.
"""

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from textwrap import dedent
from typing import Protocol

ORIGIN = "Acme"


class ToolsMissing(RuntimeError):
    """A program that builds packages is not on this machine; the text names it and its Debian package."""


@dataclass(frozen=True)
class Build:
    """One package at one version.

    `refuses_legacy`: its script fails where `etc/acme/legacy.conf` exists. On apt this leaves the package half
    configured; on dnf the old one stays. `fails_once`: its script fails the first time on each host; apt only.
    `seconds`: how long its script takes. `severity` and `advisory` are for dnf's updateinfo.
    `wants_restart`, on apt: it leaves the mark by which a machine says so.
    """

    name: str
    version: str
    refuses_legacy: bool = False
    fails_once: bool = False
    seconds: float = 0
    wants_restart: bool = False
    severity: str | None = None
    advisory: str | None = None

    @property
    def refusal(self) -> str:
        """What the script prints when it refuses."""
        return f"{self.name}: cannot migrate /etc/acme/legacy.conf to {self.version}: unknown directive on line 3"


class Repository(Protocol):
    """What hosts install from. `kind` is `apt`, `dnf` or `zypper`."""

    kind: str
    folder: Path

    def publish(self, *builds: Build) -> None:
        """Build these packages and add them to what is offered."""


def apt_available() -> bool:
    """Whether apt repositories and hosts can be made here."""
    return not _missing("dpkg-deb", "apt-get", "dpkg-query")


def dnf_available() -> bool:
    """Whether dnf repositories and hosts can be made here."""
    return not _missing("rpmbuild", "rpm", "createrepo_c", "dnf", "unshare")


def zypper_available() -> bool:
    """Whether zypper repositories and hosts can be made here."""
    return not _missing("rpmbuild", "rpm", "createrepo_c", "zypper", "unshare")


class AptRepository:
    """A flat repository in `folder`/repo."""

    kind = "apt"

    def __init__(self, folder: Path) -> None:
        """ToolsMissing when this machine cannot build .deb packages."""
        _require("dpkg-deb", package="dpkg")
        self.folder = folder.resolve() / "repo"
        self._sources = folder.resolve() / "sources"
        self.folder.mkdir(parents=True, exist_ok=True)

    def publish(self, *builds: Build) -> None:
        """Build these packages and add them to the index. Versions that were published before stay on offer."""
        for build in builds:
            self._build(build)
        packages = "\n".join(path.read_text() for path in sorted(self.folder.glob("*.control")))
        _write_whole(self.folder / "Packages", packages.encode())
        _write_whole(self.folder / "Packages.gz", gzip.compress(packages.encode(), mtime=0))
        _write_whole(self.folder / "Release", self._release().encode())

    def _build(self, build: Build) -> None:
        source = self._sources / f"{build.name}-{build.version}"
        shutil.rmtree(source, ignore_errors=True)
        (source / "DEBIAN").mkdir(parents=True)
        payload = source / "opt" / "acme" / f"{build.name}.version"
        payload.parent.mkdir(parents=True)
        payload.write_text(build.version + "\n")
        control = _control(build)
        (source / "DEBIAN" / "control").write_text(control)
        script = source / "DEBIAN" / "postinst"
        script.write_text(_postinst(build))
        # dpkg-deb wants these modes, whatever the umask is.
        script.chmod(0o755)
        (source / "DEBIAN").chmod(0o755)
        target = self.folder / f"{build.name}_{build.version}_all.deb"
        # gzip: xz costs ten times as much for nothing here.
        _run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", str(source), str(target)])
        target.with_suffix(".control").write_text(control + _digests(target))

    def _release(self) -> str:
        lines = [f"Origin: {ORIGIN}", f"Label: {ORIGIN}", "Suite: stable", "Architectures: all", "Components: main"]
        lines += [f"Date: {format_datetime(datetime.now(UTC), usegmt=True)}", "SHA256:"]
        for name in ("Packages", "Packages.gz"):
            content = (self.folder / name).read_bytes()
            lines.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}")
        return "\n".join(lines) + "\n"


class DnfRepository:
    """A dnf repository in `folder`/repo."""

    kind = "dnf"

    def __init__(self, folder: Path) -> None:
        """ToolsMissing when this machine cannot build .rpm packages."""
        for program, package in (("rpmbuild", "rpm"), ("createrepo_c", "createrepo-c"), (self.kind, self.kind)):
            _require(program, package=package)
        self.folder = folder.resolve() / "repo"
        self._top = folder.resolve() / "top"
        self._builds: list[Build] = []
        self.folder.mkdir(parents=True, exist_ok=True)

    def publish(self, *builds: Build) -> None:
        """Build these packages and add them to the index. Versions that were published before stay on offer."""
        for name in ("SPECS", "BUILD", "RPMS", "SOURCES", "SRPMS", "tmp"):
            (self._top / name).mkdir(parents=True, exist_ok=True)
        for build in builds:
            self._build(build)
        _run(["createrepo_c", "-q", str(self.folder)])
        self._builds += builds
        self._add_advisories()

    def _build(self, build: Build) -> None:
        spec = self._top / "SPECS" / f"{build.name}-{build.version}.spec"
        spec.write_text(_spec(build))
        # Debian's rpm would keep its database in the user's home.
        places = {"_topdir": self._top, "_tmppath": self._top / "tmp", "_dbpath": self._top / "db"}
        defines = [word for name, path in places.items() for word in ("--define", f"{name} {path}")]
        _run(["rpmbuild", "--quiet", *defines, "-bb", str(spec)])
        made = self._top / "RPMS" / "noarch" / f"{build.name}-{build.version}-1.noarch.rpm"
        shutil.copy(made, self.folder)

    def _add_advisories(self) -> None:
        advisories = [_advisory(build) for build in self._builds if build.advisory]
        if not advisories or _missing("modifyrepo_c"):
            return
        path = self._top / "updateinfo.xml"
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<updates>{"".join(advisories)}</updates>\n')
        _run(["modifyrepo_c", str(path), str(self.folder / "repodata")])


class ZypperRepository(DnfRepository):
    """The same for zypper, which reads what dnf reads."""

    kind = "zypper"


def _control(build: Build) -> str:
    return dedent(f"""\
        Package: {build.name}
        Version: {build.version}
        Architecture: all
        Maintainer: Acme <packages@acme.example>
        Section: misc
        Priority: optional
        Description: {build.name}, for rehearsals of a rollout
        """)


def _digests(path: Path) -> str:
    content = path.read_bytes()
    return f"Filename: ./{path.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"


def _postinst(build: Build) -> str:
    refusal = f'if [ -e "$DPKG_ROOT/etc/acme/legacy.conf" ]; then echo "{build.refusal}" >&2; exit 1; fi'
    tried = f'"$DPKG_ROOT/opt/acme/{build.name}.tried"'
    failure = f'if [ ! -e {tried} ]; then touch {tried}; echo "{build.name}: out of luck" >&2; exit 1; fi'
    mark = f'mkdir -p "$DPKG_ROOT/run"; echo {build.name} | tee "$DPKG_ROOT/run/reboot-required" >/dev/null'
    return dedent(f"""\
        #!/bin/sh
        set -e
        [ "$1" = configure ] || exit 0
        echo "configured {build.name} {build.version}" >> "$DPKG_ROOT/opt/acme/history"
        {f"sleep {build.seconds}" if build.seconds else ":"}
        {refusal if build.refuses_legacy else ":"}
        {failure if build.fails_once else ":"}
        {mark if build.wants_restart else ":"}
        """)


def _spec(build: Build) -> str:
    refusal = f'if posix.stat("/etc/acme/legacy.conf") then error("{build.refusal}") end'
    return dedent(f"""\
        Name: {build.name}
        Version: {build.version}
        Release: 1
        Summary: {build.name}, for rehearsals of a rollout
        License: MIT
        BuildArch: noarch
        %description
        {build.name}
        %install
        mkdir -p %{{buildroot}}/opt/acme
        echo {build.version} > %{{buildroot}}/opt/acme/{build.name}.version
        %files
        /opt/acme/{build.name}.version
        %pre -p <lua>
        {refusal if build.refuses_legacy else "-- nothing to check"}
        %post -p <lua>
        local ledger = io.open("/opt/acme/history", "a")
        ledger:write("configured {build.name} {build.version}\\n")
        ledger:close()
        {f"posix.sleep({max(1, round(build.seconds))})" if build.seconds else ""}
        """)


def _advisory(build: Build) -> str:
    return dedent(f"""\
        <update from="packages@acme.example" status="final" type="security" version="1">
        <id>{build.advisory}</id><title>{build.name} {build.version}</title>
        <severity>{build.severity or "None"}</severity>
        <issued date="2026-01-13 00:00:00"/><updated date="2026-01-13 00:00:00"/>
        <references><reference href="https://acme.example/CVE-2026-0001" id="CVE-2026-0001" type="cve"/></references>
        <pkglist><collection><package name="{build.name}" version="{build.version}" release="1" epoch="0" arch="noarch">
        <filename>{build.name}-{build.version}-1.noarch.rpm</filename></package></collection></pkglist></update>
        """)


def _write_whole(path: Path, content: bytes) -> None:
    # A host may be reading: it sees the old file or the new one.
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _missing(*programs: str) -> list[str]:
    return [program for program in programs if shutil.which(program) is None]


def _require(program: str, *, package: str) -> None:
    if _missing(program):
        raise ToolsMissing(f"{program} is not on this machine; it is in the Debian package {package!r}")


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")
