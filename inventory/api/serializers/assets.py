"""How assets look on the wire, and what lists of them are asked."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from core.instants import milliseconds
from core.paging import GroupParameters, HavingParameters
from core.shapes import NotSet, Shape, Text, UuidList, WholeNumber, choices
from inventory import zones
from inventory.activity import AssetStatus, is_active
from inventory.api.answers import assets as answers
from inventory.models import Asset, AssetPatch, AssetTag, PatchStatus, Platform
from inventory.tokens import not_superseded

# The one module of this API family that lives here: patch management.
_PATCHES = "PM"
MAX_NUMBERS = 10_000


class AssetParameters(HavingParameters):
    """Which assets to list. Several values of one parameter are separated by commas, and any of them will do."""

    name: Annotated[Text | None, NotSet, Field(description="Assets whose name contains this, in any case.")] = None
    platform: Annotated[list[Platform] | None, choices(Platform), Field(description="Windows or Linux.")] = None
    status: Annotated[
        list[AssetStatus] | None,
        choices(AssetStatus),
        Field(description="Active, or Inactive where the agent has not been heard of for 30 days."),
    ] = None
    having_query: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=4096,
            description="Assets on which a patch that this query finds stands missing, such as "
            "`vendorSeverity:Critical`. Where the query itself speaks of `patchStatus`, that says how the patch stands "
            "on the asset: `patchStatus:Installed and product:acme-app`.",
        ),
    ] = None


class AssetCountParameters(GroupParameters, AssetParameters):
    """Which assets to count."""


def _tag_ids(value: object) -> object:
    """Ids, or tags as a row has them: `[{"id": …, "name": …}]`."""
    if not isinstance(value, list):
        return value
    return [
        one["id"] if isinstance(one, Mapping) and one.keys() <= {"id", "name"} and "id" in one else one for one in value
    ]


def _zone(value: str | None) -> str | None:
    """An accepted zone in its own spelling."""
    if value is None:
        return None
    name = zones.canonical_name(value)
    if name is None:
        raise ValueError("must be an IANA time zone, such as Europe/Berlin or UTC")
    return name


class AssetChange(Shape):
    """What is to change of an asset. All else is the agent's to tell, and what is sent back of it is ignored."""

    ignored_keys: ClassVar = frozenset(info.alias or name for name, info in answers.Asset.model_fields.items()) - {
        "name",
        "timezone",
        "tags",
    }

    name: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=255, description="What people call it, also after its next scan; null: what its agent reports."
        ),
    ] = None
    timezone: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_zone),
        Field(
            description="By which an AGENT_TZ job starts there, also after its next scan; null: what its agent reports."
        ),
    ] = None
    tags: Annotated[
        UuidList | None,
        BeforeValidator(_tag_ids),
        WithJsonSchema({"type": ["array", "null"], "items": {"type": "string", "format": "uuid"}}),
        Field(max_length=1_000, description="Ids of the tags that it is to carry instead; null and `[]` for none."),
    ] = None


class Numbers(Shape):
    """Numbers of assets; the body may also be the bare list."""

    asset_ids: Annotated[
        list[WholeNumber],
        Field(max_length=MAX_NUMBERS, description="As `assetId` in the rows of assets."),
    ]

    @classmethod
    def prepare(cls, data: object) -> object:
        """A bare list is that of the one key."""
        return {"assetIds": data} if isinstance(data, list) else data


# --- rows -------------------------------------------------------------------------------------------------------------


def with_tags_and_patches(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """The assets with what `asset_row` reads, in one query."""
    patches = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
    ordered = patches.order_by("patch_id")
    return assets.annotate(
        tags_=ArraySubquery(_tags().values(pair=JSONObject(id="tag__public_id", name="tag__name"))),
        installed_=ArraySubquery(ordered.filter(status=PatchStatus.INSTALLED).values("patch__public_id")),
        missing_=ArraySubquery(ordered.filter(status=PatchStatus.MISSING).values("patch__public_id")),
    )


def asset_row(asset: Asset, at: datetime) -> dict[str, Any]:
    """A row of `GET /v1/assets`, as of `at`."""
    row: Any = asset
    return {
        "name": asset.name,
        "id": str(asset.public_id),
        "operatingSystem": asset.operating_system,
        "lastLoggedOnUser": asset.last_logged_on_user or None,
        "assetStatus": _status(asset, at),
        "scanStatus": _scan_status(asset),
        "statusCode": None,
        "statusDateTime": milliseconds(asset.last_contact_at),
        "scanDateTime": milliseconds(asset.scanned_at),
        "hardware": _hardware(asset),
        "tags": row.tags_,
        "interfaces": [_interface(one) | {"ipv6Address": one.get("ipv6Address")} for one in asset.interfaces],
        "installedPatches": [str(one) for one in row.installed_],
        "missingPatches": [str(one) for one in row.missing_],
        "assetId": asset.number,
        "platform": asset.platform,
        "osIdentifier": asset.os_identifier,
        "version": asset.os_version,
        "architecture": asset.architecture,
        "timezone": asset.timezone or None,
        "rebootRequired": asset.reboot_required,
        "reportedName": asset.reported_name,
        "reportedTimezone": asset.reported_timezone or None,
    }


def with_tag_ids(assets: QuerySet[Asset]) -> QuerySet[Asset]:
    """The assets with the tags that `found_rows` reads, in one query."""
    return assets.annotate(tags_=ArraySubquery(_tags().values("tag__public_id")))


def found_rows(assets: list[Asset], at: datetime) -> list[dict[str, Any]]:
    """Rows of `POST /v1/assets`, as of `at`: exactly these keys. One query for the counts of all of them."""
    counts = _counts(assets)
    return [_found_row(asset, counts.get(asset.pk, _NO_COUNTS), at) for asset in assets]


_NO_COUNTS: Mapping[str, int] = {"installed_": 0, "missing_": 0, "newest_missing_": 0}


def _counts(assets: list[Asset]) -> dict[int, Mapping[str, int]]:
    """How many patches stand how, by the asset."""
    if not assets:
        return {}
    missing = Q(status=PatchStatus.MISSING)
    counted: Iterable[Mapping[str, Any]] = (
        AssetPatch.objects.for_customer(assets[0].customer_id)
        .filter(asset__in=assets)
        .order_by()
        .values("asset_id")
        .annotate(
            installed_=Count("pk", filter=Q(status=PatchStatus.INSTALLED)),
            missing_=Count("pk", filter=missing),
            newest_missing_=Count("pk", filter=missing & not_superseded()),
        )
    )
    return {row["asset_id"]: row for row in counted}


def _found_row(asset: Asset, counts: Mapping[str, int], at: datetime) -> dict[str, Any]:
    row: Any = asset
    return {
        "id": str(asset.public_id),
        "name": asset.name,
        "operatingSystem": asset.operating_system,
        "version": asset.os_version,
        "platform": asset.platform,
        "osIdentifier": asset.os_identifier,
        "tags": [str(one) for one in row.tags_],
        "interfaces": [_interface(one) for one in asset.interfaces],
        "scanStatus": _scan_status(asset),
        "status": _status(asset, at),
        "statusCode": None,
        "installedPatchCount": counts["installed_"],
        "missingPatchCount": counts["missing_"],
        "nonSupersededMissingPatchCount": counts["newest_missing_"],
        "activatedModules": [_PATCHES],
        "lastLoggedOnUser": asset.last_logged_on_user or None,
        "scanDateTime": milliseconds(asset.scanned_at),
        "statusDateTime": milliseconds(asset.last_contact_at),
        "hardware": _hardware(asset),
        "architecture": asset.architecture,
        "osNotSupportedForModules": [] if asset.is_drivable else [_PATCHES],
    }


def mapped(numbers: list[int], found: Mapping[int, UUID]) -> dict[str, Any]:
    """The answer to numbers of assets: those that are somebody's, in the order in which they were sent."""
    known = dict.fromkeys(number for number in numbers if number in found)
    return {"mappedAssets": [{"assetId": number, "assetUuid": str(found[number])} for number in known]}


def _tags() -> QuerySet[AssetTag]:
    links = AssetTag.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
    ordered: QuerySet[AssetTag] = links.order_by("tag__name")
    return ordered


def _status(asset: Asset, at: datetime) -> str:
    return str(AssetStatus.ACTIVE if is_active(asset.last_contact_at, at) else AssetStatus.INACTIVE)


def _scan_status(asset: Asset) -> str:
    return "Scanned" if asset.scanned_at else "Pending"


def _hardware(asset: Asset) -> dict[str, Any]:
    return {"model": asset.hardware.get("model"), "manufacturer": asset.hardware.get("manufacturer")}


def _interface(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: one.get(key) for key in ("interfaceName", "macAddress", "address", "gatewayAddress")}
