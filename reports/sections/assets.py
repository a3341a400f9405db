"""A row for each asset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet

from inventory.activity import AssetStatus, is_active
from inventory.models import Asset, AssetPatch, AssetTag, PatchStatus
from inventory.tokens import ASSET_TOKENS, not_superseded
from reports.models import Report, ReportKind, ReportSection
from reports.sections.columns import PAGE, Column, ColumnType, Pages, Section, condition

_COUNTS, _TAGS = "counts", "tags"
_NUMBER, _INSTANT, _BOOLEAN = ColumnType.NUMBER, ColumnType.INSTANT, ColumnType.BOOLEAN


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset, and how many patches stand how on it."""

    asset: Any
    active: bool
    counts: Mapping[str, int] = field(default_factory=dict)

    def of_hardware(self, key: str) -> str | None:
        """What its agent told of the machine."""
        told: str | None = self.asset.hardware.get(key)
        return told

    def of_interfaces(self, *keys: str) -> str:
        """The addresses of all its interfaces."""
        return ", ".join(one[key] for one in self.asset.interfaces for key in keys if one.get(key))


def _pages(report: Report, needs: frozenset[str]) -> Pages:
    """By key, which is the order in which they were registered."""
    assets: QuerySet[Any] = Asset.objects.for_customer(report.customer_id).filter(condition(report, ASSET_TOKENS))
    if report.platform:
        assets = assets.filter(platform=report.platform)
    if _TAGS in needs:
        links = AssetTag.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
        assets = assets.annotate(tags_=ArraySubquery(links.order_by("tag__name").values("tag__name")))
    last = 0
    while found := list(assets.order_by("pk").filter(pk__gt=last)[:PAGE]):
        counts = _counts(report, found) if _COUNTS in needs else {}
        yield [
            AssetRow(one, is_active(one.last_contact_at, report.created_at), counts.get(one.pk, {})) for one in found
        ]
        last = found[-1].pk


def _counts(report: Report, assets: list[Asset]) -> dict[int, Mapping[str, Any]]:
    """How many patches stand how, by the asset: one query for all of a page."""
    missing = Q(status=PatchStatus.MISSING)
    counted = (
        AssetPatch.objects.for_customer(report.customer_id)
        .filter(asset__in=[one.pk for one in assets])
        .order_by()
        .values("asset_id")
        .annotate(
            installed=Count("pk", filter=~missing),
            missing=Count("pk", filter=missing),
            newest=Count("pk", filter=missing & not_superseded()),
        )
    )
    return {row["asset_id"]: row for row in counted}


def _count(key: str, title: str, name: str) -> Column:
    return Column(key, title, lambda row: row.counts.get(name, 0), _NUMBER, needs=_COUNTS)


ASSETS = Section(
    name=ReportSection.ASSETS,
    kind=ReportKind.ASSETS,
    tokens=ASSET_TOKENS,
    pages=_pages,
    columns=(
        Column("name", "Name", lambda row: row.asset.name),
        Column("id", "ID", lambda row: row.asset.public_id),
        Column("assetId", "Number", lambda row: row.asset.number, _NUMBER),
        Column("reportedName", "Reported name", lambda row: row.asset.reported_name, default=False),
        Column("platform", "Platform", lambda row: row.asset.platform),
        Column("operatingSystem", "Operating system", lambda row: row.asset.operating_system),
        Column("version", "OS version", lambda row: row.asset.os_version),
        Column("osIdentifier", "OS identifier", lambda row: row.asset.os_identifier, default=False),
        Column("architecture", "Architecture", lambda row: row.asset.architecture),
        Column("timezone", "Time zone", lambda row: row.asset.timezone, default=False),
        Column("tags", "Tags", lambda row: ", ".join(row.asset.tags_), needs=_TAGS),
        Column("status", "Status", lambda row: AssetStatus.ACTIVE.value if row.active else AssetStatus.INACTIVE.value),
        Column("statusDateTime", "Last heard of", lambda row: row.asset.last_contact_at, _INSTANT),
        Column("scanStatus", "Scan status", lambda row: "Scanned" if row.asset.scanned_at else "Pending"),
        Column("scanDateTime", "Scanned", lambda row: row.asset.scanned_at, _INSTANT),
        _count("missingPatchCount", "Missing patches", "missing"),
        _count("nonSupersededMissingPatchCount", "Missing patches, not superseded", "newest"),
        _count("installedPatchCount", "Installed patches", "installed"),
        Column("rebootRequired", "Reboot required", lambda row: row.asset.reboot_required, _BOOLEAN),
        Column("lastLoggedOnUser", "Last logged on user", lambda row: row.asset.last_logged_on_user),
        Column("address", "Addresses", lambda row: row.of_interfaces("address", "ipv6Address")),
        Column("macAddress", "MAC addresses", lambda row: row.of_interfaces("macAddress"), default=False),
        Column("manufacturer", "Manufacturer", lambda row: row.of_hardware("manufacturer"), default=False),
        Column("model", "Model", lambda row: row.of_hardware("model"), default=False),
        Column("createdDateTime", "Registered", lambda row: row.asset.created_at, _INSTANT, default=False),
    ),
)
