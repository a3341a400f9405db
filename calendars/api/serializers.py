"""How calendars, freezes and pauses look on the wire. Shape only."""

from datetime import datetime
from typing import Any

from calendars.models import Calendar, CustomerPause, Freeze, ServicePause, Source
from core.instants import milliseconds
from tenants.models import User

# Of the full calendar, what a client may send back: the document that a merge patch changes.
WRITABLE = ("name", "description", "global", "timezone", "entries", "ics", "url", "refreshMinutes")


def calendar_row(calendar: Calendar) -> dict[str, Any]:
    """A row of `GET /v1/calendars`."""
    return {
        "id": str(calendar.public_id),
        "name": calendar.name,
        "description": calendar.description or None,
        "global": calendar.is_global,
        "timezone": calendar.timezone,
        "source": calendar.source,
        "url": calendar.url or None,
        "refreshMinutes": calendar.refresh_minutes if calendar.source == Source.URL else None,
        "fetchedDate": milliseconds(calendar.fetched_at),
        "error": calendar.error or None,
        "freezesUntilDate": milliseconds(calendar.expanded_until),
        "createdBy": _deed(calendar.created_by, calendar.created_at),
        "updatedBy": _deed(calendar.updated_by, calendar.updated_at),
    }


def calendar_document(calendar: Calendar) -> dict[str, Any]:
    """The full calendar."""
    return calendar_row(calendar) | {
        "entries": calendar.entries,
        "ics": calendar.ics if calendar.source == Source.ICS else None,
    }


def freeze_row(freeze: Freeze) -> dict[str, Any]:
    """A row of `GET /v1/calendars/{id}/freezes`."""
    return {"start": _instant(freeze.starts_at), "end": _instant(freeze.ends_at), "summary": freeze.summary or None}


def pause_document(pause: CustomerPause | None, service: ServicePause | None) -> dict[str, Any]:
    """`GET /v1/pause`."""
    return {
        "paused": pause is not None,
        "reason": pause.reason or None if pause else None,
        "pausedBy": _deed(pause.paused_by, pause.paused_at) if pause else _deed(None, None),
        "servicePaused": service is not None,
        "serviceReason": service.reason or None if service else None,
    }


def _deed(user: User | None, at: datetime | None) -> dict[str, Any]:
    named = user and {"id": str(user.public_id), "name": user.username, "fullName": user.full_name}
    return {"user": named, "date": milliseconds(at)}


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
