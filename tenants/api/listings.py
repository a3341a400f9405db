"""What the lists of people and keys are: how their rows look, and what they can be asked."""

from django.db.models import Q

from core.paging import Listing
from core.query import DateToken, TextToken, UuidToken, choice_of, flag_when
from tenants.api import people_answers as answers
from tenants.models import Role

USERS = Listing(
    row=answers.User,
    order=["username"],
    columns={
        "id": "public_id",
        "username": "username",
        "email": "email",
        "firstName": "first_name",
        "lastName": "last_name",
        "role": "role",
        "enabled": "is_active",
        "createdDate": "created_at",
    },
    tokens={
        "id": UuidToken(column="public_id"),
        "username": TextToken(column="username"),
        "email": TextToken(column="email"),
        "firstName": TextToken(column="first_name"),
        "lastName": TextToken(column="last_name"),
        "role": choice_of("role", Role),
        "enabled": flag_when(Q(is_active=True)),
        "createdDate": DateToken(column="created_at"),
    },
)
KEYS = Listing(
    row=answers.Key,
    order=["-created_at"],
    columns={
        "id": "public_id",
        "name": "name",
        "role": "role",
        "createdDate": "created_at",
        "expiresDate": "expires_at",
        "lastUsedDate": "last_used_at",
    },
    tokens={
        "id": UuidToken(column="public_id"),
        "name": TextToken(column="name"),
        "role": choice_of("role", Role),
        "ending": TextToken(column="ending"),
        "createdDate": DateToken(column="created_at"),
        "expiresDate": DateToken(column="expires_at"),
        "lastUsedDate": DateToken(column="last_used_at"),
    },
)
