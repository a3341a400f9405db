"""Feeds: addresses under which calendar programs read when jobs start."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from deployments.models.jobs import Job
from tenants.models import CustomerOwned, SameCustomerKey, User


class Feed(CustomerOwned):
    """An address that needs no sign-in: whoever has it may read. Of one job, or of all of the customer's."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    job = SameCustomerKey(Job, null=True, on_delete=models.CASCADE, related_name="feeds")
    # Of the secret in the address, which is told once and not kept.
    secret_digest = models.CharField(max_length=64, unique=True)
    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            # The list, newest first.
            models.Index(fields=["customer", "id"], name="feed_of_customer"),
        ]

    def __str__(self) -> str:
        return self.name
