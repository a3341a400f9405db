"""When nothing is to start: calendars with their freezes, and pauses."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tenants.models import CustomerOwned, SameCustomerKey, User


class Source(models.TextChoices):
    """What a calendar's freezes are worked out from."""

    ENTRIES = "entries"
    ICS = "ics"
    URL = "url"


class Calendar(CustomerOwned):
    """Stretches of time in which jobs that name it, or all of the customer's, do not start."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    # Holds every job of the customer's back, whether it names the calendar or not.
    is_global = models.BooleanField(default=False)
    # What floating times and whole days are read in.
    timezone = models.CharField(max_length=64)
    source = models.CharField(max_length=8, choices=Source.choices)
    entries = models.JSONField(null=True)
    # As uploaded, or the last good copy of what the URL holds.
    ics = models.TextField(blank=True)
    url = models.CharField(max_length=2_000, blank=True)
    refresh_minutes = models.IntegerField(default=60)
    # Of the last good copy, for asking whether it is still good.
    etag = models.CharField(max_length=1_000, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)

    # When the URL last answered well, and what went wrong since; empty while all is well.
    fetched_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    # Until when its freezes are worked out, and when a worker has to look after it again.
    expanded_until = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    # Counts the changes of what it is made from: a worker that was at an earlier one stores nothing.
    revision = models.IntegerField(default=1)

    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_by = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "name"], name="one_calendar_of_a_name_per_customer"),
            models.CheckConstraint(condition=Q(source__in=Source.values), name="calendar_has_a_known_source"),
            models.CheckConstraint(
                condition=Q(source=Source.URL) ^ Q(url=""), name="a_calendar_has_a_url_if_and_only_if_it_is_its_source"
            ),
            models.CheckConstraint(
                condition=Q(source=Source.ENTRIES) ^ Q(entries__isnull=True),
                name="a_calendar_has_entries_if_and_only_if_they_are_its_source",
            ),
        ]
        indexes: ClassVar = [
            # The sweep that looks after calendars.
            models.Index(fields=["due_at"], name="calendar_due"),
            # Which calendars hold all jobs of a customer's back.
            models.Index(fields=["customer"], condition=Q(is_global=True), name="calendar_global"),
        ]

    def __str__(self) -> str:
        return self.name


class Freeze(CustomerOwned):
    """One stretch of time of a calendar, from `starts_at` until just before `ends_at`.

    `block_starts_at` and `block_ends_at` are of the whole stretch in which it and those of the same calendar that
    touch it leave no gap: the one that began last before an instant says whether, and until when, that is frozen.
    """

    calendar = SameCustomerKey(Calendar, on_delete=models.CASCADE, related_name="freezes")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    summary = models.CharField(max_length=200, blank=True)
    block_starts_at = models.DateTimeField()
    block_ends_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="a_freeze_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(block_starts_at__lte=F("starts_at"), block_ends_at__gte=F("ends_at")),
                name="a_freeze_lies_within_its_block",
            ),
        ]
        indexes: ClassVar = [
            # Whether a calendar freezes an instant, and a calendar's freezes in order.
            models.Index(fields=["customer", "calendar", "starts_at"], name="freeze_by_start"),
        ]

    def __str__(self) -> str:
        return f"{self.summary} from {self.starts_at}"


class CustomerPause(CustomerOwned):
    """Nothing of this customer's starts while the row is there."""

    reason = models.CharField(max_length=1_000, blank=True)
    paused_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    paused_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer"], name="one_pause_per_customer")]

    def __str__(self) -> str:
        return f"pause of customer {self.customer_id}"


class ServicePause(models.Model):
    """Nothing of anybody's starts while the row is there. Whoever operates the service puts it there."""

    # There is one place for it.
    place = models.SmallIntegerField(primary_key=True, default=1)
    reason = models.CharField(max_length=1_000, blank=True)
    paused_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(place=1), name="one_pause_of_the_service")]

    def __str__(self) -> str:
        return "pause of the service"
