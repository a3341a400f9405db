"""What the lists of patches and of vulnerabilities are: how their rows look, and what they can be asked."""

from collections.abc import Mapping

from django.db.models import CharField, Count, F, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from core.paging import Column, Listing
from inventory.api import answers
from inventory.models import AssetPatch, PatchStatus
from inventory.tokens import PATCH_TOKENS, VULNERABILITY_TOKENS
from inventory.tokens.patches import VENDOR
from inventory.tokens.standing import having_assets


def _assets(status: PatchStatus) -> Coalesce:
    """On how many assets a patch stands so."""
    links = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"), status=status)
    counted = links.order_by().values("patch_id").annotate(count_=Count("pk")).values("count_")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


def _text(column: str) -> NullIf:
    """A text as rows show it: null where it is empty."""
    return NullIf(F(column), Value(""), output_field=CharField())


_CATALOGUE_COLUMNS: Mapping[str, Column] = {
    "id": "public_id",
    "patchId": "public_id",
    "title": "title",
    "type": "type",
    "platform": "platform",
    "bulletin": "bulletin",
    "category": "category",
    "kb": "kb",
    "createdDate": "created_at",
    "modifiedDate": "modified_at",
    "publishedDate": "published_at",
    "syncDateTime": "synced_at",
    "rebootRequired": "reboot_required",
    "vendor": VENDOR,
    "vendorPatchId": "vendor_id",
    "vendorSeverity": "severity",
    "vendorlink": "vendor_link",
    "downloadMethod": "download_method",
    "advisory": "advisory",
    "enabled": "enabled",
    "deleted": "deleted",
    "isSecurity": "is_security",
    "isRollback": "is_rollback",
    "package": "package",
    "packageManager": "package_manager",
    "version": "version_key",
}
_PATCH_COLUMNS: Mapping[str, Column] = {
    **_CATALOGUE_COLUMNS,
    "missingCount": _assets(PatchStatus.MISSING),
    "installedCount": _assets(PatchStatus.INSTALLED),
}
_GROUPS: Mapping[str, Column] = {
    "platform": "platform",
    "type": "type",
    "vendorSeverity": "severity",
    "downloadMethod": "download_method",
    "rebootRequired": "reboot_required",
    "enabled": "enabled",
    "isSecurity": "is_security",
    "isRollback": "is_rollback",
    "category": _text("category"),
    "bulletin": _text("bulletin"),
    "advisory": _text("advisory"),
    "kb": _text("kb"),
    "vendor": NullIf(VENDOR, Value(""), output_field=CharField()),
}
# Newest first. `replace` the having by that of a status, where one is asked for.
PATCHES = Listing(
    row=answers.Patch,
    order=["-id"],
    columns=_PATCH_COLUMNS,
    tokens=PATCH_TOKENS,
    having=having_assets(None),
    groups=_GROUPS,
)
CATALOGUE = Listing(
    row=answers.CataloguePatch,
    order=["-id"],
    columns=_CATALOGUE_COLUMNS,
    tokens=PATCH_TOKENS,
    having=having_assets(None),
)
_VULNERABILITY_COLUMNS: Mapping[str, Column] = {
    "id": "qid",
    "qid": "qid",
    "title": "title",
    "severity": "severity",
    "vulnType": "vuln_type",
    "detectedDate": "detected_at",
    "publishedDate": "published_at",
}
VULNERABILITIES = Listing(
    row=answers.Vulnerability,
    order=["qid"],
    columns=_VULNERABILITY_COLUMNS,
    tokens=VULNERABILITY_TOKENS,
)
# The most urgent first.
INSIGHTS = Listing(
    row=answers.Insight,
    order=["-severity"],
    # Null would sort as more than 5.
    columns={**_VULNERABILITY_COLUMNS, "severity": Coalesce(F("severity"), 0, output_field=IntegerField())},
    tokens=VULNERABILITY_TOKENS,
)
