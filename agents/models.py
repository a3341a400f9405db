"""Agents, the keys that sign what they are told, and the manifests."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from deployments.models import HostTask
from inventory.models import Asset
from tenants.models import ActivationKey, CustomerOwned, SameCustomerKey


class Agent(CustomerOwned):
    """The program on an asset, as it enrolled. A new enrolment of the same machine replaces it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="agents")
    activation_key = SameCustomerKey(ActivationKey, on_delete=models.PROTECT, related_name="+")
    credential_digest = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=32)
    boot_id = models.CharField(max_length=64, blank=True)
    enrolled_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "asset"], condition=Q(revoked_at=None), name="one_live_agent_per_asset"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class SigningKey(CustomerOwned):
    """A customer's Ed25519 key that manifests are signed with: the public half. Agents pin it when they enrol."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    public_key = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer"], name="one_signing_key_per_customer"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class SigningSecret(CustomerOwned):
    """The private half, sealed. The signer's database role alone may read it, and its process alone can open it."""

    signing_key = SameCustomerKey(SigningKey, on_delete=models.CASCADE, related_name="+")
    sealed = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "signing_key"], name="one_secret_per_signing_key"),
        ]


class Manifest(CustomerOwned):
    """What a host is told in one attempt: canonical JSON, and its signature once the signer has been there."""

    host_task = SameCustomerKey(HostTask, on_delete=models.CASCADE, related_name="manifests", db_index=False)
    attempt = models.IntegerField()
    text = models.TextField()
    signing_key = SameCustomerKey(SigningKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    signature = models.BinaryField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "host_task", "attempt"], name="one_manifest_per_attempt"),
            models.CheckConstraint(
                condition=Q(signature=None, signing_key=None) | Q(signature__isnull=False, signing_key__isnull=False),
                name="a_signature_names_its_key",
            ),
        ]

    def __str__(self) -> str:
        return f"manifest of host task {self.host_task_id}"
