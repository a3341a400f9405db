"""What signing in answers, and how callers show who they are, for the API's document."""

from typing import Any

from pydantic import ConfigDict

from core.openapi import Answer, AuthenticationScheme, ViewDocument, describe
from tenants.api.serializers import RefreshBody, SignInBody


class Verbatim(Answer):
    """Keys as they are in Python: this API family spells the answers of signing in so."""

    model_config = ConfigDict(alias_generator=None)


class Profile(Answer):
    """The person."""

    userid: str
    email: str
    firstname: str
    lastname: str
    customer_id: str
    roles: list[str]


class ClaimsToken(Verbatim):
    """The JWT, and until when it holds, in seconds since 1970."""

    value: str
    exp: int
    integrity_check_required: bool


class SignedIn(Verbatim):
    """A pair of tokens, and whose they are."""

    profile: Profile
    claims_token: ClaimsToken
    refresh_token: str


class BearerScheme(AuthenticationScheme):
    """`Authorization: Bearer <jwt>`."""

    target_class = "tenants.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The token that `POST /auth` gives. It holds for four hours, or until sign-out.",
        }


class SessionScheme(AuthenticationScheme):
    """The browser's session."""

    target_class = "tenants.authentication.CustomerSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of the admin's pages, from `/sign-in`. Changes need the CSRF token too.",
        }


class SignInDocument(ViewDocument):
    """See SignInView."""

    target_class = "tenants.api.views.signing_in.SignInView"
    operations = {
        "post": describe(
            "signIn",
            examples={"A person": {"username": "ada", "password": "correct horse battery staple", "token": True}},
            # JSON first: generated clients send the first, and Python's would name a form JSON.
            request={"application/json": SignInBody, "application/x-www-form-urlencoded": SignInBody},
            status=201,
            # A range, because generated clients ask for JSON where they see it, and would not know what to make of it.
            answer={"text/plain": str, "application/*": SignedIn},
            says="The bare JWT as text; with `Accept: application/json` the pair of tokens as JSON.",
            refuses=[413, 415],
        )
    }


class RefreshDocument(ViewDocument):
    """See RefreshView."""

    target_class = "tenants.api.views.signing_in.RefreshView"
    operations = {
        "post": describe("refreshToken", request=RefreshBody, answer=SignedIn, status=201, says="The next pair.")
    }


class SignOutDocument(ViewDocument):
    """See SignOutView."""

    target_class = "tenants.api.views.signing_in.SignOutView"
    operations = {"post": describe("signOut", request=None, status=204, says="Signed out.", refuses=[403])}
