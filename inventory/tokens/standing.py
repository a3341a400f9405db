"""`havingQuery` of patches: a query of the assets on which they stand."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.paging import Having
from inventory.models import Asset, AssetPatch, PatchStatus
from inventory.tokens.assets import ASSET_TOKENS


def standings(status: PatchStatus | None) -> QuerySet[AssetPatch]:
    """How a patch stands on assets, correlated by OuterRef with the patch: so, or in any way."""
    # The customer is named again: the index starts with it.
    links = AssetPatch.objects.filter(customer_id=OuterRef("customer_id"), patch_id=OuterRef("pk"))
    return links.filter(status=status) if status else links


def having_assets(status: PatchStatus | None) -> Having:
    """Patches that stand so on an asset which a query finds."""

    def within(condition: Q) -> Q:
        assets = Asset.objects.filter(customer_id=OuterRef("customer_id"), pk=OuterRef("asset_id"))
        return Q(Exists(standings(status).filter(Exists(assets.filter(condition)))))

    return Having(ASSET_TOKENS, within=within)
