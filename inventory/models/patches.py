"""The customer's catalogue, and what of it is missing or installed where."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, Now

from inventory.models.assets import Asset
from inventory.models.choices import DownloadMethod, Installer, PatchStatus, Platform, Severity
from tenants.models import CustomerOwned, SameCustomerKey


def _texts(length: int) -> ArrayField:
    return ArrayField(models.CharField(max_length=length), default=list)


def _told_or(told: str, otherwise: str, length: int) -> models.GeneratedField:
    """A list as it was told; where nothing was, the one thing that the package itself says."""
    kind: ArrayField = ArrayField(models.CharField(max_length=length))
    alone = Func(F(otherwise), function="ARRAY", template="%(function)s[%(expressions)s]", output_field=kind)
    whole = Case(When(Q((told, [])), then=alone), default=F(told), output_field=kind)
    return models.GeneratedField(expression=whole, output_field=kind, db_persist=True)


class Patch(CustomerOwned):
    """One update: a package in a version. It belongs to the customer whose machines or importers told of it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # What the vendor calls it; by this, importers find it again.
    vendor_id = models.CharField(max_length=255, null=True)
    platform = models.CharField(max_length=16, choices=Platform.choices)
    package_manager = models.CharField(max_length=16)
    package = models.CharField(max_length=255)
    # What the distribution's advisories call it: one source package makes several packages.
    source_package = models.CharField(max_length=255, blank=True)
    version = models.CharField(max_length=255)
    # Sorts as the package manager orders versions, see inventory/versions.py; null where nobody knows the order.
    version_key = models.BinaryField(null=True)
    architecture = models.CharField(max_length=32)
    title = models.CharField(max_length=600)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=64, default="Package")
    # The repository that offers it, as the machine named it.
    source = models.CharField(max_length=255, blank=True)
    vendor = models.CharField(max_length=255, blank=True)
    vendor_link = models.CharField(max_length=2000, blank=True)
    severity = models.CharField(max_length=16, choices=Severity.choices, default=Severity.NONE)
    advisory = models.CharField(max_length=255, blank=True)
    bulletin = models.CharField(max_length=255, blank=True)
    kb = models.CharField(max_length=32, blank=True)
    category = models.CharField(max_length=255, blank=True)
    cves = _texts(32)
    app_families = _texts(255)
    # The systems that it is for, as inventory/systems.py calls them.
    supported_os = _texts(255)
    told_products = _texts(255)
    products = _told_or("told_products", "package", 255)
    told_architectures = _texts(32)
    architectures = _told_or("told_architectures", "architecture", 32)
    # `[{packageName, architecture}]` where it updates other packages than the one that it is called by.
    package_details = models.JSONField(default=list)
    published_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True)
    reboot_required = models.BooleanField(null=True)
    enabled = models.BooleanField(db_default=True, default=True)
    # Withdrawn by its vendor. The row stays: jobs and runs name it.
    deleted = models.BooleanField(db_default=False, default=False)
    told_security = models.BooleanField(null=True)
    is_security = models.GeneratedField(
        expression=Coalesce(
            F("told_security"),
            Case(When(Q(severity=Severity.NONE) & Q(cves=[]), then=Value(False)), default=Value(True)),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    # Whether it can be taken back.
    is_rollback = models.BooleanField(db_default=True, default=True)
    download_method = models.CharField(max_length=32, choices=DownloadMethod.choices, default=DownloadMethod.AUTOMATIC)
    # The file that agents fetch and run, of patches that no package manager fetches; all empty where there is none.
    download_url = models.CharField(max_length=2000, blank=True, db_default="", default="")
    file_checksum = models.CharField(max_length=64, blank=True, db_default="", default="")
    installer = models.CharField(max_length=8, choices=Installer.choices, blank=True, db_default="", default="")
    # What makes it ask nothing, where its own kind does not say.
    installer_arguments = models.CharField(max_length=1000, blank=True, db_default="", default="")
    created_at = models.DateTimeField(db_default=Now())
    modified_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(download_url="", file_checksum="", installer="")
                | ~Q(download_url="") & ~Q(file_checksum="") & ~Q(installer=""),
                name="a_file_of_a_patch_has_a_checksum_and_a_kind",
            ),
            models.UniqueConstraint(
                fields=["customer", "package_manager", "package", "version", "architecture"],
                name="one_patch_per_package_version",
            ),
            models.UniqueConstraint(
                fields=["customer", "platform", "package_manager", "vendor_id"], name="one_patch_per_vendor_id"
            ),
        ]
        indexes: ClassVar = [
            # Which versions of a package come before or after this one.
            models.Index(
                fields=["customer", "package_manager", "package", "architecture", "version_key"],
                name="patch_by_version",
            ),
            # Which patches a distribution's advisory is about.
            models.Index(fields=["customer", "package_manager", "source_package"], name="patch_by_source_package"),
        ]

    def __str__(self) -> str:
        return self.title


class Supersedence(CustomerOwned):
    """Its vendor says that one patch stands in another's place.

    Of Linux packages nobody says so: a newer version does by itself, see inventory/superseding.py.
    """

    newer = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="supersedes_links")
    older = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="superseded_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "older", "newer"], name="a_patch_supersedes_another_once"),
            models.CheckConstraint(condition=~Q(newer=F("older")), name="a_patch_does_not_supersede_itself"),
        ]
        indexes: ClassVar = [
            # What a patch supersedes.
            models.Index(fields=["customer", "newer", "older"], name="supersedence_by_newer"),
        ]


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
