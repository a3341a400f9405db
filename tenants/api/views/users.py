"""The people of a customer."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import InvalidInput, NotPermitted, Problem
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header
from core.parameters import parameters
from core.shapes import parse
from tenants import services
from tenants.api import people_answers as answers
from tenants.api.bodies import PasswordBody, UserBody, UserChange, UserParameters
from tenants.api.listings import USERS
from tenants.api.serializers import user_row
from tenants.models import Role, User

# Who has the role of an administrator changes these of anybody; everybody else the rest, of themselves.
_ADMINISTERED = {"role", "is_active"}
_COLUMNS = {"enabled": "is_active"}


class UserBase(APIView):
    """What the views of people share."""

    writing_role = Role.ADMIN
    for_people_alone = True

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def users(self) -> QuerySet[User]:
        """Those of the caller's customer who were not removed."""
        users: QuerySet[User] = User.objects.for_customer(self.user.customer_id).filter(removed_at=None)
        return users

    def one(self, user_id: UUID) -> User:
        """One of them, or 404."""
        return get_object_or_404(self.users(), public_id=user_id)


@extend_schema(tags=["users"])
class UsersView(UserBase):
    """All of them."""

    @describe_list("listUsers", rows=answers.Users, parameters=UserParameters)
    def get(self, request: Request) -> Response:
        """List the people of your customer, by user name."""
        wanted = parameters(request, UserParameters)
        of_role = Q(role=wanted.role) if wanted.role else Q()
        return USERS.page(request, self.users().filter(of_role), wanted, at=timezone.now(), render=user_row)

    @describe(
        "createUser",
        request=UserBody,
        answer=answers.User,
        status=201,
        says="The person.",
        refuses=[409],
        parameters=[header("Location", "The path of the new person.", status=201), IDEMPOTENCY_KEY],
        examples={"Somebody who looks": {"username": "vera", "password": "a long phrase of her own", "role": "viewer"}},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Add a person, who may sign in at once."""
        body = parse(UserBody, request.data)
        made = services.add_person(
            customer_id=self.user.customer_id,
            at=timezone.now(),
            username=body.username,
            password=body.password,
            role=body.role,
            email=body.email or "",
            first_name=body.first_name or "",
            last_name=body.last_name or "",
        )
        return Response(user_row(made), status=201, headers={"Location": f"/pm/v1/users/{made.public_id}"})


@extend_schema(tags=["users"])
class UserView(UserBase):
    """One of them."""

    # One's own name is everybody's to change; what is not is looked at below.
    writing_role = Role.VIEWER

    @describe("readUser", answer=answers.User, says="The person.", refuses=[404])
    def get(self, request: Request, user_id: UUID) -> Response:
        """Read a person."""
        return Response(user_row(self.one(user_id)))

    @describe("changeUser", request=UserChange, answer=answers.User, says="The person.", refuses=[404, 409])
    def patch(self, request: Request, user_id: UUID) -> Response:
        """Change a person: your own names and mail address, or as an administrator anybody, their role too."""
        person = self.one(user_id)
        changes = _changes(request.data)
        if not self.user.may(Role.ADMIN) and (person.pk != self.user.pk or _ADMINISTERED & changes.keys()):
            raise NotPermitted("Only administrators change others, and who may do what.")
        changed = services.change_person(person=person, changes=changes, at=timezone.now()) if changes else person
        return Response(user_row(changed))

    @describe("removeUser", answer=answers.UserRemoved, says="Removed.", refuses=[404, 409])
    def delete(self, request: Request, user_id: UUID) -> Response:
        """Remove a person: their sign-ins and keys stop working. Jobs that they made stay."""
        person = self.one(user_id)
        if not self.user.may(Role.ADMIN):
            raise NotPermitted("Only administrators remove people.")
        services.remove_person(person=person, by=self.user, at=timezone.now())
        return Response({"deleted": str(user_id)})


@extend_schema(tags=["users"])
class PasswordView(UserBase):
    """A person's password."""

    writing_role = Role.VIEWER

    @describe("setPassword", request=PasswordBody, status=204, says="Set. Their sign-ins have ended.", refuses=[404])
    def post(self, request: Request, user_id: UUID) -> Response:
        """Set another password: your own with the current one, or as an administrator somebody else's."""
        person = self.one(user_id)
        body = parse(PasswordBody, request.data)
        services.set_password(
            person=person,
            password=body.password,
            by=self.user,
            current_password=body.current_password or "",
            at=timezone.now(),
        )
        return Response(status=204)


def _changes(data: Any) -> dict[str, object]:
    """Columns and what is sent of them: null empties a text, and is no role."""
    body = parse(UserChange, data)
    sent = body.model_fields_set
    changes = {_COLUMNS.get(name, name): getattr(body, name) for name in sent}
    unset = [name for name in ("role", "enabled") if changes.get(_COLUMNS.get(name, name), "") is None]
    if unset:
        raise InvalidInput(problems=[Problem(name, "invalid", "must not be null") for name in unset])
    return {name: "" if value is None else value for name, value in changes.items()}
