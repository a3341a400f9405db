"""Every way in which calendars, their freezes and pauses change, and what they say of an instant."""

from calendars.services.definitions import Content, change_calendar, create_calendar, delete_calendar
from calendars.services.freezing import Frozen, Held, Stretch, freeze_of, freezes_between, freezes_of, frozen_at
from calendars.services.pauses import (
    Paused,
    pause_customer,
    pause_service,
    paused,
    resume_customer,
    resume_service,
)
from calendars.services.refreshing import refresh, sweep, want_refresh

__all__ = [
    "Content",
    "Frozen",
    "Held",
    "Paused",
    "Stretch",
    "change_calendar",
    "create_calendar",
    "delete_calendar",
    "freeze_of",
    "freezes_between",
    "freezes_of",
    "frozen_at",
    "pause_customer",
    "pause_service",
    "paused",
    "refresh",
    "resume_customer",
    "resume_service",
    "sweep",
    "want_refresh",
]
