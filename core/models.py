"""Events, and the messages of the outbox that they leave behind."""

import uuid
from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

# What is said of a host while it works, beside its states.
REMARKS = [f"host_task.{kind}" for kind in ("answered", "asked", "downloaded", "shown", "step_tried", "waiting")]


class EventQuerySet(models.QuerySet["Event"]):
    """Events of one customer."""

    def for_customer(self, customer_id: int) -> "EventQuerySet":
        """The customer's own."""
        return self.filter(customer_id=customer_id)


class Event(models.Model):
    """An append-only fact about a job, a run or a host task, written in the transaction that made it true.

    The ids are bare numbers and no foreign keys: core knows none of the tables they name, and an event outlives them.
    """

    customer_id = models.BigIntegerField()
    # Stable from the moment of writing, so that receivers can tell a repeated delivery from a new one.
    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    job_id = models.BigIntegerField(null=True)
    run_id = models.BigIntegerField(null=True)
    host_task_id = models.BigIntegerField(null=True)
    asset_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # What happened in a run, in order.
            models.Index(fields=["customer_id", "run_id", "id"], name="event_by_run"),
            models.Index(fields=["customer_id", "job_id", "id"], name="event_by_job"),
            # What was said of one host of a run.
            models.Index(
                fields=["customer_id", "host_task_id", "id"], condition=Q(kind__in=REMARKS), name="event_remark"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"


class MessageQuerySet(models.QuerySet["Message"]):
    """The outbox as a queue."""

    def due(self, limit: int) -> "MessageQuerySet":
        """What is to be published now, by the database's clock; rows that another relay holds are passed over."""
        return self.filter(due_at__lte=Now()).order_by("due_at").select_for_update(skip_locked=True)[:limit]

    def claim(self, message_id: int) -> "Message | None":
        """The row, locked until the transaction ends, or None where it is done or another worker has it."""
        return self.filter(pk=message_id).select_for_update(skip_locked=True).first()


class Message(models.Model):
    """One task that an event calls for. The row is the queue: it goes when the task has done its work, not before."""

    # Waiting grows with each publication that was not followed by work, up to five minutes.
    FIRST_WAIT = timedelta(seconds=5)
    LONGEST_WAIT = timedelta(minutes=5)

    customer_id = models.BigIntegerField()
    event_id = models.BigIntegerField()
    task = models.CharField(max_length=64)
    due_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveIntegerField(db_default=0)
    created_at = models.DateTimeField(db_default=Now())

    objects = MessageQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            # The relay's only query.
            models.Index(fields=["due_at"], name="message_by_due_at"),
        ]

    def __str__(self) -> str:
        return f"{self.task} #{self.pk}"

    def wait(self) -> timedelta:
        """How long after this publication the next one follows, if nobody has done the work by then."""
        doublings = min(int(self.attempts), 10)
        return min(self.FIRST_WAIT * (1 << doublings), self.LONGEST_WAIT)


class Heartbeat(models.Model):
    """When a kind of process last did its work, by the database's clock: a worker may live and consume nothing."""

    name = models.CharField(max_length=64, primary_key=True)
    beaten_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def beat(name: str) -> None:
        """Note that `name` has just done its work."""
        if not Heartbeat.objects.filter(name=name).update(beaten_at=Now()):
            Heartbeat.objects.bulk_create([Heartbeat(name=name)], ignore_conflicts=True)


class IdempotencyKey(models.Model):
    """The first answer to a POST that carried an `Idempotency-Key`, kept for a day to be answered again."""

    KEPT = timedelta(hours=24)

    customer_id = models.BigIntegerField()
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    # Empty only within the transaction that makes it.
    status = models.SmallIntegerField(default=0)
    # As text: a JSON column would answer the keys in an order of its own.
    answer = models.TextField(default="null")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer_id", "route", "key"], name="one_answer_per_idempotency_key"),
        ]
        indexes: ClassVar = [
            # The sweep that deletes old ones.
            models.Index(fields=["created_at"], name="idempotency_key_by_age"),
        ]

    def __str__(self) -> str:
        return self.key
