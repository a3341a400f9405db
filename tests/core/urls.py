"""Routes that fail in every way there is, for the middleware's tests."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import logs
from core.errors import Conflict
from core.parsers import StrictJSONParser

RAISED = {
    "404": Http404("Job 5 of somebody else"),
    "403": PermissionDenied("secret"),
    "413": RequestDataTooBig("secret"),
    "409": Conflict("It runs."),
    "500": ZeroDivisionError("secret"),
}


def fails(request: HttpRequest, kind: str) -> HttpResponse:
    """A plain view that raises."""
    raise RAISED[kind]


def says(request: HttpRequest, status: int) -> HttpResponse:
    """A plain view that fails in words of its own."""
    return HttpResponse("<h1>no</h1>", status=status, headers={"Retry-After": "3"})


@require_GET
def reads(request: HttpRequest) -> HttpResponse:
    """A plain view for one method."""
    logs.set_customer("c1")
    return HttpResponse("ok")


class Echo(APIView):
    """Answers what it was sent."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (StrictJSONParser,)

    def put(self, request: Request) -> Response:
        """The body."""
        return Response(request.data)


urlpatterns = [
    path("pm/fails/<kind>", fails),
    path("pm/says/<int:status>", says),
    path("page/says/<int:status>", says),
    path("page/reads", reads),
    path("pm/echo", Echo.as_view()),
]

handler400 = "core.errors.bad_request"
handler403 = "core.errors.permission_denied"
handler404 = "core.errors.page_not_found"
handler500 = "core.errors.server_error"
