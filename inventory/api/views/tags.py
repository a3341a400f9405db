"""Tags, as the wire contract has them."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import InvalidInput, Problem
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header
from core.parameters import parameters
from core.query import compile_query
from core.shapes import parse
from inventory import services
from inventory.api import answers, serializers
from inventory.api.listings import TAGS
from inventory.api.serializers import AssetsOfTag, TagBody, TagChange, TagParameters
from inventory.api.views.assets import shown
from inventory.api.views.base import InventoryView, require_all
from inventory.models import Asset, Tag
from inventory.tokens import ASSET_TOKENS


@extend_schema(tags=["tags"])
class TagsView(InventoryView):
    """The customer's tags."""

    @describe_list("listTags", rows=answers.Tags, parameters=TagParameters)
    def get(self, request: Request) -> Response:
        """List tags, by name."""
        wanted = parameters(request, TagParameters)
        tags = serializers.with_counts_of_assets(self.tags().filter(_condition(wanted)))
        return TAGS.page(request, tags, wanted, at=timezone.now(), render=serializers.tag_row)

    @describe(
        "createTag",
        request=TagBody,
        answer=answers.Tag,
        status=201,
        says="The tag.",
        refuses=[409],
        parameters=[header("Location", "The path of the new tag.", status=201), IDEMPOTENCY_KEY],
        examples={
            "A tag that people put on": {"name": "production"},
            "A tag that a query puts on": {"name": "behind", "query": "missingPatchCount > 20"},
        },
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a tag."""
        body = parse(TagBody, request.data)
        tag = services.create_tag(
            customer_id=self.customer_id,
            name=body.name,
            parent=_parent(self.tags(), body.parent_id),
            query=body.query or "",
            at=timezone.now(),
        )
        row = serializers.tag_row(serializers.with_counts_of_assets(self.tags()).get(pk=tag.pk))
        return Response(row, status=201, headers={"Location": f"/pm/v1/tag/{tag.public_id}"})


@extend_schema(tags=["tags"])
class TagView(InventoryView):
    """One tag."""

    @describe("readTag", answer=answers.Tag, says="The tag.")
    def get(self, request: Request, tag_id: UUID) -> Response:
        """Read a tag."""
        return self._shown(tag_id)

    @describe("changeTag", request=TagChange, answer=answers.Tag, says="The tag.", refuses=[409])
    def patch(self, request: Request, tag_id: UUID) -> Response:
        """Rename or move a tag, or give it another query."""
        tag = get_object_or_404(self.tags(), public_id=tag_id)
        body = parse(TagChange, request.data)
        sent = body.model_fields_set
        services.change_tag(
            tag=tag,
            at=timezone.now(),
            name=body.name or None,
            parent=_parent(self.tags(), body.parent_id) if "parent_id" in sent else ...,
            query=(body.query or "") if "query" in sent else None,
        )
        return self._shown(tag_id)

    @describe("deleteTag", answer=answers.Deleted, says="Deleted.", refuses=[409])
    def delete(self, request: Request, tag_id: UUID) -> Response:
        """Delete a tag."""
        services.delete_tag(tag=get_object_or_404(self.tags(), public_id=tag_id))
        return Response({"deleted": str(tag_id)})

    def _shown(self, tag_id: UUID) -> Response:
        tag: Any = get_object_or_404(serializers.with_counts_of_assets(self.tags()), public_id=tag_id)
        return Response(serializers.tag_row(tag))


@extend_schema(tags=["tags"])
class TagAssetsView(InventoryView):
    """Many assets of one tag at once."""

    @describe("tagAssets", request=AssetsOfTag, answer=answers.Tagged, says="What became of them.")
    def post(self, request: Request, tag_id: UUID) -> Response:
        """Put a tag on many assets. One that is nobody's here is refused, and then none is tagged."""
        return Response(asdict(services.put(**self._meant(request, tag_id))))

    @describe("untagAssets", request=AssetsOfTag, answer=answers.Tagged, says="What became of them.")
    def delete(self, request: Request, tag_id: UUID) -> Response:
        """Take a tag off many assets, as far as people put it there; what its own query finds keeps it."""
        return Response(asdict(services.take(**self._meant(request, tag_id))))

    def _meant(self, request: Request, tag_id: UUID) -> dict[str, Any]:
        tag = get_object_or_404(self.tags(), public_id=tag_id)
        return {"tag": tag, "assets": self._assets(parse(AssetsOfTag, request.data))}

    def _assets(self, body: AssetsOfTag) -> QuerySet[Asset]:
        if body.query:
            return self.assets().filter(compile_query(body.query, ASSET_TOKENS, now=timezone.now()))
        found = require_all(self.assets(), body.asset_ids or [], field="assetIds")
        return self.assets().filter(pk__in=[asset.pk for asset in found])


@extend_schema(tags=["tags"])
class AssetTagView(InventoryView):
    """A tag on an asset."""

    @describe("tagAsset", request=None, answer=answers.Asset, says="The asset.")
    def put(self, request: Request, asset_id: UUID, tag_id: UUID) -> Response:
        """Tag an asset."""
        services.tag_asset(**self._both(asset_id, tag_id))
        return shown(self.assets(), asset_id)

    @describe("untagAsset", answer=answers.Asset, says="The asset.", refuses=[409])
    def delete(self, request: Request, asset_id: UUID, tag_id: UUID) -> Response:
        """Take the tag off again. Refused where the tag's own query finds the asset, and would put it on again."""
        services.untag_asset(**self._both(asset_id, tag_id))
        return shown(self.assets(), asset_id)

    def _both(self, asset_id: UUID, tag_id: UUID) -> dict[str, Any]:
        return {
            "asset": get_object_or_404(self.assets(), public_id=asset_id),
            "tag": get_object_or_404(self.tags(), public_id=tag_id),
        }


def _condition(wanted: TagParameters) -> Q:
    condition = Q()
    if wanted.name:
        condition &= Q(name__icontains=wanted.name)
    if wanted.parent_id:
        condition &= Q(parent__public_id=wanted.parent_id)
    if wanted.has_query is not None:
        condition &= ~Q(query="") if wanted.has_query else Q(query="")
    return condition


def _parent(tags: QuerySet[Tag], parent_id: UUID | None) -> Tag | None:
    if parent_id is None:
        return None
    parent = tags.filter(public_id=parent_id).first()
    if parent is None:
        raise InvalidInput(problems=[Problem("parentId", "unknown_id", f"no such id: {parent_id}")])
    return parent
