"""Custom patch URLs, as the wire contract has them."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header
from core.parameters import parameters
from core.shapes import parse
from inventory import services
from inventory.api import answers, serializers
from inventory.api.listings import CUSTOM_PATCH_URLS
from inventory.api.serializers import CustomPatchUrlBody, CustomPatchUrlParameters
from inventory.api.views.base import InventoryView
from inventory.models import CustomPatchUrl
from tenants.models import Role


class CustomPatchUrlBase(InventoryView):
    """What both views share. Every machine of a job may fetch from such an address, hence the role."""

    writing_role = Role.ADMIN

    def custom_patch_urls(self) -> QuerySet[CustomPatchUrl]:
        """The caller's."""
        return CustomPatchUrl.objects.for_customer(self.customer_id).select_related("created_by")


@extend_schema(tags=["custom patch URLs"])
class CustomPatchUrlsView(CustomPatchUrlBase):
    """Base URLs of the customer's own that machines download patches from."""

    @describe_list("listCustomPatchUrls", rows=answers.CustomPatchUrls, parameters=CustomPatchUrlParameters)
    def get(self, request: Request) -> Response:
        """List custom patch URLs, by id."""
        wanted = parameters(request, CustomPatchUrlParameters)
        return CUSTOM_PATCH_URLS.page(
            request, self.custom_patch_urls(), wanted, at=timezone.now(), render=serializers.custom_patch_url_row
        )

    @describe(
        "createCustomPatchUrl",
        request=CustomPatchUrlBody,
        answer=answers.CustomPatchUrl,
        status=201,
        says="The custom patch URL.",
        refuses=[409],
        parameters=[header("Location", "The path of the new one.", status=201), IDEMPOTENCY_KEY],
        examples={"A mirror": {"name": "mirror", "url": "https://patches.example.com/base"}},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a custom patch URL."""
        body = parse(CustomPatchUrlBody, request.data)
        made = services.create_custom_patch_url(
            customer_id=self.customer_id, user=self.user, url=body.url, name=body.name or "", at=timezone.now()
        )
        where = f"/pm/v1/custompatchurl/{made.number}"
        return Response(serializers.custom_patch_url_row(made), status=201, headers={"Location": where})


@extend_schema(tags=["custom patch URLs"])
class CustomPatchUrlView(CustomPatchUrlBase):
    """One of them."""

    @describe("readCustomPatchUrl", answer=answers.CustomPatchUrl, says="The custom patch URL.")
    def get(self, request: Request, custom_patch_url_id: int) -> Response:
        """Read a custom patch URL."""
        return Response(serializers.custom_patch_url_row(self._one(custom_patch_url_id)))

    @describe("deleteCustomPatchUrl", answer=answers.CustomPatchUrlDeleted, says="Deleted.", refuses=[409])
    def delete(self, request: Request, custom_patch_url_id: int) -> Response:
        """Delete a custom patch URL that no job names."""
        services.delete_custom_patch_url(custom_patch_url=self._one(custom_patch_url_id))
        return Response({"deleted": custom_patch_url_id})

    def _one(self, number: int) -> CustomPatchUrl:
        return get_object_or_404(self.custom_patch_urls(), number=number)
