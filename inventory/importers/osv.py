"""OSV records: https://ossf.github.io/osv-schema/. Of those for apt and dnf, which versions fix what."""

from collections.abc import Iterator
from datetime import datetime

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError

from inventory.entries import FixEntry, Gathered, VulnerabilityEntry
from inventory.importers.documents import Document, Words, read_document
from inventory.importers.sources import Source
from inventory.importers.versions import severity_of_score
from inventory.systems import system_name

# By the first part of an ecosystem's name. Others are libraries' or package managers' that no agent of ours drives.
_MANAGERS = {
    "Debian": "apt",
    "Ubuntu": "apt",
    "AlmaLinux": "dnf",
    "Red Hat": "dnf",
    "Rocky Linux": "dnf",
}
_RATINGS = {"CVSS_V2": CVSS2, "CVSS_V3": CVSS3, "CVSS_V4": CVSS4}


class Rating(Document):
    type: str
    score: str


class Event(Document):
    fixed: Words = ""


class Span(Document):
    type: str
    events: list[Event] = []


class Package(Document):
    ecosystem: str
    name: str


class Affected(Document):
    package: Package | None = None
    ranges: list[Span] = []


class Record(Document):
    id: str
    modified: datetime
    published: datetime | None = None
    withdrawn: datetime | None = None
    summary: Words = ""
    details: Words = ""
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    severity: list[Rating] | None = None
    affected: list[Affected] | None = None


def read(source: Source, system: str = "") -> Iterator[Gathered]:
    """What one record tells; nothing where it is withdrawn, or about nothing that agents install. Raises Unreadable."""
    record = read_document(source, Record)
    fixes = list(dict.fromkeys(fix for affected in record.affected or () for fix in _fixes(affected, system)))
    if record.withdrawn or not fixes:
        yield Gathered()
        return
    names = [record.id, *(record.aliases or ()), *(record.upstream or ())]
    entry = VulnerabilityEntry(
        reference=record.id,
        title=(record.summary or record.details.partition("\n")[0] or record.id)[:600],
        cves=list(dict.fromkeys(name for name in names if name.startswith("CVE-"))),
        severity=severity_of_score(max((_score(one) for one in record.severity or ()), default=None)),
        published_at=record.published or record.modified,
        fixes=fixes,
    )
    yield Gathered(vulnerabilities=[entry])


def _fixes(affected: Affected, system: str) -> Iterator[FixEntry]:
    if affected.package is None:
        return
    family = affected.package.ecosystem.partition(":")[0]
    manager = _MANAGERS.get(family)
    if manager is None:
        return
    # Without a release it is for any of the family, and of that no machine's name tells.
    release = affected.package.ecosystem.partition(":")[2]
    where = system or (system_name(affected.package.ecosystem) if release else "")
    for span in affected.ranges:
        for event in span.events:
            if span.type == "ECOSYSTEM" and event.fixed not in ("", "0"):
                yield FixEntry(
                    package_manager=manager, package=affected.package.name, version=event.fixed, system=where
                )


def _score(rating: Rating) -> float:
    """Its base score; 0 for one that cannot be read: distributions rate in words, too."""
    kind = _RATINGS.get(rating.type)
    if kind is None:
        return 0.0
    try:
        return float(kind(rating.score).base_score)
    except CVSSError:
        return 0.0
