"""The catalogue: patches without regard to machines, and how they come in."""

from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, query
from core.paging import list_parameters
from core.parameters import parameters
from inventory import services
from inventory.api import answers, serializers
from inventory.api.patch_listings import CATALOGUE
from inventory.api.serializers import CatalogueImport, CatalogueParameters, PackageParameters
from inventory.api.views.base import InventoryView, on_one_page
from inventory.api.views.patches import PatchListView, asked_of
from inventory.entries import Gathered
from tenants.models import Role


@extend_schema(tags=["catalogue"])
class CatalogueView(PatchListView):
    """The customer's catalogue."""

    # A POST with ids in its body is a question, too.
    reads_by_post = True

    @describe_list("listCatalogue", rows=answers.CataloguePatches, parameters=CatalogueParameters)
    def get(self, request: Request) -> Response:
        """List patches of the catalogue, newest first; withdrawn ones are among them."""
        return self._answered(request, parameters(request, CatalogueParameters))

    @describe_list(
        "findInCatalogue",
        rows=answers.CataloguePatches,
        parameters=CatalogueParameters,
        request=CatalogueParameters,
        examples={"Two patches": {"patchUuid": ["7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b"]}},
    )
    def post(self, request: Request) -> Response:
        """The same. Patches that are asked for by id come on one page, where no `pageSize` says otherwise."""
        return self._answered(request, list_parameters(request, CatalogueParameters))

    def _answered(self, request: Request, wanted: CatalogueParameters) -> Response:
        patches = self.listed(self.patches(), wanted)
        if wanted.patch_uuid is not None:
            patches = patches.filter(public_id__in=wanted.patch_uuid)
            wanted = on_one_page(wanted, len(wanted.patch_uuid))
        listing = asked_of(CATALOGUE, wanted)
        return listing.page(request, patches, wanted, at=timezone.now(), render_all=serializers.catalogue_rows)


@extend_schema(tags=["catalogue"])
class PackagesView(InventoryView):
    """The packages of patches."""

    @describe(
        "listPatchPackages",
        answer=answers.PackagesOfPatches,
        says="Their packages.",
        parameters=query(PackageParameters),
        refuses=[404],
    )
    def get(self, request: Request) -> Response:
        """List the packages of patches."""
        wanted = parameters(request, PackageParameters)
        found = {patch.public_id: patch for patch in self.patches().filter(public_id__in=wanted.patch_uuid)}
        if found.keys() != set(wanted.patch_uuid):
            raise Http404
        return Response(serializers.packages_rows([found[one] for one in wanted.patch_uuid]))


@extend_schema(tags=["catalogue"])
class ProductsView(InventoryView):
    """What a patch is for."""

    @describe("listPatchProducts", answer=answers.ProductsOfPatches, says="Its products.", refuses=[404])
    def get(self, request: Request, patch_id: UUID) -> Response:
        """List the products of a patch."""
        return Response([{"product": get_object_or_404(self.patches(), public_id=patch_id).products}])


@extend_schema(tags=["catalogue"])
class ImportView(InventoryView):
    """Patches from outside."""

    writing_role = Role.ADMIN

    @describe(
        "importCatalogue",
        request=CatalogueImport,
        answer=answers.ImportedPatches,
        says="What became of each patch.",
        refuses=[403, 409, 413, 415],
        parameters=[IDEMPOTENCY_KEY],
        examples={
            "One patch": {
                "patches": [
                    {
                        "vendorPatchId": "5034441-x64-2022",
                        "kb": "KB5034441",
                        "title": "2026-11 Security Update for Windows Server 2022",
                        "vendorSeverity": "Critical",
                        "product": ["Windows Server 2022"],
                        "cve": ["CVE-2026-20666"],
                        "qid": [92099],
                        "supersedes": ["5033118-x64-2022"],
                    }
                ]
            }
        },
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Add patches to the catalogue, or change those of the same `vendorPatchId`. Keys that are not sent stay as
        they are. A patch that cannot be stored leaves the others alone. The body may be the bare list, too."""
        items = serializers.import_items(request.data)
        patches = [one.patch for one in items if one.patch is not None]
        holes = [hole for one in patches for hole in one.holes()]
        stored = services.store_catalogue(
            customer_id=self.customer_id,
            gathered=Gathered([one.entry() for one in patches], holes),
            at=timezone.now(),
        )
        return Response(serializers.import_rows(items, stored))
