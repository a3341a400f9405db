"""What the lists of assets, tags and custom patch URLs are: how their rows look, and what they can be asked."""

from collections.abc import Mapping

from django.db.models import Case, Count, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from core.paging import Column, Listing
from core.query import DateToken, NumberToken, TextToken, UuidToken, flag_when
from inventory.activity import ACTIVE, AssetStatus
from inventory.api import answers
from inventory.api.serializers.tags import ASSET_COUNT
from inventory.models import AssetPatch, PatchStatus
from inventory.tokens import ASSET_TOKENS, HAVING_PATCHES, not_superseded


def _patches(*conditions: Q) -> Coalesce:
    """How many patches stand so on an asset."""
    links = AssetPatch.objects.filter(*conditions, customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
    counted = links.order_by().values("asset_id").annotate(count_=Count("pk")).values("count_")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


_MISSING = Q(status=PatchStatus.MISSING)
_STATUS = Case(When(ACTIVE, then=Value(AssetStatus.ACTIVE.value)), default=Value(AssetStatus.INACTIVE.value))
_SCAN_STATUS = Case(When(scanned_at=None, then=Value("Pending")), default=Value("Scanned"))
_ASSET_COLUMNS: Mapping[str, Column] = {
    "id": "public_id",
    "assetId": "number",
    "name": "name",
    "reportedName": "reported_name",
    "platform": "platform",
    "operatingSystem": "operating_system",
    "osIdentifier": "os_identifier",
    "version": "os_version",
    "architecture": "architecture",
    "timezone": "timezone",
    "lastLoggedOnUser": "last_logged_on_user",
    "status": _STATUS,
    "assetStatus": _STATUS,
    "scanStatus": _SCAN_STATUS,
    "scanDateTime": "scanned_at",
    "statusDateTime": "last_contact_at",
    "rebootRequired": "reboot_required",
    "missingPatchCount": _patches(_MISSING),
    "installedPatchCount": _patches(Q(status=PatchStatus.INSTALLED)),
    "nonSupersededMissingPatchCount": _patches(_MISSING, not_superseded()),
}
_ASSET_GROUPS = {
    name: _ASSET_COLUMNS[name]
    for name in (
        "platform",
        "operatingSystem",
        "version",
        "architecture",
        "timezone",
        "status",
        "assetStatus",
        "scanStatus",
        "rebootRequired",
    )
}
ASSETS = Listing(
    row=answers.Asset,
    order=["name"],
    columns=_ASSET_COLUMNS,
    tokens=ASSET_TOKENS,
    having=HAVING_PATCHES,
    groups=_ASSET_GROUPS,
)
FOUND_ASSETS = Listing(
    row=answers.FoundAsset, order=["name"], columns=_ASSET_COLUMNS, tokens=ASSET_TOKENS, having=HAVING_PATCHES
)
TAGS = Listing(
    row=answers.Tag,
    order=["name"],
    columns={"id": "public_id", "name": "name", "parentId": "parent__public_id", "assetCount": ASSET_COUNT},
    tokens={
        "id": UuidToken(column="public_id"),
        "name": TextToken(column="name"),
        "parentId": UuidToken(column="parent__public_id"),
        "parent.name": TextToken(column="parent__name"),
        "query": TextToken(column="query"),
        "hasQuery": flag_when(~Q(query="")),
    },
)
CUSTOM_PATCH_URLS = Listing(
    row=answers.CustomPatchUrl,
    order=["number"],
    columns={"id": "number", "name": "name", "url": "url", "createdBy": "created_at", "createdBy.date": "created_at"},
    tokens={
        "id": NumberToken(column="number"),
        "name": TextToken(column="name"),
        "url": TextToken(column="url"),
        "createdBy.date": DateToken(column="created_at"),
        "createdBy.user.name": TextToken(column="created_by__username"),
    },
)
