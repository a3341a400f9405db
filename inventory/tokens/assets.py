"""What queries may ask of assets: the keys of their rows, by the names they have there."""

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db.models import CharField, Exists, ExpressionWrapper, OuterRef, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from core.paging import Having
from core.query import (
    ChoiceToken,
    CountToken,
    DateToken,
    JsonListToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    any_of,
    choice_of,
    flag,
    never,
)
from core.query.tree import Literal
from inventory.activity import CONDITIONS
from inventory.models import NOT_DRIVABLE, AssetPatch, AssetTag, Patch, PatchStatus, Platform
from inventory.tokens.patches import PATCH_TOKENS

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_STANDS = "stands_"


def not_superseded() -> Q:
    """The links of assets and patches whose patch no other one stands in the place of."""
    superseded = PATCH_TOKENS["isSuperseded"].has(Literal("true"), now=_ANY_TIME)
    patches = Patch.objects.filter(customer_id=OuterRef("customer_id"), pk=OuterRef("patch_id"))
    return Q(Exists(patches.filter(~superseded)))


def _hardware(key: str) -> TextToken:
    # Coalesced, since a machine that did not tell has no such key, and `not` must find it.
    return TextToken(column=Coalesce(KeyTextTransform(key, "hardware"), Value(""), output_field=TextField()))


# Inside, the customer is named again: the indexes of both tables start with it.
_tags = AssetTag.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
_of_asset = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
_status = ChoiceToken(cases=tuple((str(one), rows) for one, rows in CONDITIONS.items()))


def _standing(status: PatchStatus) -> UuidToken:
    return UuidToken(any_of(_of_asset.filter(status=status)), column="patch__public_id")


def _count(*conditions: Q) -> CountToken:
    return CountToken(links=_of_asset.filter(*conditions), by="asset_id")


ASSET_TOKENS: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "assetId": NumberToken(column="number"),
    "name": TextToken(column="name"),
    "reportedName": TextToken(column="reported_name"),
    "platform": choice_of("platform", Platform),
    "operatingSystem": TextToken(column="operating_system"),
    "osIdentifier": TextToken(column="os_identifier"),
    "version": TextToken(column="os_version"),
    "architecture": TextToken(column="architecture"),
    "timezone": TextToken(column="timezone"),
    "reportedTimezone": TextToken(column="reported_timezone"),
    "status": _status,
    "assetStatus": _status,
    "lastLoggedOnUser": TextToken(column="last_logged_on_user"),
    "scanStatus": ChoiceToken(
        cases=(("Scanned", Q(scanned_at__isnull=False)), ("Pending", Q(scanned_at__isnull=True)))
    ),
    "scanDateTime": DateToken(column="scanned_at"),
    "statusDateTime": DateToken(column="last_contact_at"),
    "rebootRequired": flag("reboot_required"),
    "hardware.model": _hardware("model"),
    "hardware.manufacturer": _hardware("manufacturer"),
    # The asset's own tags, as its row shows them; those above them count for targets, not here.
    "tags.id": UuidToken(any_of(_tags), column="tag__public_id"),
    "tags.name": TextToken(any_of(_tags), column="tag__name"),
    "interfaces.interfaceName": JsonListToken(column="interfaces", key="interfaceName"),
    "interfaces.macAddress": JsonListToken(column="interfaces", key="macAddress"),
    "interfaces.address": JsonListToken(column="interfaces", key="address"),
    "interfaces.gatewayAddress": JsonListToken(column="interfaces", key="gatewayAddress"),
    "interfaces.ipv6Address": JsonListToken(column="interfaces", key="ipv6Address"),
    "missingPatches": _standing(PatchStatus.MISSING),
    "installedPatches": _standing(PatchStatus.INSTALLED),
    "missingPatchCount": _count(Q(status=PatchStatus.MISSING)),
    "installedPatchCount": _count(Q(status=PatchStatus.INSTALLED)),
    "nonSupersededMissingPatchCount": _count(Q(status=PatchStatus.MISSING), not_superseded()),
    "activatedModules": ChoiceToken(cases=(("PM", ~never()),)),
    "osNotSupportedForModules": ChoiceToken(cases=(("PM", Q(package_manager__in=NOT_DRIVABLE)),)),
}


# --- havingQuery ------------------------------------------------------------------------------------------------------


def _on_which_a_patch_stands(condition: Q) -> Q:
    """The assets on which a patch that the condition finds stands missing, or as the condition itself says."""
    missing = Q() if _speaks_of(condition, _STANDS) else Q(status=PatchStatus.MISSING)
    patches = Patch.objects.filter(customer_id=OuterRef("customer_id"), pk=OuterRef("patch_id"))
    stands = patches.annotate(**{_STANDS: ExpressionWrapper(OuterRef("status"), output_field=CharField())})
    return Q(Exists(_of_asset.filter(missing, Exists(stands.filter(condition)))))


def _speaks_of(condition: Q, column: str) -> bool:
    return any(
        _speaks_of(part, column) if isinstance(part, Q) else isinstance(part, tuple) and part[0].startswith(column)
        for part in condition.children
    )


# Within `havingQuery` a patch's status is how it stands on the asset asked about, not on any.
HAVING_PATCHES = Having(
    {**PATCH_TOKENS, "patchStatus": choice_of(_STANDS, PatchStatus)}, within=_on_which_a_patch_stands
)
