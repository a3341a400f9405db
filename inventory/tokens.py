"""What queries may ask of assets and of patches: the keys of their rows, by the names they have there."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from core.query import (
    ChoiceToken,
    CountToken,
    DateToken,
    JsonListToken,
    ListToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    Within,
    choice_of,
    flag,
    flag_when,
    never,
)
from inventory.models import AssetPatch, AssetTag, PatchStatus, Platform, Severity


def _any(links: QuerySet[Any]) -> Within:
    """The rows that have one of `links` for which a condition holds."""

    def within(condition: Q) -> Q:
        return Q(Exists(links.filter(condition)))

    return within


def _hardware(key: str) -> TextToken:
    # Coalesced, since a machine that did not tell has no such key, and `not` must find it.
    return TextToken(column=Coalesce(KeyTextTransform(key, "hardware"), Value(""), output_field=TextField()))


# Inside, the customer is named again: the indexes of both tables start with it.
_tags = AssetTag.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
_of_asset = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("pk"))
_of_patch = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"))


def _count(links: QuerySet[Any], status: PatchStatus, by: str) -> NumberToken:
    return CountToken(links=links.filter(status=status), by=by)


def _standing(status: PatchStatus) -> UuidToken:
    return UuidToken(_any(_of_asset.filter(status=status)), column="patch__public_id")


ASSET_TOKENS: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "name": TextToken(column="name"),
    "platform": choice_of("platform", Platform),
    "operatingSystem": TextToken(column="operating_system"),
    "osIdentifier": TextToken(column="os_identifier"),
    "version": TextToken(column="os_version"),
    "architecture": TextToken(column="architecture"),
    "timezone": TextToken(column="timezone"),
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
    "tags.id": UuidToken(_any(_tags), column="tag__public_id"),
    "tags.name": TextToken(_any(_tags), column="tag__name"),
    "interfaces.interfaceName": JsonListToken(column="interfaces", key="interfaceName"),
    "interfaces.macAddress": JsonListToken(column="interfaces", key="macAddress"),
    "interfaces.address": JsonListToken(column="interfaces", key="address"),
    "missingPatches": _standing(PatchStatus.MISSING),
    "installedPatches": _standing(PatchStatus.INSTALLED),
    "missingPatchCount": _count(_of_asset, PatchStatus.MISSING, "asset_id"),
    "installedPatchCount": _count(_of_asset, PatchStatus.INSTALLED, "asset_id"),
}

PATCH_TOKENS: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "patchUuid": UuidToken(column="public_id"),
    "patchId": UuidToken(column="public_id"),
    "title": TextToken(column="title"),
    "platform": choice_of("platform", Platform),
    "architecture": TextToken(column="architecture"),
    "product": TextToken(column="package"),
    "packageDetails.packageName": TextToken(column="package"),
    "packageDetails.architecture": TextToken(column="architecture"),
    "vendor": TextToken(column="source"),
    "vendorSeverity": choice_of("severity", Severity),
    "advisory": TextToken(column="advisory"),
    "cve": ListToken(column="cves"),
    "modifiedDate": DateToken(column="modified_at"),
    "isSecurity": flag_when(~Q(severity=Severity.NONE) | ~Q(cves=[])),
    # As rows say today: no patch is known to stand in another's place.
    "isSuperseded": flag_when(never()),
    "patchStatus": choice_of("status", PatchStatus, _any(_of_patch)),
    "missingCount": _count(_of_patch, PatchStatus.MISSING, "patch_id"),
    "installedCount": _count(_of_patch, PatchStatus.INSTALLED, "patch_id"),
}
