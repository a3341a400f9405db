"""How assets, tags and patches look on the wire, as the wire contract has it."""

from typing import Annotated, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from pydantic import Field

from core.instants import milliseconds
from core.paging import PageParameters
from core.shapes import AlsoNamed, NotSet, ReadOnly, Shape, Text, choice
from inventory.models import Asset, AssetPatch, AssetTag, Patch, PatchStatus, Platform, Severity, Tag


class AssetParameters(PageParameters):
    """Which assets to list."""

    query: Annotated[
        Text | None,
        NotSet,
        AlsoNamed("filter"),
        Field(max_length=4096, description="In the query language: `missingPatchCount > 0 and not tags.name:lab`."),
    ] = None
    name: Annotated[Text | None, NotSet, Field(description="Assets whose name contains this, in any case.")] = None
    platform: Annotated[Platform | None, choice(Platform)] = None


class PatchParameters(PageParameters):
    """Which patches to list."""

    query: Annotated[
        Text | None,
        NotSet,
        AlsoNamed("filter"),
        Field(
            max_length=4096,
            description="In the query language: `vendorSeverity:Critical and patchStatus:Missing`.",
        ),
    ] = None
    name: Annotated[Text | None, NotSet, Field(description="Patches whose title contains this, in any case.")] = None
    status: Annotated[PatchStatus | None, choice(PatchStatus), Field(description="Missing or Installed anywhere.")] = (
        None
    )
    platform: Annotated[Platform | None, choice(Platform)] = None


class TagBody(Shape):
    """A tag."""

    name: Annotated[Text, Field(min_length=1, max_length=200, description="Unique within the customer.")]
    parent_id: Annotated[UUID | None, NotSet, Field(description="The tag above it.")] = None
    id: Annotated[str | None, ReadOnly] = None


class TagChange(Shape):
    """What is to change of a tag."""

    name: Annotated[Text | None, NotSet, Field(min_length=1, max_length=200)] = None
    parent_id: Annotated[UUID | None, NotSet] = None
    id: Annotated[str | None, ReadOnly] = None


def with_tags_and_patches(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """The assets with what `asset_row` reads, in one query."""
    tags = AssetTag.objects.filter(asset=OuterRef("pk")).order_by("tag__name")
    patches = AssetPatch.objects.filter(asset=OuterRef("pk")).order_by("patch_id")
    return assets.annotate(
        tags_=ArraySubquery(tags.values(pair=JSONObject(id="tag__public_id", name="tag__name"))),
        installed_=ArraySubquery(patches.filter(status=PatchStatus.INSTALLED).values("patch__public_id")),
        missing_=ArraySubquery(patches.filter(status=PatchStatus.MISSING).values("patch__public_id")),
    )


def asset_row(asset: Asset) -> dict[str, Any]:
    """A row of `GET /v1/assets`."""
    row: Any = asset
    return {
        "id": str(asset.public_id),
        "name": asset.name,
        "platform": asset.platform,
        "operatingSystem": asset.operating_system,
        "osIdentifier": asset.os_identifier,
        "version": asset.os_version,
        "architecture": asset.architecture,
        "timezone": asset.timezone or None,
        "lastLoggedOnUser": asset.last_logged_on_user or None,
        "assetStatus": "Active",
        "scanStatus": "Scanned" if asset.scanned_at else "Pending",
        "statusCode": None,
        "statusDateTime": milliseconds(asset.last_contact_at),
        "scanDateTime": milliseconds(asset.scanned_at),
        "rebootRequired": asset.reboot_required,
        "hardware": {"model": asset.hardware.get("model"), "manufacturer": asset.hardware.get("manufacturer")},
        "tags": row.tags_,
        "interfaces": [_interface(one) for one in asset.interfaces],
        "installedPatches": [str(one) for one in row.installed_],
        "missingPatches": [str(one) for one in row.missing_],
    }


def _interface(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "interfaceName": one.get("interfaceName"),
        "macAddress": one.get("macAddress"),
        "address": one.get("address"),
        "gatewayAddress": None,
        "ipv6Address": None,
    }


def tag_row(tag: Tag) -> dict[str, Any]:
    """A row of `GET /v1/tags`."""
    return {
        "id": str(tag.public_id),
        "name": tag.name,
        "parentId": str(tag.parent.public_id) if tag.parent else None,
    }


def with_counts(patches: QuerySet[Patch]) -> QuerySet[Patch]:
    """The patches with how many assets miss or have them."""
    return patches.annotate(
        missing_count_=Count("asset_links", filter=Q(asset_links__status=PatchStatus.MISSING)),
        installed_count_=Count("asset_links", filter=Q(asset_links__status=PatchStatus.INSTALLED)),
    )


def patch_row(patch: Patch) -> dict[str, Any]:
    """A row of `GET /v1/patches`: exactly these keys."""
    row: Any = patch
    return {
        "id": str(patch.public_id),
        "title": patch.title,
        "type": "Package",
        "platform": patch.platform,
        "architecture": [patch.architecture],
        "bulletin": None,
        "category": None,
        "cve": patch.cves,
        "kb": None,
        "modifiedDate": milliseconds(patch.modified_at),
        "appFamily": [],
        "product": [patch.package],
        "publishedDate": None,
        "qid": [],
        "rebootRequired": None,
        "supersededBy": [],
        "supersedes": [],
        "vendor": patch.source or None,
        "vendorSeverity": patch.severity,
        "vendorlink": None,
        "missingCount": row.missing_count_,
        "installedCount": row.installed_count_,
        "downloadMethod": "Automatic",
        "advisory": patch.advisory or None,
        "enabled": True,
        "packageDetails": [{"packageName": patch.package, "architecture": patch.architecture}],
        "isSecurity": patch.severity != Severity.NONE or bool(patch.cves),
        "isSuperseded": False,
        "isRollback": True,
        "isCustomizedDownloadUrl": False,
    }
