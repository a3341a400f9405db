"""Assets, as the wire contract has them."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.openapi import describe, describe_list, query
from core.paging import list_parameters
from core.parameters import parameters
from core.shapes import parse
from inventory import services
from inventory.activity import CONDITIONS
from inventory.api import answers, serializers
from inventory.api.listings import ASSETS, FOUND_ASSETS
from inventory.api.serializers import AssetChange, AssetCountParameters, AssetParameters, Numbers
from inventory.api.views.base import InventoryView, require_all
from inventory.models import Asset
from tenants.models import Role

# More than the column holds is nobody's number.
_HIGHEST = 2**31 - 1
_NUMBERS = {
    "type": "array",
    "items": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "maxItems": serializers.MAX_NUMBERS,
}


class AssetListView(InventoryView):
    """Base of all views of many assets."""

    def listed(self, wanted: AssetParameters) -> QuerySet[Asset]:
        """The caller's assets that the parameters mean, apart from the queries among them."""
        conditions = Q()
        if wanted.name:
            conditions &= Q(name__icontains=wanted.name)
        if wanted.platform:
            conditions &= Q(platform__in=wanted.platform)
        if wanted.status:
            conditions &= Q(*(CONDITIONS[one] for one in wanted.status), _connector=Q.OR)
        return self.assets().filter(conditions)


@extend_schema(tags=["assets"])
class AssetsView(AssetListView):
    """The machines that agents enrolled."""

    # A POST with a query in its body is a question, too.
    reads_by_post = True

    @describe_list("listAssets", rows=answers.Assets, parameters=AssetParameters)
    def get(self, request: Request) -> Response:
        """List assets, by name."""
        wanted, at = parameters(request, AssetParameters), timezone.now()
        assets = serializers.with_tags_and_patches(self.listed(wanted))
        return ASSETS.page(request, assets, wanted, at=at, render=partial(serializers.asset_row, at=at))

    @describe_list(
        "findAssets",
        rows=answers.FoundAssets,
        parameters=AssetParameters,
        request=AssetParameters,
        examples={"What misses a critical patch": {"havingQuery": "vendorSeverity:Critical", "query": "name:web"}},
    )
    def post(self, request: Request) -> Response:
        """List assets in short. What is asked may stand in the body, in the query string, or in both."""
        wanted, at = list_parameters(request, AssetParameters), timezone.now()
        assets = serializers.with_tag_ids(self.listed(wanted))
        return FOUND_ASSETS.page(request, assets, wanted, at=at, render_all=partial(serializers.found_rows, at=at))


@extend_schema(tags=["assets"])
class AssetCountView(AssetListView):
    """How many assets a list has."""

    @describe("countAssets", answer=answers.AssetCount, says="How many.", parameters=query(AssetCountParameters))
    def get(self, request: Request) -> Response:
        """Count assets."""
        wanted = parameters(request, AssetCountParameters)
        assets = ASSETS.matching(self.listed(wanted), wanted, at=timezone.now())
        return Response({"assets": ASSETS.count(assets, group_by=wanted.group_by)})


@extend_schema(tags=["assets"])
class AssetNumbersView(InventoryView):
    """The ids of assets, by their numbers."""

    reads_by_post = True

    @describe(
        "mapAssetIds",
        request={"application/json": _NUMBERS},
        answer=answers.MappedAssets,
        says="Those that there are, in the order in which they were asked for.",
    )
    def post(self, request: Request) -> Response:
        """Translate numbers of assets (`assetId`) into ids. Numbers of none of your assets are left out."""
        numbers = parse(Numbers, request.data).asset_ids
        possible = [number for number in numbers if 0 < number <= _HIGHEST]
        found = self.assets().filter(number__in=possible).values_list("number", "public_id")
        return Response(serializers.mapped(numbers, dict(found)))


@extend_schema(tags=["assets"])
class AssetView(InventoryView):
    """One machine."""

    @property
    def writing_role(self) -> Role:
        """An administrator deletes; whoever may tag may name, too."""
        return Role.ADMIN if self.request.method == "DELETE" else Role.OPERATOR

    @describe("readAsset", answer=answers.Asset, says="The asset.")
    def get(self, request: Request, asset_id: UUID) -> Response:
        """Read an asset."""
        return self.shown(asset_id)

    @describe("changeAsset", request=AssetChange, answer=answers.Asset, says="The asset.", refuses=[409])
    def patch(self, request: Request, asset_id: UUID) -> Response:
        """Change what is a person's to say of an asset: its name, its time zone, its tags.

        All else is told by its agent, and told anew with each scan: it may be sent back as it was read, and is ignored.
        A tag whose own query finds the asset cannot be left out.
        """
        asset = get_object_or_404(self.assets(), public_id=asset_id)
        body = parse(AssetChange, request.data)
        at, sent = timezone.now(), body.model_fields_set
        if "tags" in sent:
            tags = require_all(self.tags(), body.tags or [], field="tags")
            services.set_tags(asset=asset, tags=tags)
        if "name" in sent and body.name != asset.name:
            services.name_asset(asset=asset, name=body.name, at=at)
        if "timezone" in sent and body.timezone != asset.timezone:
            services.place_asset(asset=asset, timezone=body.timezone, at=at)
        return self.shown(asset_id)

    @describe("deleteAsset", answer=answers.Deleted, says="Forgotten.", refuses=[409])
    def delete(self, request: Request, asset_id: UUID) -> Response:
        """Forget an asset; its agent's credential ends with it."""
        services.delete_asset(asset=get_object_or_404(self.assets(), public_id=asset_id))
        return Response({"deleted": str(asset_id)})

    def shown(self, asset_id: UUID) -> Response:
        """The asset as it is now."""
        return shown(self.assets(), asset_id)


def shown(assets: QuerySet[Asset], asset_id: UUID) -> Response:
    """One asset's row. Raises Http404."""
    asset: Any = get_object_or_404(serializers.with_tags_and_patches(assets), public_id=asset_id)
    return Response(serializers.asset_row(asset, timezone.now()))
