"""Celery's way in: plan the mails of an event, and send one."""

from django.utils import timezone

from core.consumers import consumer, slow_consumer
from core.models import Event
from notifications import services


@consumer("notifications.plan")
def plan(event: Event) -> None:
    """Say who is to be told."""
    services.plan(event=event, at=timezone.now())


@slow_consumer("notifications.deliver")
def deliver(event: Event) -> bool:
    """Tell one of them."""
    return services.deliver(customer_id=event.customer_id, delivery_id=event.data["deliveryId"])
