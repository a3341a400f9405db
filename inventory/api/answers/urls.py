"""What the views of custom patch URLs answer."""

from uuid import UUID

from pydantic import RootModel

from core.openapi import Answer


class Creator(Answer):
    """A person."""

    id: UUID
    name: str
    full_name: str


class Creation(Answer):
    """Who made it, and when, in milliseconds since 1970."""

    user: Creator
    date: int


class CustomPatchUrl(Answer):
    """A base URL that machines download patches from."""

    id: int
    name: str | None
    url: str
    created_by: Creation


class CustomPatchUrls(RootModel[list[CustomPatchUrl]]):
    """A page of custom patch URLs."""


class CustomPatchUrlDeleted(Answer):
    """What is gone."""

    deleted: int
