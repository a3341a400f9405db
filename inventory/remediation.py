"""What could be closed: vulnerabilities that machines have, and the patches that would close them there."""

from collections.abc import Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from inventory.models import Asset, AssetPatch, Closing, Patch, PatchStatus, Platform
from inventory.querying import DEPLOYABLE
from inventory.superseding import is_superseded

# In each of these, the customer is named again: the indexes start with it.


def by_useful_patches(platforms: Sequence[Platform] | None = None) -> Q:
    """Of rows that have a patch: those whose patch may be deployed, and no other stands in its place."""
    patches = Patch.objects.filter(
        DEPLOYABLE, ~is_superseded(), customer_id=OuterRef("customer_id"), pk=OuterRef("patch_id")
    )
    return Q(Exists(patches.filter(platform__in=platforms) if platforms else patches))


def closable(assets: Q | None = None, platforms: Sequence[Platform] | None = None) -> Q:
    """The vulnerabilities that machines have, those which `assets` means or any, and such patches would close."""
    missing = _missing()
    if assets is not None:
        those = Asset.objects.filter(assets, customer_id=OuterRef("customer_id"), pk=OuterRef("asset_id"))
        missing = missing.filter(Exists(those))
    closing = Closing.objects.filter(customer_id=OuterRef("customer_id"), vulnerability_id=OuterRef("pk"))
    return Q(Exists(closing.filter(by_useful_patches(platforms), Exists(missing))))


def is_missing() -> Q:
    """Of rows that have a patch: those whose patch some machine misses."""
    return Q(Exists(_missing()))


def _missing() -> QuerySet[AssetPatch]:
    return AssetPatch.objects.filter(
        customer_id=OuterRef("customer_id"), patch_id=OuterRef("patch_id"), status=PatchStatus.MISSING
    )
