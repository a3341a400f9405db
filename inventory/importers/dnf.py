"""dnf repositories: `repomd.xml`, and the packages and advisories that it leads to (createrepo_c's formats)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from inventory.entries import FixEntry, Gathered, PatchEntry, VulnerabilityEntry, united
from inventory.importers.sources import MAX_DOCUMENT, MAX_REPOSITORY, Source, Unreadable
from inventory.importers.versions import rpm_version
from inventory.models import Platform, Severity
from inventory.systems import system_name

MANAGER = "dnf"
_AT_ONCE = 2_000
_ADVISORIES_AT_ONCE = 100
_SEVERITIES = {severity.value.lower(): severity for severity in Severity}
_SOURCE = re.compile(r"(.+)-[^-]+-[^-]+\.(?:no)?src\.rpm")
_CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.ASCII)

T = TypeVar("T")


def read(source: Source, system: str = "") -> Iterator[Gathered]:
    """The packages of a repository, then its advisories. Raises Unreadable."""
    locations: dict[str, str] = {}
    tags: list[str] = []
    for element in _elements(source, {"data", "distro"}, limit=MAX_DOCUMENT):
        if _tag(element) == "data":
            locations[element.get("type", "")] = _child(element, "location").get("href", "")
        else:
            tags += [element.get("cpeid", ""), element.text or ""]
    if "primary" not in locations:
        raise Unreadable("names no list of packages; is it a repomd.xml?")
    system = system or next((name for tag in tags if (name := system_name(tag)) != tag.strip()), "")
    for some in _some(_packages(_beside(source, locations["primary"]), system), _AT_ONCE):
        yield Gathered(patches=some)
    if "updateinfo" in locations:
        for advisories in _some(_advisories(_beside(source, locations["updateinfo"]), system), _ADVISORIES_AT_ONCE):
            yield united(advisories)


# --- packages ---------------------------------------------------------------------------------------------------------


def _packages(source: Source, system: str) -> Iterator[PatchEntry]:
    seen = set()
    for element in _elements(source, {"package"}):
        entry = _package(element, system)
        key = (entry.package, entry.version, entry.architecture)
        if entry.architecture not in {"src", "nosrc"} and key not in seen:
            seen.add(key)
            yield entry


def _package(element: Element, system: str) -> PatchEntry:
    source = _SOURCE.fullmatch(_text(element, "sourcerpm"))
    told = {
        "description": _text(element, "description") or _text(element, "summary"),
        "category": _text(element, "group")[:255],
        "source_package": source[1] if source else "",
        "vendor": _text(element, "vendor")[:255],
        "vendor_link": _text(element, "url")[:2000],
    }
    return _entry(
        _text(element, "name"),
        _version(_child(element, "version")),
        _text(element, "arch"),
        told={column: value for column, value in told.items() if value and value != "Unspecified"},
        added={"supported_os": [system] if system else []},
    )


def _entry(package: str, version: str, architecture: str, **more: Any) -> PatchEntry:
    if not package or not version or not architecture:
        raise Unreadable(f"a package has no name, version or architecture: {package!r} {version!r} {architecture!r}")
    return PatchEntry(
        platform=Platform.LINUX,
        package_manager=MANAGER,
        package=package,
        version=version,
        architecture=architecture,
        **more,
    )


def _version(element: Element) -> str:
    return rpm_version(element.get("epoch", ""), element.get("ver", ""), element.get("rel", ""))


# --- advisories -------------------------------------------------------------------------------------------------------


def _advisories(source: Source, system: str) -> Iterator[Gathered]:
    for element in _elements(source, {"update"}):
        yield _advisory(element, system)


def _advisory(element: Element, system: str) -> Gathered:
    published = _moment(_child(element, "issued").get("date", ""))
    severity = _SEVERITIES.get(_text(element, "severity").lower())
    cves = _cves(element)
    told: dict[str, Any] = {
        "advisory": _text(element, "id")[:255],
        "told_security": element.get("type") == "security",
    }
    told |= {"severity": severity} if severity else {}
    told |= {"published_at": published} if published else {}
    added = {"cves": cves, "supported_os": [system] if system else []}
    gathered = Gathered()
    fixes = []
    for package in element.iter():
        if _tag(package) != "package":
            continue
        name, architecture = package.get("name", ""), package.get("arch", "")
        version = rpm_version(package.get("epoch", ""), package.get("version", ""), package.get("release", ""))
        fixes.append(FixEntry(package_manager=MANAGER, package=name, version=version, system=system))
        if architecture in {"src", "nosrc"}:
            continue
        reboots = _text(package, "reboot_suggested").lower() in {"true", "1"}
        told_here = told | ({"reboot_required": True} if reboots else {})
        gathered.patches.append(_entry(name, version, architecture, told=told_here, added=added))
    gathered.vulnerabilities += [
        VulnerabilityEntry(reference=cve, cves=[cve], published_at=published, fixes=fixes) for cve in cves
    ]
    return gathered


def _cves(element: Element) -> list[str]:
    references = [one for one in element.iter() if _tag(one) == "reference" and one.get("type") == "cve"]
    texts = [f"{one.get('id', '')} {one.get('title', '')}" for one in references]
    return list(dict.fromkeys(cve for text in texts for cve in _CVE.findall(text)))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


# --- XML --------------------------------------------------------------------------------------------------------------


def _elements(source: Source, names: set[str], *, limit: int = MAX_REPOSITORY) -> Iterator[Element]:
    """The elements of these names that stand right below the root, or anywhere in a short document; each is forgotten
    when the next is asked for. Raises Unreadable."""
    with source.open(limit) as stream:
        try:
            depth, root = 0, None
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                depth += 1 if event == "start" else -1
                root = element if root is None else root
                if event == "end" and _tag(element) in names and (depth == 1 or limit < MAX_REPOSITORY):
                    yield element
                    if depth == 1:
                        root.clear()
        except (ParseError, DefusedXmlException, ValueError) as broken:
            raise Unreadable(f"{source.name} is no XML that can be read: {broken}") from broken


def _tag(element: Element) -> str:
    """Without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _child(element: Element, name: str) -> Element:
    """The first one of this name at any depth; an empty one where there is none."""
    return next((one for one in element.iter() if _tag(one) == name and one is not element), Element(name))


def _text(element: Element, name: str) -> str:
    return (_child(element, name).text or "").strip()


def _beside(source: Source, href: str) -> Source:
    """What a repomd.xml leads to: paths that start at the folder which `repodata` is in."""
    found = None if ".." in href or href.startswith("/") or "://" in href else source.beside(f"../{href}")
    if found is None:
        raise Unreadable(f"names {href!r}, which is not there")
    return found


def _some(each: Iterator[T], number: int) -> Iterator[list[T]]:
    while some := list(islice(each, number)):
        yield some
