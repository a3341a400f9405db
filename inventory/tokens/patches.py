"""What queries may ask of patches: the keys of their rows, by the names they have there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf

from core.query import (
    CountToken,
    DateToken,
    JsonListToken,
    ListToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    any_of,
    choice_of,
    flag,
    flag_when,
    never,
)
from core.query.tree import Literal
from inventory.models import AssetPatch, Closing, DownloadMethod, PatchStatus, Platform, Severity
from inventory.superseding import is_superseded, superseded_by, superseding

# Inside, the customer is named again: the index starts with it.
_of_patch = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"))
_closed = Closing.objects.filter(customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"))

# Whose it is; of a Linux package, which repository offers it.
VENDOR = Coalesce(NullIf(F("vendor"), Value("")), F("source"), output_field=CharField())


def _count(status: PatchStatus) -> CountToken:
    return CountToken(links=_of_patch.filter(status=status), by="patch_id")


@dataclass(frozen=True)
class _PackageToken(TextToken):
    """A key of the packages that were told; where none were, of the package that the patch is."""

    key: str = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        return self._either(lambda token: token.has(literal, now=now))

    def equals(self, literal: Literal, *, now: datetime) -> Q:
        return self._either(lambda token: token.equals(literal, now=now))

    def present(self) -> Q:
        return self._either(lambda token: token.present())

    def _either(self, asked: Callable[[Token], Q]) -> Q:
        told = JsonListToken(column="package_details", key=self.key)
        return asked(told) | (Q(package_details=[]) & asked(TextToken(column=self.column)))


PATCH_TOKENS: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "patchUuid": UuidToken(column="public_id"),
    "patchId": UuidToken(column="public_id"),
    "vendorPatchId": TextToken(column=Coalesce(F("vendor_id"), Value(""), output_field=CharField())),
    "title": TextToken(column="title"),
    "description": TextToken(column="description"),
    "type": TextToken(column="type"),
    "platform": choice_of("platform", Platform),
    "architecture": ListToken(column="architectures"),
    "bulletin": TextToken(column="bulletin"),
    "category": TextToken(column="category"),
    "cve": ListToken(column="cves"),
    "kb": TextToken(column="kb"),
    "appFamily": ListToken(column="app_families"),
    "product": ListToken(column="products"),
    "supportedOs": ListToken(column="supported_os"),
    "createdDate": DateToken(column="created_at"),
    "modifiedDate": DateToken(column="modified_at"),
    "publishedDate": DateToken(column="published_at"),
    "syncDateTime": DateToken(column="synced_at"),
    "qid": NumberToken(any_of(_closed), column="vulnerability__qid"),
    "rebootRequired": flag("reboot_required"),
    "supersededBy": UuidToken(superseded_by, column="public_id"),
    "supersedes": UuidToken(superseding, column="public_id"),
    "vendor": TextToken(column=VENDOR),
    "vendorSeverity": choice_of("severity", Severity),
    "vendorlink": TextToken(column="vendor_link"),
    "downloadMethod": choice_of("download_method", DownloadMethod),
    "advisory": TextToken(column="advisory"),
    "enabled": flag("enabled"),
    "deleted": flag("deleted"),
    "packageDetails.packageName": _PackageToken(column="package", key="packageName"),
    "packageDetails.architecture": _PackageToken(column="architecture", key="architecture"),
    "isSecurity": flag("is_security"),
    "isSuperseded": flag_when(is_superseded()),
    "isRollback": flag("is_rollback"),
    # Addresses to download from are a job's, never a patch's.
    "isCustomizedDownloadUrl": flag_when(never()),
    "patchStatus": choice_of("status", PatchStatus, any_of(_of_patch)),
    "missingCount": _count(PatchStatus.MISSING),
    "installedCount": _count(PatchStatus.INSTALLED),
}
