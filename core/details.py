"""What this service says of itself to whoever is signed in."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.openapi import Answer, describe
from core.parameters import parameters
from core.shapes import Shape


class Details(Answer):
    """The version of the service, as pyproject.toml has it."""

    app_version: str


class NoParameters(Shape):
    """Nothing can be asked."""


@extend_schema(tags=["reference"])
class DetailsView(APIView):
    """What runs here."""

    @describe("readDetails", answer=Details, says="The version.")
    def get(self, request: Request) -> Response:
        """Read which version of the service this is."""
        parameters(request, NoParameters)
        return Response({"appVersion": settings.VERSION})
