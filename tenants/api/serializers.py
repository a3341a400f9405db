"""What signing in takes and answers, and how people and keys look on the wire."""

from typing import Annotated, Any

from pydantic import Field

from core.instants import milliseconds
from core.shapes import Flag, Shape, Text
from tenants.models import ApiKey, User
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


def user_row(user: User) -> dict[str, Any]:
    """A person among their colleagues."""
    return {
        "id": str(user.public_id),
        "username": user.username,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "fullName": user.full_name,
        "role": user.role,
        "enabled": user.is_active,
        "createdDate": milliseconds(user.created_at),
    }


def key_row(key: ApiKey) -> dict[str, Any]:
    """An API key, without the key."""
    return {
        "id": str(key.public_id),
        "name": key.name,
        "role": key.role,
        "ending": key.ending,
        "user": {"id": str(key.user.public_id), "name": key.user.username},
        "createdDate": milliseconds(key.created_at),
        "expiresDate": milliseconds(key.expires_at),
        "lastUsedDate": milliseconds(key.last_used_at),
    }
