"""Assets, tags and patches, as the wire contract has them."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput, Problem
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header, query
from core.paging import PageParameters, page
from core.parameters import parameters
from core.query import compile_query
from core.shapes import parse
from inventory import services
from inventory.api import answers, serializers
from inventory.api.serializers import AssetParameters, PatchParameters, TagBody, TagChange
from inventory.models import Asset, AssetPatch, Patch, Tag
from inventory.tokens import ASSET_TOKENS, PATCH_TOKENS
from tenants.models import Role, User


class InventoryView(APIView):
    """What all views here share: finding things among the caller's own."""

    @property
    def customer_id(self) -> int:
        """Of the caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user.customer_id

    def assets(self) -> QuerySet[Asset]:
        """The caller's assets."""
        return Asset.objects.for_customer(self.customer_id)

    def tags(self) -> QuerySet[Tag]:
        """The caller's tags."""
        return Tag.objects.for_customer(self.customer_id).select_related("parent")

    def patches(self) -> QuerySet[Patch]:
        """The caller's patches."""
        return Patch.objects.for_customer(self.customer_id)


@extend_schema(tags=["assets"])
class AssetsView(InventoryView):
    """The machines that agents enrolled."""

    @describe_list("listAssets", rows=answers.Assets, parameters=AssetParameters)
    def get(self, request: Request) -> Response:
        """List assets."""
        wanted = parameters(request, AssetParameters)
        assets = serializers.with_tags_and_patches(self.assets()).order_by("name", "id")
        if wanted.name:
            assets = assets.filter(name__icontains=wanted.name)
        if wanted.platform:
            assets = assets.filter(platform=wanted.platform)
        if wanted.query:
            assets = assets.filter(compile_query(wanted.query, ASSET_TOKENS, now=timezone.now()))
        return page(request, assets, render=serializers.asset_row, wanted=wanted)


@extend_schema(tags=["assets"])
class AssetView(InventoryView):
    """One machine."""

    writing_role = Role.ADMIN

    @describe("readAsset", answer=answers.Asset, says="The asset.", refuses=[404])
    def get(self, request: Request, asset_id: UUID) -> Response:
        """Read an asset."""
        asset = get_object_or_404(serializers.with_tags_and_patches(self.assets()), public_id=asset_id)
        return Response(serializers.asset_row(asset))

    @describe("deleteAsset", answer=answers.Deleted, says="Forgotten.", refuses=[403, 404, 409])
    def delete(self, request: Request, asset_id: UUID) -> Response:
        """Forget an asset; its agent's credential ends with it."""
        services.delete_asset(asset=get_object_or_404(self.assets(), public_id=asset_id))
        return Response({"deleted": str(asset_id)})


@extend_schema(tags=["tags"])
class TagsView(InventoryView):
    """The customer's tags."""

    @describe_list("listTags", rows=answers.Tags, parameters=PageParameters)
    def get(self, request: Request) -> Response:
        """List tags."""
        wanted = parameters(request, PageParameters)
        return page(request, self.tags().order_by("name", "id"), render=serializers.tag_row, wanted=wanted)

    @describe(
        "createTag",
        request=TagBody,
        answer=answers.Tag,
        status=201,
        says="The tag.",
        refuses=[403, 409, 413, 415],
        parameters=[header("Location", "The path of the new tag.", status=201), IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a tag."""
        body = parse(TagBody, request.data)
        tag = services.create_tag(
            customer_id=self.customer_id, name=body.name, parent=_parent(self.tags(), body.parent_id)
        )
        return Response(serializers.tag_row(tag), status=201, headers={"Location": f"/pm/v1/tag/{tag.public_id}"})


@extend_schema(tags=["tags"])
class TagView(InventoryView):
    """One tag."""

    @describe("readTag", answer=answers.Tag, says="The tag.", refuses=[404])
    def get(self, request: Request, tag_id: UUID) -> Response:
        """Read a tag."""
        return Response(serializers.tag_row(get_object_or_404(self.tags(), public_id=tag_id)))

    @describe("changeTag", request=TagChange, answer=answers.Tag, says="The tag.", refuses=[403, 404, 409, 413, 415])
    def patch(self, request: Request, tag_id: UUID) -> Response:
        """Rename or move a tag."""
        tag = get_object_or_404(self.tags(), public_id=tag_id)
        body = parse(TagChange, request.data)
        sent = body.model_fields_set
        parent = _parent(self.tags(), body.parent_id) if "parent_id" in sent else tag.parent
        services.change_tag(tag=tag, name=body.name or tag.name, parent=parent)
        return Response(serializers.tag_row(tag))

    @describe("deleteTag", answer=answers.Deleted, says="Deleted.", refuses=[403, 404, 409])
    def delete(self, request: Request, tag_id: UUID) -> Response:
        """Delete a tag."""
        services.delete_tag(tag=get_object_or_404(self.tags(), public_id=tag_id))
        return Response({"deleted": str(tag_id)})


@extend_schema(tags=["tags"])
class AssetTagView(InventoryView):
    """A tag on an asset."""

    @describe("tagAsset", request=None, answer=answers.Asset, says="The asset.", refuses=[403, 404])
    def put(self, request: Request, asset_id: UUID, tag_id: UUID) -> Response:
        """Tag an asset."""
        services.tag_asset(**self._both(asset_id, tag_id))
        return self._shown(asset_id)

    @describe("untagAsset", answer=answers.Asset, says="The asset.", refuses=[403, 404])
    def delete(self, request: Request, asset_id: UUID, tag_id: UUID) -> Response:
        """Take the tag off again."""
        services.untag_asset(**self._both(asset_id, tag_id))
        return self._shown(asset_id)

    def _both(self, asset_id: UUID, tag_id: UUID) -> dict[str, Any]:
        return {
            "asset": get_object_or_404(self.assets(), public_id=asset_id),
            "tag": get_object_or_404(self.tags(), public_id=tag_id),
        }

    def _shown(self, asset_id: UUID) -> Response:
        return Response(serializers.asset_row(serializers.with_tags_and_patches(self.assets()).get(public_id=asset_id)))


@extend_schema(tags=["patches"])
class PatchesView(InventoryView):
    """The patches that the customer's machines told of."""

    @describe_list("listPatches", rows=answers.Patches, parameters=PatchParameters)
    def get(self, request: Request) -> Response:
        """List patches, newest first."""
        wanted = parameters(request, PatchParameters)
        return page(request, self.matching(wanted).order_by("-id"), render=serializers.patch_row, wanted=wanted)

    def matching(self, wanted: PatchParameters) -> QuerySet[Patch]:
        """The patches that were asked for, with their counts."""
        conditions = Q()
        if wanted.name:
            conditions &= Q(title__icontains=wanted.name)
        if wanted.platform:
            conditions &= Q(platform=wanted.platform)
        if wanted.status:
            conditions &= Q(Exists(AssetPatch.objects.filter(patch=OuterRef("pk"), status=wanted.status)))
        if wanted.query:
            conditions &= compile_query(wanted.query, PATCH_TOKENS, now=timezone.now())
        return serializers.with_counts(self.patches().filter(conditions))


@extend_schema(tags=["patches"])
class PatchCountView(PatchesView):
    """How many patches a list has."""

    @describe("countPatches", answer=answers.PatchCount, says="How many.", parameters=query(PatchParameters))
    def get(self, request: Request) -> Response:
        """Count patches."""
        return Response({"patches": {"count": self.matching(parameters(request, PatchParameters)).count()}})


@extend_schema(tags=["patches"])
class PatchView(InventoryView):
    """One patch."""

    @describe("readPatch", answer=answers.Patch, says="The patch.", refuses=[404])
    def get(self, request: Request, patch_id: UUID) -> Response:
        """Read a patch."""
        patch = get_object_or_404(serializers.with_counts(self.patches()), public_id=patch_id)
        return Response(serializers.patch_row(patch))


@extend_schema(tags=["patches"])
class PatchAssetsView(InventoryView):
    """The assets that a patch is missing or installed on."""

    @describe_list("listPatchAssets", rows=answers.Assets, parameters=PageParameters, refuses=[404])
    def get(self, request: Request, patch_id: UUID) -> Response:
        """List the assets of a patch."""
        wanted = parameters(request, PageParameters)
        patch = get_object_or_404(self.patches(), public_id=patch_id)
        assets = serializers.with_tags_and_patches(self.assets().filter(patch_links__patch=patch))
        return page(request, assets.order_by("name", "id"), render=serializers.asset_row, wanted=wanted)


def _parent(tags: QuerySet[Tag], parent_id: UUID | None) -> Tag | None:
    if parent_id is None:
        return None
    parent = tags.filter(public_id=parent_id).first()
    if parent is None:
        raise InvalidInput(problems=[Problem("parentId", "unknown_id", f"no such id: {parent_id}")])
    return parent
