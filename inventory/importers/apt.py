"""apt repositories: `Packages` of a suite, with the `Release` above it. Format: https://wiki.debian.org/DebianRepository."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from debian.deb822 import Packages, Release

from inventory.entries import Gathered, PatchEntry
from inventory.importers.sources import MAX_DOCUMENT, Source, Unreadable
from inventory.models import Platform
from inventory.systems import system_name

MANAGER = "apt"
_AT_ONCE = 2_000
# Of dists/SUITE/COMPONENT/binary-ARCHITECTURE/Packages, and of a flat repository.
_RELEASES = ("../../Release", "../../InRelease", "Release", "InRelease")


def read(source: Source, system: str = "") -> Iterator[Gathered]:
    """The packages of a suite. Raises Unreadable."""
    release = _release(source)
    system = system or _system(release)
    with source.open() as stream:
        entries = _entries(stream, release, system)
        while some := list(islice(entries, _AT_ONCE)):
            yield Gathered(patches=some)


def _entries(stream: Any, release: Mapping[str, str], system: str) -> Iterator[PatchEntry]:
    """A package that is listed twice is taken once: pools of several suites share packages."""
    seen = set()
    for number, package in enumerate(Packages.iter_paragraphs(stream, use_apt_pkg=False), start=1):
        missing = [key for key in ("Package", "Version", "Architecture") if not package.get(key)]
        if missing:
            raise Unreadable(f"paragraph {number} has no {', '.join(missing)}; is it a Packages file?")
        key = (package["Package"], package["Version"], package["Architecture"])
        if key not in seen:
            seen.add(key)
            yield _entry(package, release, system)
    if not seen:
        raise Unreadable("holds no packages; is it a Packages file?")


def _entry(package: Mapping[str, str], release: Mapping[str, str], system: str) -> PatchEntry:
    summary, _, rest = package.get("Description", "").partition("\n")
    told = {
        "description": "\n".join(line.strip() for line in [summary, *rest.splitlines()]).strip(),
        "category": package.get("Section", "")[:255],
        # `Source: openssl (3.0.11-1)` where the versions differ.
        "source_package": package.get("Source", package["Package"]).partition(" ")[0],
        "vendor": release.get("Origin", "")[:255],
        "vendor_link": package.get("Homepage", "")[:2000],
    }
    return PatchEntry(
        platform=Platform.LINUX,
        package_manager=MANAGER,
        package=package["Package"],
        version=package["Version"],
        architecture=package["Architecture"],
        told={column: value for column, value in told.items() if value},
        added={"supported_os": [system] if system else []},
    )


def _release(source: Source) -> Mapping[str, str]:
    """The suite's Release file; empty where there is none."""
    for relative in _RELEASES:
        beside = source.beside(relative)
        if beside is None:
            continue
        try:
            with beside.open(MAX_DOCUMENT) as stream:
                release: Mapping[str, str] = Release(stream)
        except Unreadable:
            continue
        # Beside Packages lies a Release of that one component, which does not say which suite it is of.
        if release.get("Codename") or release.get("Version"):
            return release
    return {}


def _system(release: Mapping[str, str]) -> str:
    """Of `Origin: Debian, Version: 12.5, Codename: bookworm`; empty for third parties, who name nothing comparable."""
    for told in (f"{release.get('Origin', '')} {release.get('Version', '')}", release.get("Codename", "")):
        name = system_name(told)
        if name != told.strip() or name[-1:].isdigit():
            return name
    return ""
