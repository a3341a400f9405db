"""How patches look on the wire, and what lists of them are asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, Q
from pydantic import Field

from core.instants import milliseconds
from core.paging import LONGEST_QUERY, GroupParameters, HavingParameters, ListParameters
from core.shapes import AlsoNamed, NotSet, Shape, Text, UuidList, choices
from inventory.models import AssetPatch, Closing, Patch, PatchStatus, Platform
from inventory.superseding import newer_by_version, newer_by_word, older_by_version, older_by_word

MAX_IDS = 10_000


class PatchParameters(HavingParameters):
    """Which patches to list."""

    name: Annotated[Text | None, NotSet, Field(description="Patches whose title contains this, in any case.")] = None
    platform: Annotated[list[Platform] | None, choices(Platform), Field(description="Windows or Linux.")] = None
    status: Annotated[PatchStatus | None, Field(description="How they stand on an asset: Missing or Installed.")] = None
    having_query: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=LONGEST_QUERY,
            description="Patches that stand on an asset which this query finds, such as `tags.name:web`; with "
            "`status`, that stand so on it.",
        ),
    ] = None


class PatchCountParameters(GroupParameters, PatchParameters):
    """Which patches to count."""


class CatalogueParameters(PatchParameters):
    """Which patches of the catalogue to list."""

    patch_uuid: Annotated[
        UuidList | None,
        AlsoNamed("patchId"),
        Field(max_length=MAX_IDS, description="Only these. Ids that nobody has are passed over."),
    ] = None


class PackageParameters(Shape):
    """Whose packages to list."""

    patch_uuid: Annotated[UuidList, AlsoNamed("patchId"), Field(min_length=1, max_length=100, description="Of these.")]


class PatchAssetParameters(ListParameters):
    """Which assets of a patch to list."""

    status: Annotated[PatchStatus | None, Field(description="How it stands on them: Missing or Installed.")] = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a row has from other tables."""

    superseded_by: Sequence[UUID]
    supersedes: Sequence[UUID]
    qids: Sequence[int]


def patch_rows(patches: list[Patch]) -> list[dict[str, Any]]:
    """Rows of `GET /v1/patches`: exactly these keys. Two queries for all of them."""
    facts, counts = _facts(patches), _counts(patches)
    return [{**_common_row(patch, facts[patch.pk]), **counts.get(patch.pk, _NO_COUNTS)} for patch in patches]


def catalogue_rows(patches: list[Patch]) -> list[dict[str, Any]]:
    """Rows of `GET /v1/patchcatalog/patches`: exactly these keys. One query for all of them."""
    facts = _facts(patches)
    return [_common_row(patch, facts[patch.pk]) | _own_row(patch) for patch in patches]


_NO_COUNTS: Mapping[str, int] = {"missingCount": 0, "installedCount": 0}


def _counts(patches: list[Patch]) -> dict[int, Mapping[str, int]]:
    """On how many assets they are missing or installed, by the patch."""
    if not patches:
        return {}
    counted = (
        AssetPatch.objects.for_customer(patches[0].customer_id)
        .filter(patch__in=patches)
        .order_by()
        .values_list("patch_id")
        .annotate(
            missing_=Count("pk", filter=Q(status=PatchStatus.MISSING)),
            installed_=Count("pk", filter=Q(status=PatchStatus.INSTALLED)),
        )
    )
    return {pk: {"missingCount": missing, "installedCount": installed} for pk, missing, installed in counted}


def _facts(patches: list[Patch]) -> dict[int, _Facts]:
    """By the patch."""
    if not patches:
        return {}
    numbers = Closing.objects.filter(
        customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"), vulnerability__qid__isnull=False
    )
    others = (newer_by_word(), newer_by_version(), older_by_word(), older_by_version())
    told = (
        Patch.objects.for_customer(patches[0].customer_id)
        .filter(pk__in=[patch.pk for patch in patches])
        .values_list(
            "pk",
            *(ArraySubquery(one.order_by("pk").values("public_id")) for one in others),
            ArraySubquery(numbers.order_by("vulnerability__qid").values("vulnerability__qid")),
        )
    )
    return {
        pk: _Facts([*dict.fromkeys([*word, *version])], [*dict.fromkeys([*old_word, *old_version])], qids)
        for pk, word, version, old_word, old_version, qids in told
    }


def _common_row(patch: Patch, facts: _Facts) -> dict[str, Any]:
    return {
        "id": str(patch.public_id),
        "title": patch.title,
        "type": patch.type,
        "platform": patch.platform,
        "architecture": [one for one in patch.architectures if one],
        "bulletin": patch.bulletin or None,
        "category": patch.category or None,
        "cve": patch.cves,
        "kb": patch.kb or None,
        "modifiedDate": milliseconds(patch.modified_at),
        "appFamily": patch.app_families,
        "product": patch.products,
        "publishedDate": milliseconds(patch.published_at),
        "qid": [str(one) for one in facts.qids],
        "rebootRequired": patch.reboot_required,
        "supersededBy": [str(one) for one in facts.superseded_by],
        "supersedes": [str(one) for one in facts.supersedes],
        "vendor": patch.vendor or patch.source or None,
        "vendorSeverity": patch.severity,
        "vendorlink": patch.vendor_link or None,
        "downloadMethod": patch.download_method,
        "advisory": patch.advisory or None,
        "enabled": patch.enabled,
        "packageDetails": packages(patch),
        "isSecurity": patch.is_security,
        "isSuperseded": bool(facts.superseded_by),
        "isRollback": patch.is_rollback,
        "isCustomizedDownloadUrl": False,
    }


def _own_row(patch: Patch) -> dict[str, Any]:
    return {
        "patchId": str(patch.public_id),
        "description": patch.description or None,
        "supportedOs": patch.supported_os,
        "vendorPatchId": patch.vendor_id,
        "packageManager": patch.package_manager,
        "package": patch.package,
        "version": patch.version,
        "createdDate": milliseconds(patch.created_at),
        "syncDateTime": milliseconds(patch.synced_at),
        "deleted": patch.deleted,
        "downloadURL": patch.download_url or None,
        "fileChecksum": patch.file_checksum or None,
        "installer": patch.installer or None,
        "installerArguments": patch.installer_arguments or None,
    }


def packages(patch: Patch) -> list[dict[str, str]]:
    """The packages that it updates: those that were told, or the one that it is."""
    told: list[dict[str, str]] = patch.package_details
    return told or [{"packageName": patch.package, "architecture": patch.architecture}]


def packages_rows(patches: Sequence[Patch]) -> list[dict[str, Any]]:
    """Rows of `GET /v1/patchcatalog/patch/packages`."""
    return [
        {"patchUuid": str(patch.public_id), **package, "version": patch.version or None}
        for patch in patches
        for package in packages(patch)
    ]
