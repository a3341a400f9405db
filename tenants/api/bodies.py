"""What is sent of people and keys."""

from datetime import datetime
from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, Field

from core.paging import ListParameters
from core.shapes import Flag, NotSet, Shape, Text, choice
from tenants.models import Role

_NAME = Field(max_length=150)
LONGEST_PASSWORD = 1_000


def _mail(value: str | None) -> str | None:
    try:
        if value:
            validate_email(value)
    except ValidationError:
        raise ValueError("must be a mail address") from None
    return value


def _user_name(value: str) -> str:
    if not value.strip() or value != value.strip() or not value.isprintable():
        raise ValueError("must be printable text that neither begins nor ends with a blank")
    return value


Password = Annotated[Text, Field(min_length=1, max_length=LONGEST_PASSWORD, description="At least twelve characters.")]
Mail = Annotated[Text | None, AfterValidator(_mail), Field(max_length=254, description="For mails about the account.")]


class UserBody(Shape):
    """A new person."""

    username: Annotated[
        Text,
        AfterValidator(_user_name),
        Field(min_length=1, max_length=150, description="What they sign in with; no two customers share one."),
    ]
    password: Password
    role: Annotated[Role, choice(Role), Field(description="What they may do.")]
    email: Mail = None
    first_name: Annotated[Text | None, _NAME] = None
    last_name: Annotated[Text | None, _NAME] = None


class UserChange(Shape):
    """What is to be another way; what is left out stays."""

    email: Mail = None
    first_name: Annotated[Text | None, _NAME] = None
    last_name: Annotated[Text | None, _NAME] = None
    role: Annotated[Role | None, NotSet, choice(Role), Field(description="What they may do.")] = None
    enabled: Annotated[Flag | None, NotSet, Field(description="Whether they may sign in.")] = None


class PasswordBody(Shape):
    """Another password."""

    password: Password
    current_password: Annotated[
        Text | None, NotSet, Field(max_length=LONGEST_PASSWORD, description="Of one's own: the one until now.")
    ] = None


class UserParameters(ListParameters):
    """Which people."""

    role: Annotated[Role | None, NotSet, choice(Role), Field(description="Of this role.")] = None


class KeyBody(Shape):
    """A new API key."""

    name: Annotated[Text, Field(min_length=1, max_length=200, description="What it is for.")]
    role: Annotated[
        Role | None, NotSet, choice(Role), Field(description="The most that it may do; viewer where absent.")
    ] = None
    expires_date: Annotated[
        datetime | None, NotSet, Field(description="An instant in ISO 8601; one without does not expire.")
    ] = None


class KeyParameters(ListParameters):
    """Which keys."""
