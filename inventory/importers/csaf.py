"""CSAF 2.0 advisories and VEX documents: https://docs.oasis-open.org/csaf/csaf/v2.0/os/csaf-v2.0-os.html.

Which packages fix a vulnerability is said by products that have a package address (purl), alone or as a part of a
platform. An advisory of such a vendor tells of packages that can be installed, and they become patches; a VEX document
speaks of one vulnerability in all releases, and tells of fixes alone. Where a fix names a knowledge-base article
instead of a package, the article becomes a patch for Windows.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import Field

from inventory.entries import FixEntry, Gathered, PatchEntry, VulnerabilityEntry, united
from inventory.importers.documents import Document, Words, read_document
from inventory.importers.sources import Source
from inventory.importers.versions import NamedPackage, named_package, severity_of_score
from inventory.models import Platform, Severity
from inventory.models.choices import PATCH_TYPES
from inventory.systems import system_name

WINDOWS_MANAGER = "windows"
_VEX = "csaf_vex"
_SEVERITIES = {severity.value.lower(): severity for severity in Severity}
_KB = re.compile(r"\bKB(\d{6,8})\b|support\.microsoft\.com/(?:[a-z-]+/)?(?:help|kb|topic)/(\d{6,8})", re.IGNORECASE)
_REBOOTS = {"system": True, "machine": True, "none": False}


# --- the document -----------------------------------------------------------------------------------------------------


class Helper(Document):
    purl: Words = ""


class Product(Document):
    product_id: str
    name: Words = ""
    product_identification_helper: Helper = Helper()


class Branch(Document):
    category: Words = ""
    name: Words = ""
    product: Product | None = None
    branches: list["Branch"] = []


class Relationship(Document):
    full_product_name: Product
    product_reference: str
    relates_to_product_reference: str


class ProductTree(Document):
    branches: list[Branch] = []
    full_product_names: list[Product] = []
    relationships: list[Relationship] = []


class Status(Document):
    fixed: list[str] = []
    first_fixed: list[str] = []


class Restart(Document):
    category: Words = ""


class Remediation(Document):
    category: Words = ""
    details: Words = ""
    url: Words = ""
    date: datetime | None = None
    product_ids: list[str] = []
    restart_required: Restart = Restart()


class Cvss(Document):
    base_score: float | None = Field(None, alias="baseScore")


class Score(Document):
    cvss_v2: Cvss | None = None
    cvss_v3: Cvss | None = None


class Threat(Document):
    category: Words = ""
    details: Words = ""


class Hole(Document):
    cve: Words = ""
    title: Words = ""
    release_date: datetime | None = None
    product_status: Status = Status()
    remediations: list[Remediation] = []
    scores: list[Score] = []
    threats: list[Threat] = []


class Rating(Document):
    text: Words = ""


class Publisher(Document):
    name: Words = ""


class Tracking(Document):
    id: str
    initial_release_date: datetime | None = None


class About(Document):
    category: str
    csaf_version: str
    title: Words = ""
    publisher: Publisher = Publisher()
    tracking: Tracking
    aggregate_severity: Rating = Rating()


class Advisory(Document):
    document: About
    product_tree: ProductTree = ProductTree()
    vulnerabilities: list[Hole] = []


# --- reading ----------------------------------------------------------------------------------------------------------


def read(source: Source, system: str = "") -> Iterator[Gathered]:
    """What one document tells. Raises Unreadable."""
    advisory = read_document(source, Advisory)
    products = _Products.of(advisory.product_tree, system)
    each = [_hole(advisory, hole, products) for hole in advisory.vulnerabilities]
    yield united(each)


@dataclass
class _Products:
    """What product ids mean: a name, and where they name a package, that package and its system."""

    system: str
    names: dict[str, str] = field(default_factory=dict)
    packages: dict[str, NamedPackage] = field(default_factory=dict)
    platforms: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: ProductTree, system: str) -> "_Products":
        """Those of a document."""
        products = cls(system)
        for product in tree.full_product_names:
            products._add(product, product.name)
        for product, name in _leaves(tree.branches):
            products._add(product, name or product.name)
        for relationship in tree.relationships:
            products._relate(relationship)
        return products

    def system_of(self, product_id: str) -> str:
        """The system that a package is for; empty where nobody says."""
        if self.system:
            return self.system
        return system_name(self.platforms.get(product_id, "") or self.packages[product_id].distribution)

    def _add(self, product: Product, name: str) -> None:
        self.names[product.product_id] = name
        package = named_package(product.product_identification_helper.purl)
        if package:
            self.packages[product.product_id] = package

    def _relate(self, relationship: Relationship) -> None:
        """A package as a part of a platform: the platform's name says the system."""
        whole = relationship.full_product_name
        self._add(whole, whole.name)
        part = self.packages.get(relationship.product_reference)
        if part:
            self.packages[whole.product_id] = part
            self.platforms[whole.product_id] = self.names.get(relationship.relates_to_product_reference, "")


def _leaves(branches: list[Branch], name: str = "") -> Iterator[tuple[Product, str]]:
    """Products, with what people call them: below a product's name stand its versions."""
    for branch in branches:
        below = branch.name if branch.category == "product_name" else name
        if branch.product:
            yield branch.product, below
        yield from _leaves(branch.branches, below)


def _hole(advisory: Advisory, hole: Hole, products: _Products) -> Gathered:
    """One vulnerability of a document, and the patches that close it."""
    fixed = [one for one in [*hole.product_status.fixed, *hole.product_status.first_fixed] if one in products.packages]
    fixes = [_fix(products.packages[one], products.system_of(one)) for one in fixed]
    cves = [hole.cve] if hole.cve else []
    entry = VulnerabilityEntry(
        reference=hole.cve or advisory.document.tracking.id,
        title=(hole.title or advisory.document.title)[:600],
        cves=cves,
        severity=severity_of_score(_score(hole)),
        published_at=hole.release_date or advisory.document.tracking.initial_release_date,
        fixes=list(dict.fromkeys(fixes)),
    )
    patches = [] if advisory.document.category == _VEX else _packages(advisory, fixed, products, cves)
    return Gathered([*patches, *_articles(advisory, hole, products, cves)], [entry])


def _fix(package: NamedPackage, system: str) -> FixEntry:
    return FixEntry(
        package_manager=package.package_manager, package=package.package, version=package.version, system=system
    )


def _score(hole: Hole) -> float | None:
    each = [one.base_score for score in hole.scores for one in (score.cvss_v3, score.cvss_v2) if one]
    return max((one for one in each if one is not None), default=None)


def _packages(advisory: Advisory, fixed: list[str], products: _Products, cves: list[str]) -> Iterator[PatchEntry]:
    told = _told(advisory) | {"advisory": advisory.document.tracking.id[:255], "told_security": True}
    for one in fixed:
        package, system = products.packages[one], products.system_of(one)
        if package.is_installable:
            yield PatchEntry(
                platform=Platform.LINUX,
                package_manager=package.package_manager,
                package=package.package,
                version=package.version,
                architecture=package.architecture,
                told=told,
                added={"cves": cves, "supported_os": [system] if system else []},
            )


def _told(advisory: Advisory) -> dict[str, Any]:
    about = advisory.document
    severity = _SEVERITIES.get(about.aggregate_severity.text.strip().lower())
    told = {
        "severity": severity,
        "vendor": about.publisher.name[:255],
        "published_at": about.tracking.initial_release_date,
    }
    return {column: value for column, value in told.items() if value}


# --- knowledge-base articles ------------------------------------------------------------------------------------------


def _articles(advisory: Advisory, hole: Hole, products: _Products, cves: list[str]) -> Iterator[PatchEntry]:
    remediations: Mapping[str, list[Remediation]] = defaultdict(list)
    for remediation in hole.remediations:
        found = _KB.search(f"{remediation.details} {remediation.url}") if remediation.category == "vendor_fix" else None
        if found:
            remediations[f"KB{found[1] or found[2]}"].append(remediation)
    told = _told(advisory)
    ratings = (_SEVERITIES.get(threat.details.strip().lower()) for threat in hole.threats)
    if rating := next((one for one in ratings if one), None):
        told["severity"] = rating
    for article, each in remediations.items():
        yield _article(article, each, products=products, cves=cves, told=told)


def _article(
    article: str, remediations: list[Remediation], *, products: _Products, cves: list[str], told: Mapping[str, Any]
) -> PatchEntry:
    names = [
        products.names[one][:255]
        for remediation in remediations
        for one in remediation.product_ids
        if products.names.get(one)
    ]
    reboots = [
        _REBOOTS[one] for remediation in remediations if (one := remediation.restart_required.category) in _REBOOTS
    ]
    here = {
        "kb": article,
        "type": PATCH_TYPES[Platform.WINDOWS],
        "told_security": True,
        "vendor_link": next((remediation.url for remediation in remediations if remediation.url), "")[:2000],
        "published_at": next((remediation.date for remediation in remediations if remediation.date), None),
        "reboot_required": any(reboots) if reboots else None,
    }
    return PatchEntry(
        platform=Platform.WINDOWS,
        package_manager=WINDOWS_MANAGER,
        package=article,
        vendor_id=article,
        told={**told, **{column: value for column, value in here.items() if value not in (None, "")}},
        added={
            "cves": cves,
            "told_products": names,
            "supported_os": [system_name(name) for name in names if name.startswith("Windows")],
        },
    )
