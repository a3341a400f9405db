"""Patches on machines, as the wire contract has them."""

from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Exists, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.openapi import describe, describe_list, query
from core.paging import Listing, list_parameters
from core.parameters import parameters
from inventory.api import answers, serializers
from inventory.api.listings import ASSETS
from inventory.api.patch_listings import PATCHES
from inventory.api.serializers import PatchAssetParameters, PatchCountParameters, PatchParameters
from inventory.api.views.base import InventoryView
from inventory.models import Patch
from inventory.tokens.standing import having_assets, standings


class PatchListView(InventoryView):
    """Base of all views of many patches."""

    def listed(self, patches: QuerySet[Patch], wanted: PatchParameters) -> QuerySet[Patch]:
        """Those that the parameters mean, apart from the queries among them."""
        conditions = Q()
        if wanted.name:
            conditions &= Q(title__icontains=wanted.name)
        if wanted.platform:
            conditions &= Q(platform__in=wanted.platform)
        if wanted.status and not wanted.having_query:
            conditions &= Q(Exists(standings(wanted.status)))
        return patches.filter(conditions)

    def answered(self, request: Request, wanted: PatchParameters) -> Response:
        """A page of the patches on machines."""
        patches = self.listed(self.known(), wanted)
        listing = asked_of(PATCHES, wanted)
        return listing.page(request, patches, wanted, at=timezone.now(), render_all=serializers.patch_rows)

    def known(self) -> QuerySet[Patch]:
        """The caller's patches without those that their vendors withdrew."""
        return self.patches().filter(deleted=False)


def asked_of(listing: Listing, wanted: PatchParameters) -> Listing:
    """The list, where `havingQuery` is about assets on which a patch stands as `status` says."""
    return replace(listing, having=having_assets(wanted.status))


@extend_schema(tags=["patches"])
class PatchesView(PatchListView):
    """The patches that machines and importers told of, and on how many machines they stand."""

    @describe_list("listPatches", rows=answers.Patches, parameters=PatchParameters)
    def get(self, request: Request) -> Response:
        """List patches, newest first."""
        return self.answered(request, parameters(request, PatchParameters))


@extend_schema(tags=["patches"])
class FoundPatchesView(PatchListView):
    """The same, asked by POST."""

    # A POST with a query in its body is a question, too.
    reads_by_post = True

    @describe_list(
        "findPatches",
        rows=answers.Patches,
        parameters=PatchParameters,
        request=PatchParameters,
        examples={
            "What web servers miss": {"query": "isSecurity:true", "havingQuery": "tags.name:web", "status": "Missing"}
        },
    )
    def post(self, request: Request) -> Response:
        """List patches. What is asked may stand in the body, in the query string, or in both."""
        return self.answered(request, list_parameters(request, PatchParameters))


@extend_schema(tags=["patches"])
class PatchCountView(PatchListView):
    """How many patches a list has."""

    @describe("countPatches", answer=answers.PatchCount, says="How many.", parameters=query(PatchCountParameters))
    def get(self, request: Request) -> Response:
        """Count patches."""
        wanted = parameters(request, PatchCountParameters)
        listing = asked_of(PATCHES, wanted)
        patches = listing.matching(self.listed(self.known(), wanted), wanted, at=timezone.now())
        return Response({"patches": listing.count(patches, group_by=wanted.group_by)})


@extend_schema(tags=["patches"])
class PatchView(InventoryView):
    """One patch."""

    @describe("readPatch", answer=answers.Patch, says="The patch.", refuses=[404])
    def get(self, request: Request, patch_id: UUID) -> Response:
        """Read a patch."""
        (row,) = serializers.patch_rows([get_object_or_404(self.patches(), public_id=patch_id)])
        return Response(row)


@extend_schema(tags=["patches"])
class PatchAssetsView(InventoryView):
    """The assets that a patch is missing or installed on."""

    @describe_list("listPatchAssets", rows=answers.Assets, parameters=PatchAssetParameters, refuses=[404])
    def get(self, request: Request, patch_id: UUID) -> Response:
        """List the assets of a patch, by name."""
        wanted, at = parameters(request, PatchAssetParameters), timezone.now()
        stands: dict[str, Any] = {"patch_links__patch": get_object_or_404(self.patches(), public_id=patch_id)}
        if wanted.status:
            stands["patch_links__status"] = wanted.status
        assets = serializers.with_tags_and_patches(self.assets().filter(**stands))
        return ASSETS.page(request, assets, wanted, at=at, render=partial(serializers.asset_row, at=at))
