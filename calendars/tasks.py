"""Celery's way in."""

from celery import shared_task

from calendars import services
from core.consumers import slow_consumer
from core.models import Event


@shared_task(name="calendars.sweep")
def sweep() -> None:
    """Have the calendars looked after whose time has come."""
    services.sweep()


@slow_consumer("calendars.refresh")
def refresh(event: Event) -> bool:
    """Fetch one, and work its freezes out. A failure is the calendar's to tell; the next look is by its own table."""
    services.refresh(customer_id=event.customer_id, calendar_id=event.data["calendarId"])
    return True
