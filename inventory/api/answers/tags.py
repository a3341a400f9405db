"""What the views of tags answer."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer


class Tag(Answer):
    """A label on assets."""

    id: UUID
    name: str
    parent_id: UUID | None
    query: str | None = Field(description="What finds assets that carry it, beside those that people put it on.")
    asset_count: int = Field(description="On how many assets it is itself; those of the tags below it do not count.")


class Tags(RootModel[list[Tag]]):
    """A page of tags."""


class Tagged(Answer):
    """What became of many assets."""

    assets: int = Field(description="How many were meant.")
    changed: int = Field(description="How many carry the tag newly, or do not carry it any more.")
    kept: int = Field(description="Of those that it was to be taken off, how many keep it: its own query finds them.")
