"""Celery's way in."""

from celery import shared_task
from django.utils import timezone

from core.consumers import slow_consumer
from core.models import Event
from reports import services


@slow_consumer("reports.write")
def write(event: Event) -> bool:
    """Write a report that somebody asked for."""
    return services.write(customer_id=event.customer_id, report_id=event.data["reportId"])


@shared_task(name="reports.sweep")
def sweep() -> None:
    """Give to another worker what one left behind, and forget what has been kept long enough."""
    services.sweep(at=timezone.now())
