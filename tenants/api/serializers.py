"""What signing in takes and answers."""

from typing import Annotated, Any

from pydantic import Field

from core.shapes import Flag, Shape, Text
from tenants.models import User
from tenants.services import Tokens


class SignInBody(Shape):
    """`POST /auth`, as a form or as JSON."""

    username: Annotated[Text, Field(description="The user's name.", examples=["ada"])]
    password: Annotated[Text, Field(description="The user's password.")]
    token: Annotated[Flag | None, Field(description="Read for the sake of older clients: a token is always given.")] = (
        None
    )
    permissions: Annotated[Flag | None, Field(description="Adds the roles to the claims; they are always there.")] = (
        None
    )


class RefreshBody(Shape):
    """`POST /auth/refresh`."""

    refresh_token: Annotated[Text, Field(alias="refresh_token", description="The newest refresh token.")]


def profile(user: User) -> dict[str, Any]:
    """The person, as `POST /auth` tells it."""
    return {
        "userid": str(user.public_id),
        "email": user.email,
        "firstname": user.first_name,
        "lastname": user.last_name,
        "customerId": str(user.customer.public_id),
        "roles": [user.role],
    }


def signed_in(tokens: Tokens) -> dict[str, Any]:
    """The JSON answer of `POST /auth` and `POST /auth/refresh`."""
    return {
        "profile": profile(tokens.user),
        "claims_token": {
            "value": tokens.access,
            "exp": int(tokens.expires_at.timestamp()),
            "integrity_check_required": False,
        },
        "refresh_token": tokens.refresh,
    }
