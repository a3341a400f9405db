"""What the views of calendars and pauses answer, for the API's document. Tests hold real answers against it."""

from datetime import datetime
from uuid import UUID

from pydantic import Field, RootModel

from calendars.models import Source
from core.openapi import Answer


class Somebody(Answer):
    """A person."""

    id: UUID
    name: str
    full_name: str


class Deed(Answer):
    """Who did it, and when, in milliseconds since 1970; nulls where nobody did."""

    user: Somebody | None
    date: int | None


class CalendarRow(Answer):
    """A calendar in a list: without what it is made of."""

    id: UUID
    name: str
    description: str | None
    is_global: bool = Field(alias="global")
    timezone: str
    source: Source = Field(description="What it is made of.")
    url: str | None
    refresh_minutes: int | None = Field(description="Null unless there is a URL.")
    fetched_date: int | None = Field(description="When the URL last answered well, in milliseconds since 1970.")
    error: str | None = Field(description="What went wrong at the last look; the last good copy counts meanwhile.")
    freezes_until_date: int | None = Field(
        description="Until when freezes are worked out, in milliseconds since 1970; it moves on by the day. Null until "
        "a URL has been fetched for the first time."
    )
    created_by: Deed
    updated_by: Deed


class Entry(Answer):
    """A stretch of time in which nothing is to start."""

    start: str
    end: str
    summary: str | None
    rrule: str | None


class Calendar(CalendarRow):
    """A calendar: stretches of time in which jobs do not start."""

    entries: list[Entry] | None
    ics: str | None = Field(description="The text that was uploaded; null for a calendar that is fetched.")


class Calendars(RootModel[list[CalendarRow]]):
    """A page of calendars."""


class CalendarDeleted(Answer):
    """What is gone."""

    deleted: UUID


class FreezeRow(Answer):
    """A freeze, from `start` until just before `end`."""

    start: datetime
    end: datetime
    summary: str | None


class Freezes(RootModel[list[FreezeRow]]):
    """A page of freezes."""


class Pause(Answer):
    """Whether anything may start. The two about the service are of those who operate it, and cannot be changed here."""

    paused: bool
    reason: str | None
    paused_by: Deed
    service_paused: bool
    service_reason: str | None
