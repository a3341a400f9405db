"""What importers have read: patches, vulnerabilities and fixes, before anything is stored. Any source makes these."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from inventory.models import Platform, VulnerabilityType


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchEntry:
    """One patch. It is found again by its vendor's id where it has one, else by package, version and architecture."""

    platform: Platform
    package_manager: str
    package: str
    version: str = ""
    architecture: str = ""
    vendor_id: str | None = None
    # Columns of the row, and what is to stand in them; what is not told stays as it is.
    told: Mapping[str, Any] = field(default_factory=dict)
    # Columns that hold lists, and what is to stand in them beside what does already.
    added: Mapping[str, Sequence[str]] = field(default_factory=dict)
    # References of vulnerabilities that it closes, in place of those told before; None leaves them.
    closes: Sequence[str] | None = None
    # Vendor ids or our own, in place of those told before; None leaves them.
    supersedes: Sequence[str] | None = None
    superseded_by: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixEntry:
    """From which version of a package on a vulnerability is closed."""

    package_manager: str
    package: str
    version: str
    system: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VulnerabilityEntry:
    """One vulnerability. What is None or empty stays as it is; fixes come beside those told before."""

    reference: str
    qid: int | None = None
    title: str = ""
    cves: Sequence[str] = ()
    severity: int | None = None
    vuln_type: VulnerabilityType | None = None
    detected_at: datetime | None = None
    published_at: datetime | None = None
    fixes: Sequence[FixEntry] = ()


@dataclass(slots=True)
class Gathered:
    """All that one document tells."""

    patches: list[PatchEntry] = field(default_factory=list)
    vulnerabilities: list[VulnerabilityEntry] = field(default_factory=list)


def qid_reference(qid: int) -> str:
    """What a vulnerability is called of which only the scanner's number is known."""
    return f"QID-{qid}"


def united(each: Iterable[Gathered]) -> Gathered:
    """All of them as one. Of what two tell of a patch, the later counts, and lists come together."""
    whole = Gathered()
    patches: dict[object, PatchEntry] = {}
    for one in each:
        whole.vulnerabilities += one.vulnerabilities
        for entry in one.patches:
            place = (entry.package_manager, entry.package, entry.version, entry.architecture, entry.vendor_id)
            known = patches.get(place)
            patches[place] = entry if known is None else _both(known, entry)
    whole.patches = list(patches.values())
    return whole


def _both(first: PatchEntry, second: PatchEntry) -> PatchEntry:
    columns = first.added.keys() | second.added.keys()
    return replace(
        second,
        told={**first.told, **second.told},
        added={one: list(dict.fromkeys([*first.added.get(one, ()), *second.added.get(one, ())])) for one in columns},
        closes=_joined(first.closes, second.closes),
        supersedes=_joined(first.supersedes, second.supersedes),
        superseded_by=_joined(first.superseded_by, second.superseded_by),
    )


def _joined(first: Sequence[str] | None, second: Sequence[str] | None) -> list[str] | None:
    if first is None and second is None:
        return None
    return list(dict.fromkeys([*(first or ()), *(second or ())]))
