"""Who a request comes from: a JWT, an API key, or the session of the admin's pages."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from core import logs
from tenants import services
from tenants.models import AccessToken, ApiKey, Role, User
from tenants.services.keys import PREFIX

_KEYWORD = "bearer"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <JWT or API key>`. Enters the customer's context for the request's transaction."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken | ApiKey] | None:
        """The person and the token or key, or None where the request carries no such header."""
        keyword, _, secret = request.headers.get("Authorization", "").partition(" ")
        if keyword.lower() != _KEYWORD:
            return None
        user, proof = _who(secret.strip())
        logs.set_customer(user.customer_id)
        return user, proof

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says in `WWW-Authenticate`."""
        return "Bearer"


class CustomerSessionAuthentication(SessionAuthentication):
    """The browser session, with CSRF. Enters the customer's context as the token does."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """The person, or None where nobody is signed in here."""
        found = services.user_of_session(session=request._request.session)
        if found is None:
            return None
        self.enforce_csrf(request)
        logs.set_customer(found.customer_id)
        return found, None


def _who(secret: str) -> tuple[User, AccessToken | ApiKey]:
    if not secret.startswith(f"{PREFIX}_"):
        token = services.access_token(encoded=secret, at=timezone.now())
        return token.sign_in.user, token
    key = services.key_of(secret=secret, at=timezone.now())
    key.user.limit = Role(key.role)
    return key.user, key
