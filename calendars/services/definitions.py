"""Calendars as their administrators define them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from calendars import expanding
from calendars.models import Calendar, Source
from calendars.services.refreshing import store_freezes, tell_of_change, tell_of_wanted_refresh
from core.errors import Conflict, InvalidInput, NotFound, Problem
from scheduling.freezes import Freeze, Unreadable
from tenants.models import User

# Between two looks at a calendar that nobody else changes: only the period that its freezes are kept for moves on.
DAILY_MINUTES = 24 * 60
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All that a client says of a calendar. Of entries, text and address there is one."""

    name: str
    description: str = ""
    is_global: bool = False
    timezone: str = "UTC"
    entries: Sequence[Mapping[str, Any]] | None = None
    ics: str = ""
    url: str = ""
    refresh_minutes: int = DAILY_MINUTES

    @property
    def source(self) -> Source:
        """Which of the three it is made of."""
        if self.url:
            return Source.URL
        return Source.ICS if self.ics else Source.ENTRIES

    def freezes(self, *, at: datetime) -> list[Freeze]:
        """Worked out around an instant. Raises InvalidInput with what is wrong, by line or event."""
        try:
            if self.source == Source.ICS:
                return expanding.of_text(self.ics, zone=self.timezone, at=at)
            return expanding.of_entries(self.entries or (), zone=self.timezone, at=at)
        except Unreadable as refused:
            problems = [Problem(self.source, "invalid", f"{one.where}: {one.message}") for one in refused.problems]
            raise InvalidInput(problems=problems) from refused


def create_calendar(*, customer_id: int, user: User, content: Content, at: datetime) -> Calendar:
    """Make one. What a URL holds is fetched by a worker; until then it freezes nothing.

    Raises InvalidInput for a text or entries that say no freezes, Conflict where the name is taken.
    """
    calendar = Calendar(customer_id=customer_id, created_by=user, created_at=at, due_at=at)
    _write(calendar, content, at=at)
    found = None if content.url else content.freezes(at=at)
    _save(calendar)
    if found is None:
        tell_of_wanted_refresh(calendar, at=at)
    else:
        store_freezes(calendar, found, at=at)
    return calendar


def change_calendar(*, calendar: Calendar, user: User, content: Content, at: datetime) -> Calendar:
    """Give it this content instead. After another URL its freezes stay as they are until that has been fetched.

    Raises InvalidInput, Conflict, and NotFound where it is gone meanwhile.
    """
    current = _locked(calendar)
    made_of = _material(current)
    _write(current, content, at=at)
    current.updated_by, current.updated_at = user, at
    if _material(current) == made_of:
        _save(current)
        # It may hold all jobs back now, or no longer.
        tell_of_change(current, at=at)
        return current
    current.revision += 1
    current.etag, current.last_modified, current.fetched_at, current.error = "", "", None, ""
    # Whatever comes next is worked out, even if it is the text that was there before.
    current.expanded_until = None
    found = None if content.url else content.freezes(at=at)
    _save(current)
    if found is None:
        tell_of_wanted_refresh(current, at=at)
    else:
        store_freezes(current, found, at=at)
    return current


def delete_calendar(*, calendar: Calendar, at: datetime) -> None:
    """Delete one with its freezes. Raises Conflict while jobs name it, and NotFound where it is gone meanwhile."""
    # Locked first: a worker that is about to store freezes would add some after these were deleted.
    current = _locked(calendar)
    name = current.name
    tell_of_change(current, at=at)
    try:
        current.delete()
    except ProtectedError as used:
        # Links say by their text whose they are: the rooms above are none of this one's business.
        jobs = sorted({str(one) for one in used.protected_objects})
        more = f" and {len(jobs) - _MOST_NAMED} more" if len(jobs) > _MOST_NAMED else ""
        named = ", ".join(repr(one) for one in jobs[:_MOST_NAMED])
        raise Conflict(f"Jobs name the calendar {name!r}: {named}{more}. Change or delete them first.") from used


def _locked(calendar: Calendar) -> Calendar:
    """As it is now."""
    current = Calendar.objects.for_customer(calendar.customer_id).select_for_update().filter(pk=calendar.pk).first()
    if current is None:
        raise NotFound
    return current


def _write(calendar: Calendar, content: Content, *, at: datetime) -> None:
    calendar.name, calendar.description, calendar.is_global = content.name, content.description, content.is_global
    calendar.timezone, calendar.source, calendar.url = content.timezone, content.source, content.url
    calendar.entries = [dict(one) for one in content.entries or ()] if content.source == Source.ENTRIES else None
    if content.source != Source.URL:
        calendar.ics = content.ics
    if calendar.refresh_minutes != content.refresh_minutes or calendar.pk is None:
        calendar.refresh_minutes = content.refresh_minutes
        calendar.due_at = at + timedelta(minutes=content.refresh_minutes)


def _material(calendar: Calendar) -> tuple[Any, ...]:
    """What its freezes follow from. The copy of what a URL holds is not the client's to say."""
    text = "" if calendar.source == Source.URL else calendar.ics
    return calendar.source, calendar.entries, text, calendar.url, calendar.timezone


def _save(calendar: Calendar) -> None:
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as taken:
        if "one_calendar_of_a_name_per_customer" not in str(taken):
            raise
        message = f"there is a calendar named {calendar.name!r} already"
        raise Conflict(message, problems=[Problem("name", "taken", message)]) from taken
