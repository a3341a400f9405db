"""What is to be told to whom, and how far that has got."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from tenants.models import CustomerOwned


class DeliveryState(models.TextChoices):
    """Where one message to one recipient stands."""

    PENDING = "Pending"
    SENDING = "Sending"
    SENT = "Sent"
    FAILED = "Failed"


class Delivery(CustomerOwned):
    """One mail: one event, one recipient. Its `public_id` is in the Message-ID, so a repeated one can be told."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    event_id = models.BigIntegerField()
    recipient = models.EmailField(max_length=320)
    state = models.CharField(max_length=16, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.IntegerField(default=0)
    # While Sending: until when the worker that took it may be believed to be alive.
    lease_until = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "event_id", "recipient"], name="one_delivery_per_event_and_recipient"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) & ~Q(state__in=["Sent", "Failed"])
                | Q(finished_at__isnull=False, state__in=["Sent", "Failed"]),
                name="a_delivery_has_an_end_if_and_only_if_final",
            ),
        ]

    def __str__(self) -> str:
        return f"mail to {self.recipient}"
