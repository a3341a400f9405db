"""A row for each patch that is missing on an asset, by the asset's last scan."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from inventory.models import AssetPatch, Patch, PatchStatus, Platform
from inventory.superseding import is_superseded
from inventory.tokens import PATCH_TOKENS
from reports.models import Report, ReportKind, ReportSection
from reports.sections.columns import PAGE, Column, ColumnType, Pages, Section, condition

_SUPERSEDED = "superseded"
_NUMBER, _INSTANT, _BOOLEAN = ColumnType.NUMBER, ColumnType.INSTANT, ColumnType.BOOLEAN
_READ = (
    *("from_version", "seen_at", "patch_id", "asset__public_id", "asset__number", "asset__name", "asset__platform"),
    *("asset__operating_system", "asset__scanned_at", "patch__public_id", "patch__title", "patch__type", "patch__kb"),
    *("patch__package", "patch__version", "patch__architectures", "patch__severity", "patch__category"),
    *("patch__bulletin", "patch__advisory", "patch__vendor", "patch__vendor_link", "patch__cves", "patch__products"),
    *("patch__published_at", "patch__reboot_required", "patch__is_security"),
)


@dataclass(frozen=True, slots=True)
class MissingRow:
    """A patch that is missing on an asset."""

    link: Any
    superseded: bool | None = None


def _pages(report: Report, needs: frozenset[str]) -> Pages:
    """By key: what was found missing first comes first."""
    patches: QuerySet[Patch] = Patch.objects.for_customer(report.customer_id).filter(condition(report, PATCH_TOKENS))
    links: QuerySet[AssetPatch] = AssetPatch.objects.for_customer(report.customer_id).filter(status=PatchStatus.MISSING)
    if report.platform:
        links = links.filter(asset__platform=report.platform)
    if report.query:
        links = links.filter(patch__in=patches.values("pk"))
    ordered = links.select_related("asset", "patch").only(*_READ).order_by("pk")
    last = 0
    while found := list(ordered.filter(pk__gt=last)[:PAGE]):
        old = _superseded(report, found) if _SUPERSEDED in needs else set()
        yield [MissingRow(one, one.patch_id in old) for one in found]
        last = found[-1].pk


def _superseded(report: Report, links: list[AssetPatch]) -> set[int]:
    """Keys of those of a page's patches in whose place another one stands."""
    patches = Patch.objects.for_customer(report.customer_id).filter(pk__in={one.patch_id for one in links})
    return set(patches.filter(is_superseded()).values_list("pk", flat=True))


MISSING_PATCHES = Section(
    name=ReportSection.MISSING_PATCHES,
    kind=ReportKind.MISSING_PATCHES,
    tokens=PATCH_TOKENS,
    pages=_pages,
    columns=(
        Column("assetName", "Asset", lambda row: row.link.asset.name),
        Column("assetId", "Asset ID", lambda row: row.link.asset.public_id),
        Column("assetNumber", "Asset number", lambda row: row.link.asset.number, _NUMBER, default=False),
        Column("platform", "Platform", lambda row: row.link.asset.platform, default=False),
        Column("operatingSystem", "Operating system", lambda row: row.link.asset.operating_system),
        Column("scanDateTime", "Scanned", lambda row: row.link.asset.scanned_at, _INSTANT),
        Column("patchTitle", "Patch", lambda row: row.link.patch.title),
        Column("patchId", "Patch ID", lambda row: row.link.patch.public_id),
        Column("type", "Type", lambda row: row.link.patch.type, default=False),
        Column("kb", "KB", lambda row: row.link.patch.kb, platform=Platform.WINDOWS),
        Column("bulletin", "Bulletin", lambda row: row.link.patch.bulletin, platform=Platform.WINDOWS, default=False),
        Column("package", "Package", lambda row: row.link.patch.package, platform=Platform.LINUX),
        Column("fromVersion", "Present version", lambda row: row.link.from_version, platform=Platform.LINUX),
        Column("toVersion", "New version", lambda row: row.link.patch.version, platform=Platform.LINUX),
        Column("architecture", "Architecture", lambda row: ", ".join(row.link.patch.architectures), default=False),
        Column("vendorSeverity", "Vendor severity", lambda row: row.link.patch.severity),
        Column("isSecurity", "Security", lambda row: row.link.patch.is_security, _BOOLEAN),
        Column("isSuperseded", "Superseded", lambda row: row.superseded, _BOOLEAN, needs=_SUPERSEDED),
        Column("cve", "CVEs", lambda row: ", ".join(row.link.patch.cves)),
        Column("category", "Category", lambda row: row.link.patch.category, default=False),
        Column("product", "Products", lambda row: ", ".join(row.link.patch.products), default=False),
        Column("vendor", "Vendor", lambda row: row.link.patch.vendor, default=False),
        Column("vendorlink", "Link", lambda row: row.link.patch.vendor_link, default=False),
        Column("advisory", "Advisory", lambda row: row.link.patch.advisory, default=False),
        Column("publishedDate", "Published", lambda row: row.link.patch.published_at, _INSTANT),
        Column("rebootRequired", "Reboot required", lambda row: row.link.patch.reboot_required, _BOOLEAN),
        Column("seenDateTime", "Found missing", lambda row: row.link.seen_at, _INSTANT),
    ),
)
