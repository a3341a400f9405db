"""Assets, tags, patches, and what is missing or installed where."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models import CustomerOwned, SameCustomerKey


class Platform(models.TextChoices):
    """What kind of machine, and which kind of patch fits it."""

    WINDOWS = "Windows"
    LINUX = "Linux"


class Severity(models.TextChoices):
    """A vendor's own rating of a patch."""

    CRITICAL = "Critical"
    IMPORTANT = "Important"
    MODERATE = "Moderate"
    LOW = "Low"
    NONE = "None"


class PatchStatus(models.TextChoices):
    """How a patch stands on an asset, by the asset's last scan."""

    MISSING = "Missing"
    INSTALLED = "Installed"


class Tag(CustomerOwned):
    """A label on assets. An asset with a tag counts as having the tag's ancestors too."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    parent = SameCustomerKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "name"], name="one_tag_of_a_name_per_customer"),
            models.CheckConstraint(condition=~Q(parent=models.F("id")), name="tag_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class Asset(CustomerOwned):
    """An endpoint, as its agent last described it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255)
    platform = models.CharField(max_length=16, choices=Platform.choices)
    operating_system = models.CharField(max_length=200, blank=True)
    os_identifier = models.CharField(max_length=200, blank=True)
    os_version = models.CharField(max_length=100, blank=True)
    architecture = models.CharField(max_length=32, blank=True)
    # As the agent names it; one that is no IANA name, or empty, leaves the job's zone to count.
    timezone = models.CharField(max_length=64, blank=True)
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
        indexes: ClassVar = [
            # Lists of a customer's assets, by name.
            models.Index(fields=["customer", "name", "id"], name="asset_by_name"),
            # Targeting by tags, any and all.
            GinIndex(fields=["tag_ids"], name="asset_by_tags"),
        ]

    def __str__(self) -> str:
        return self.name


class AssetTag(CustomerOwned):
    """A tag that somebody put on an asset."""

    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="tag_links")
    tag = SameCustomerKey(Tag, on_delete=models.CASCADE, related_name="asset_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "asset", "tag"], name="an_asset_has_a_tag_once"),
        ]


class Inventory(CustomerOwned):
    """All packages of an asset by its last scan: `[{name, version, architecture, state}]`."""

    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="inventories")
    packages = models.JSONField(default=list)
    scanned_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "asset"], name="an_asset_has_one_inventory"),
        ]


class Patch(CustomerOwned):
    """One update: a package in a version. It belongs to the customer whose machines or importers told of it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    platform = models.CharField(max_length=16, choices=Platform.choices)
    package_manager = models.CharField(max_length=16)
    package = models.CharField(max_length=255)
    version = models.CharField(max_length=255)
    architecture = models.CharField(max_length=32)
    title = models.CharField(max_length=600)
    # The repository that offers it, as the machine named it.
    source = models.CharField(max_length=255, blank=True)
    severity = models.CharField(max_length=16, choices=Severity.choices, default=Severity.NONE)
    advisory = models.CharField(max_length=255, blank=True)
    cves = ArrayField(models.CharField(max_length=32), default=list)
    created_at = models.DateTimeField(db_default=Now())
    modified_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "package_manager", "package", "version", "architecture"],
                name="one_patch_per_package_version",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class AssetPatch(CustomerOwned):
    """A patch that is missing or installed on an asset, by the asset's last scan."""

    asset = SameCustomerKey(Asset, on_delete=models.CASCADE, related_name="patch_links")
    patch = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="asset_links")
    status = models.CharField(max_length=16, choices=PatchStatus.choices)
    # Missing: the version there is now. Installed: the version that this one replaced, empty where nobody saw it.
    from_version = models.CharField(max_length=255, blank=True)
    # Half installed: the package manager began and could not end. It is still missing, and can be rolled back.
    broken = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "asset", "patch"], name="a_patch_stands_once_on_an_asset"),
            models.CheckConstraint(
                condition=Q(broken=False) | Q(status=PatchStatus.MISSING), name="a_broken_patch_is_missing"
            ),
        ]
        indexes: ClassVar = [
            # How many miss a patch, and which.
            models.Index(fields=["customer", "patch", "status"], name="assetpatch_by_patch"),
        ]
