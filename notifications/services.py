"""From an event to mails: planned in one transaction, sent between two."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from typing import Any

from django.utils import timezone

from core import events
from core.customer_context import acting_for
from core.models import Event
from notifications.mail import client
from notifications.models import Delivery, DeliveryState

log = logging.getLogger(__name__)

# Which switch of a job's notification asks for which event.
_SWITCHES = {
    "run.started": "onJobStart",
    "run.share_reached": "onJobComplete",
    "run.completed": "onJobComplete",
    "run.canceled": "onJobComplete",
}
# What everybody who gets mail of a job is told, whatever they asked for: it waits for a person.
_ALWAYS = {"run.halted"}
# Longer than the SMTP client may take, so that nobody takes a mail over from a worker that is still sending it.
_LEASE = timedelta(minutes=3)
MAX_ATTEMPTS = 12


def plan(*, event: Event, at: datetime) -> None:
    """Make one delivery per recipient of what this event tells, once however often it is called."""
    made = Delivery.objects.bulk_create(
        (
            Delivery(customer_id=event.customer_id, event_id=event.pk, recipient=recipient, created_at=at)
            for recipient in _recipients(event)
        ),
        ignore_conflicts=True,
    )
    if not made:
        return
    for delivery in Delivery.objects.for_customer(event.customer_id).filter(event_id=event.pk):
        events.record(
            customer_id=event.customer_id,
            kind="notification.planned",
            at=at,
            job_id=event.job_id,
            run_id=event.run_id,
            data={"deliveryId": delivery.pk},
        )


def deliver(*, customer_id: int, delivery_id: int) -> bool:
    """Send one mail. True where the work is over (sent, or given up), False where it is to be tried again.

    Outside of any transaction: the claim is a lease, so a slow mail server holds no lock.
    """
    with acting_for(customer_id):
        delivery = _claim(delivery_id, at=timezone.now())
        if delivery is None:
            return False
        event = Event.objects.get(pk=delivery.event_id)
    if delivery.state != DeliveryState.SENDING:
        return True
    error = _send(delivery, event)
    with acting_for(customer_id):
        return _settle(delivery, error=error, at=timezone.now())


def _recipients(event: Event) -> list[str]:
    notification: dict[str, Any] = event.data.get("notification") or {}
    if not notification.get("notificationTypes", {}).get("email"):
        return []
    if event.kind not in _ALWAYS and not notification["notificationEvents"].get(_SWITCHES[event.kind]):
        return []
    if event.data.get("shareTold"):
        # They were told when the share was reached that the job counts as complete.
        return []
    return list(dict.fromkeys(notification["notificationConfigs"]["recipientEmails"]))


def _claim(delivery_id: int, *, at: datetime) -> Delivery | None:
    """The delivery, taken under a lease; as it is where it has ended; None while another worker sends it."""
    delivery = Delivery.objects.select_for_update(skip_locked=True).filter(pk=delivery_id).first()
    if delivery is None or delivery.state in {DeliveryState.SENT, DeliveryState.FAILED}:
        return delivery
    if delivery.lease_until is not None and delivery.lease_until > at:
        return None
    delivery.state = DeliveryState.SENDING
    delivery.lease_until = at + _LEASE
    delivery.attempts += 1
    delivery.save(update_fields=["state", "lease_until", "attempts"])
    return delivery


def _send(delivery: Delivery, event: Event) -> Exception | None:
    try:
        client.send(event=event, recipient=delivery.recipient, message_id=str(delivery.public_id))
    except (SMTPException, OSError) as trouble:
        log.warning("mail to a recipient of event %s was not sent: %s", event.pk, trouble)
        return trouble
    return None


def _settle(delivery: Delivery, *, error: Exception | None, at: datetime) -> bool:
    """Note how the sending went. A refused address is given up at once, anything else after the last attempt."""
    delivery.lease_until = None
    if error is None:
        delivery.state, delivery.finished_at, delivery.error = DeliveryState.SENT, at, ""
    elif isinstance(error, SMTPRecipientsRefused) or delivery.attempts >= MAX_ATTEMPTS:
        delivery.state, delivery.finished_at, delivery.error = DeliveryState.FAILED, at, str(error)[:1000]
    else:
        delivery.state, delivery.error = DeliveryState.PENDING, str(error)[:1000]
    delivery.save(update_fields=["state", "lease_until", "finished_at", "error"])
    return delivery.finished_at is not None
