"""Signing in and out: for programs with a JWT, for browsers with a session."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views import View
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import NotSignedIn
from core.parsers import LimitedFormParser, StrictJSONParser
from core.shapes import parse
from tenants import services
from tenants.api.serializers import RefreshBody, SignInBody, signed_in
from tenants.models import AccessToken

_HOME = "/pm/v1/deploymentjobs"


class BareTokenRenderer(BaseRenderer):
    """The JWT itself as text, without a newline; an error stays JSON."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: object, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        """Bytes of the text."""
        return str(data).encode()


@extend_schema(tags=["auth"])
class SignInView(APIView):
    """Trade a user name and a password for a token."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (LimitedFormParser, StrictJSONParser)
    renderer_classes = (BareTokenRenderer, JSONRenderer)

    @extend_schema(
        request={"application/x-www-form-urlencoded": SignInBody, "application/json": SignInBody},
        responses={201: OpenApiResponse(OpenApiTypes.STR, description="The bare JWT; JSON if asked for by Accept.")},
    )
    def post(self, request: Request) -> Response:
        """Sign in."""
        body = parse(SignInBody, request.data)
        user = services.authenticate(username=body.username, password=body.password)
        tokens = services.sign_in(user=user, at=timezone.now())
        plain = isinstance(request.accepted_renderer, BareTokenRenderer)
        return Response(tokens.access if plain else signed_in(tokens), status=201)


@extend_schema(tags=["auth"])
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class RefreshView(APIView):
    """Trade a refresh token for the next pair; the old one is dead, and its reuse kills the family."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (StrictJSONParser,)

    @extend_schema(request=RefreshBody, responses={201: OpenApiTypes.OBJECT})
    def post(self, request: Request) -> Response:
        """Refresh."""
        body = parse(RefreshBody, request.data)
        tokens = services.refresh(token=body.refresh_token, at=timezone.now())
        return Response(signed_in(tokens), status=201)


@extend_schema(tags=["auth"])
class SignOutView(APIView):
    """End this signing in: its tokens stop working with the next request."""

    reads_by_post = True

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """Sign out."""
        if isinstance(request.auth, AccessToken):
            services.sign_out(token=request.auth, at=timezone.now())
        else:
            request._request.session.flush()
        return Response(status=204)


class SignInPage(View):
    """The page where an administrator signs in to the browsable API."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return render(request, "tenants/sign_in.html", {"next": _safe_next(request.GET.get("next"))})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign in and go on to where the person wanted to go."""
        onward = _safe_next(request.POST.get("next"))
        try:
            user = services.authenticate(
                username=request.POST.get("username", ""), password=request.POST.get("password", "")
            )
        except NotSignedIn as wrong:
            return render(request, "tenants/sign_in.html", {"next": onward, "error": str(wrong)}, status=401)
        services.begin_session(session=request.session, user=user)
        return HttpResponseRedirect(onward)


class SignOutPage(View):
    """Where the browser's session ends. By POST alone, so that no link can do it."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign out."""
        request.session.flush()
        return HttpResponseRedirect("/sign-in")


def _safe_next(wanted: str | None) -> str:
    """A path on this host, and never another site that a link smuggled in."""
    local = wanted and wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return str(wanted) if local else _HOME
