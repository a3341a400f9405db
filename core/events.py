"""Recording what happened. An event and the messages that it calls for are written together, or not at all."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from core.models import Event, Message


def record(
    *,
    customer_id: int,
    kind: str,
    at: datetime,
    job_id: int | None = None,
    run_id: int | None = None,
    host_task_id: int | None = None,
    asset_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write one event, and a message for each task that `settings.EVENT_TASKS` names for its kind.

    `data` is small JSON, and never holds a secret: receivers of notifications see it.
    """
    event = Event(
        customer_id=customer_id,
        kind=kind,
        job_id=job_id,
        run_id=run_id,
        host_task_id=host_task_id,
        asset_id=asset_id,
        data=dict(data or {}),
        occurred_at=at,
    )
    return record_many([event])[0]


def record_many(events: Iterable[Event]) -> list[Event]:
    """Write many events with their messages in two statements."""
    written = Event.objects.bulk_create(events)
    Message.objects.bulk_create(
        Message(customer_id=event.customer_id, event_id=event.pk, task=task)
        for event in written
        for task in settings.EVENT_TASKS.get(event.kind, ())
    )
    return written
