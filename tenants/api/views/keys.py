"""API keys: one's own, and as an administrator everybody's."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.openapi import describe, describe_list, header
from core.parameters import parameters
from core.shapes import parse
from tenants import services
from tenants.api import people_answers as answers
from tenants.api.bodies import KeyBody, KeyParameters
from tenants.api.listings import KEYS
from tenants.api.serializers import key_row
from tenants.models import ApiKey, Role, User


class KeyBase(APIView):
    """What the views of keys share. A key may do no more than its owner, so everybody may have some."""

    writing_role = Role.VIEWER
    for_people_alone = True

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def keys(self) -> QuerySet[ApiKey]:
        """Those that were not revoked: the caller's own, or an administrator's customer's."""
        keys: QuerySet[ApiKey] = ApiKey.objects.for_customer(self.user.customer_id).filter(revoked_at=None)
        whose = Q() if self.user.may(Role.ADMIN) else Q(user=self.user)
        return keys.filter(whose).select_related("user")


@extend_schema(tags=["keys"])
class KeysView(KeyBase):
    """API keys."""

    @describe_list("listKeys", rows=answers.Keys, parameters=KeyParameters)
    def get(self, request: Request) -> Response:
        """List API keys, newest first: your own, or as an administrator all. The keys themselves are not told again."""
        wanted = parameters(request, KeyParameters)
        return KEYS.page(request, self.keys(), wanted, at=timezone.now(), render=key_row)

    @describe(
        "createKey",
        request=KeyBody,
        answer=answers.NewKey,
        status=201,
        says="The key, which is told this once.",
        refuses=[409],
        parameters=[header("Location", "The path of the new key.", status=201)],
        examples={"For a script": {"name": "nightly report", "role": "viewer"}},
    )
    def post(self, request: Request) -> Response:
        """Make an API key for your own programs.

        It takes no `Idempotency-Key`: its first answer would be kept, and with it the key.
        """
        body = parse(KeyBody, request.data)
        made, secret = services.create_key(
            user=self.user,
            name=body.name,
            role=body.role or Role.VIEWER,
            expires_at=body.expires_date,
            at=timezone.now(),
        )
        where = f"/pm/v1/keys/{made.public_id}"
        return Response(key_row(made) | {"key": secret}, status=201, headers={"Location": where})


@extend_schema(tags=["keys"])
class KeyView(KeyBase):
    """One key."""

    @describe("readKey", answer=answers.Key, says="The key, without the key itself.", refuses=[404])
    def get(self, request: Request, key_id: UUID) -> Response:
        """Read what an API key is for, and when it was used last."""
        return Response(key_row(get_object_or_404(self.keys(), public_id=key_id)))

    @describe("revokeKey", answer=answers.KeyRevoked, says="Revoked.", refuses=[404])
    def delete(self, request: Request, key_id: UUID) -> Response:
        """Revoke an API key: it stops working with its next use."""
        services.revoke_key(key=get_object_or_404(self.keys(), public_id=key_id), at=timezone.now())
        return Response({"deleted": str(key_id)})
