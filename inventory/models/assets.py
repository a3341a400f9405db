"""Machines, and what is on them."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from inventory.models.choices import Platform
from tenants.models import CustomerOwned, SameCustomerKey

# What an agent says that found no package manager which it can drive; an asset that was never described says nothing.
NOT_DRIVABLE = ("", "none")


class Asset(CustomerOwned):
    """An endpoint, as its agent last described it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # A short id for people, counted within the customer: the key counts all customers' assets, and would tell how many.
    number = models.IntegerField()
    # What people call it: a person's word, or, until somebody says one, what the agent reports.
    name = models.CharField(max_length=255)
    name_is_given = models.BooleanField(default=False)
    reported_name = models.CharField(max_length=255)
    platform = models.CharField(max_length=16, choices=Platform.choices)
    operating_system = models.CharField(max_length=200, blank=True)
    os_identifier = models.CharField(max_length=200, blank=True)
    os_version = models.CharField(max_length=100, blank=True)
    architecture = models.CharField(max_length=32, blank=True)
    # A person's word or the agent's, as with the name. One that is no IANA name, or empty, leaves it to the job's zone.
    timezone = models.CharField(max_length=64, blank=True)
    timezone_is_given = models.BooleanField(default=False)
    reported_timezone = models.CharField(max_length=64, blank=True)
    package_manager = models.CharField(max_length=16, blank=True)
    interfaces = models.JSONField(default=list)
    hardware = models.JSONField(default=dict)
    last_logged_on_user = models.CharField(max_length=200, blank=True)
    reboot_required = models.BooleanField(default=False)
    scanned_at = models.DateTimeField(null=True)
    last_contact_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    # The asset's tags and all their ancestors: what targeting reads. AssetTag is the truth, changed in one transaction.
    tag_ids = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "number"], name="one_asset_of_a_number"),
        ]
        indexes: ClassVar = [
            # Lists of a customer's assets, by name.
            models.Index(fields=["customer", "name", "id"], name="asset_by_name"),
            # Targeting by tags, any and all.
            GinIndex(fields=["tag_ids"], name="asset_by_tags"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_drivable(self) -> bool:
        """Whether patches can be installed on it."""
        return self.package_manager not in NOT_DRIVABLE


class Inventory(CustomerOwned):
    """All packages of an asset by its last scan: `[{name, version, architecture, state}]`."""

    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="inventories")
    packages = models.JSONField(default=list)
    scanned_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "asset"], name="an_asset_has_one_inventory"),
        ]
