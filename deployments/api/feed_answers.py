"""What feeds answer, for the API's document."""

from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer


class FeedAuthor(Answer):
    """Who made it."""

    id: UUID
    name: str


class Feed(Answer):
    """A feed of one job (`jobId`), or of all jobs (null)."""

    id: UUID
    name: str
    job_id: UUID | None
    created_by: FeedAuthor
    created_at: int = Field(description="Milliseconds since 1970.")


class NewFeed(Feed):
    """A feed that was made just now."""

    url: str = Field(description="Its address, told this once. It needs no sign-in: keep it to yourself.")


class Feeds(RootModel[list[Feed]]):
    """A page of feeds."""


class FeedDeleted(Answer):
    """It is gone."""

    deleted: UUID
