"""What the views of people and keys answer, for the API's document. Tests hold real answers against it."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from tenants.models import Role


class User(Answer):
    """A person of the customer."""

    id: UUID
    username: str
    email: str
    first_name: str
    last_name: str
    full_name: str
    role: Role = Field(description="What they may do; each role includes the ones before it.")
    enabled: bool = Field(description="Whether they may sign in.")
    created_date: int = Field(description="Milliseconds since 1970.")


class Users(RootModel[list[User]]):
    """A page of people."""


class UserRemoved(Answer):
    """They cannot sign in any more."""

    deleted: UUID


class KeyOwner(Answer):
    """Whose key it is."""

    id: UUID
    name: str


class Key(Answer):
    """An API key, without the key."""

    id: UUID
    name: str
    role: Role = Field(description="The most that it may do; its owner's role bounds it, too.")
    ending: str = Field(description="The key's last characters, by which to tell one from another.")
    user: KeyOwner
    created_date: int = Field(description="Milliseconds since 1970.")
    expires_date: int | None = Field(description="Milliseconds since 1970; null of one that does not expire.")
    last_used_date: int | None = Field(description="Within a minute; null of one that was never used.")


class NewKey(Key):
    """A key that was made just now."""

    key: str = Field(description="To be sent as `Authorization: Bearer pk_…`. Told this once.")


class Keys(RootModel[list[Key]]):
    """A page of keys."""


class KeyRevoked(Answer):
    """It does not work any more."""

    deleted: UUID
