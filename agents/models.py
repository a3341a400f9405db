"""Agents, the keys that sign what they are told, and the manifests."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from agents.contacts import Held
from deployments.models import HostTask, Step
from inventory.models import Asset
from tenants.models import ActivationKey, CustomerOwned, SameCustomerKey


class AgentStatus(models.TextChoices):
    """Whether an agent gets work: not after two copies of it ran, until somebody has decided, nor once it is over."""

    ACTIVE = "Active"
    QUARANTINED = "Quarantined"
    REVOKED = "Revoked"


class Agent(CustomerOwned):
    """The program on an asset, as it enrolled. A new enrolment of the same machine replaces it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="agents")
    activation_key = SameCustomerKey(ActivationKey, on_delete=models.PROTECT, related_name="+")
    credential_digest = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=32)
    boot_id = models.CharField(max_length=64, blank=True)
    # What its last check-in said that it speaks; empty of an agent from before this was told.
    protocol = models.CharField(max_length=16, blank=True)
    enrolled_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)
    # See agents/contacts.py.
    contact_sequence = models.BigIntegerField(default=0, db_default=0)
    contact_token = models.CharField(max_length=64, null=True)
    previous_token = models.CharField(max_length=64, blank=True, db_default="")
    previous_mark = models.CharField(max_length=64, blank=True, db_default="")
    quarantined_at = models.DateTimeField(null=True)
    quarantine_reason = models.CharField(max_length=500, blank=True, db_default="")
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(quarantined_at=None, quarantine_reason="")
                | (Q(quarantined_at__isnull=False) & ~Q(quarantine_reason="")),
                name="quarantine_has_a_reason",
            ),
            models.UniqueConstraint(
                fields=["customer", "asset"], condition=Q(revoked_at=None), name="one_live_agent_per_asset"
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def status(self) -> AgentStatus:
        """Where it stands."""
        if self.revoked_at is not None:
            return AgentStatus.REVOKED
        return AgentStatus.ACTIVE if self.quarantined_at is None else AgentStatus.QUARANTINED

    @property
    def held(self) -> Held:
        """What its next check-in is judged by."""
        return Held(self.contact_sequence, self.contact_token, self.previous_token, self.previous_mark)


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


class LiveOutput(CustomerOwned):
    """How far the output of a running step is known, and what is kept of it. Gone when the step has ended."""

    CUT = "\n[… cut …]\n"

    step = SameCustomerKey(Step, on_delete=models.CASCADE, related_name="+", db_index=False)
    began_at = models.DateTimeField()
    # Bytes, as the program printed them.
    received = models.BigIntegerField(default=0)
    head = models.TextField(blank=True)
    tail = models.TextField(blank=True)
    is_cut = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "step"], name="one_live_output_per_step"),
        ]

    def __str__(self) -> str:
        return f"output of step {self.step_id}"

    @property
    def text(self) -> str:
        """What is kept."""
        return f"{self.head}{self.CUT}{self.tail}" if self.is_cut else self.head + self.tail


class Release(models.Model):
    """A version of the agent that was published: signed by a key that is nowhere near this service."""

    version = models.CharField(max_length=32, unique=True)
    # The version as one number, to compare by.
    rank = models.BigIntegerField(unique=True)
    manifest = models.TextField()
    key_id = models.CharField(max_length=64)
    signature = models.BinaryField()
    archive = models.BinaryField()
    for_all = models.BooleanField()
    published_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.version


class ReleaseForCustomer(CustomerOwned):
    """A release that this customer's agents are offered, before all others' are."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "release"], name="one_release_once_for_a_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.release_id} for {self.customer_id}"
