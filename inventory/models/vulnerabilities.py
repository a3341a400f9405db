"""Vulnerabilities, and the patches that close them."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from inventory.models.choices import VulnerabilityType
from inventory.models.patches import Patch
from tenants.models import CustomerOwned, SameCustomerKey


class Vulnerability(CustomerOwned):
    """A hole that patches close, as a scanner's knowledge base or a distribution's advisory tells of it."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    # What it is called where it was told: `QID-91234`, `CVE-2024-0727`, `DSA-5532-1`.
    reference = models.CharField(max_length=255)
    # The scanner's number of it.
    qid = models.BigIntegerField(null=True)
    title = models.CharField(max_length=600, blank=True)
    cves = ArrayField(models.CharField(max_length=32), default=list)
    # 1, hardly any, to 5, urgent.
    severity = models.SmallIntegerField(null=True)
    vuln_type = models.CharField(max_length=16, choices=VulnerabilityType.choices, default=VulnerabilityType.CONFIRMED)
    # When a machine was first known to lack what closes it.
    detected_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    modified_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "reference"], name="one_vulnerability_per_reference"),
            models.UniqueConstraint(fields=["customer", "qid"], name="one_vulnerability_per_qid"),
            models.CheckConstraint(
                condition=Q(severity=None) | Q(severity__range=(1, 5)), name="vulnerability_severity_is_1_to_5"
            ),
        ]
        indexes: ClassVar = [
            # Which vulnerabilities a patch of these CVEs may close: all that have one of them first. An index of all
            # elements would not be read: the walls keep operators away that are not leakproof.
            models.Index(F("customer"), F("cves__0"), name="vulnerability_by_first_cve"),
        ]

    def __str__(self) -> str:
        return self.title or self.reference


class Fix(CustomerOwned):
    """From which version of a package on a vulnerability is closed. It stays, for patches that are told later."""

    vulnerability = SameCustomerKey(Vulnerability, on_delete=models.CASCADE, related_name="fixes")
    package_manager = models.CharField(max_length=16)
    # A package, or the source package that it is made from.
    package = models.CharField(max_length=255)
    # The system whose packages are meant, as inventory/systems.py calls it; empty for any.
    system = models.CharField(max_length=255, blank=True)
    version = models.CharField(max_length=255)
    version_key = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "vulnerability", "package_manager", "package", "system"],
                name="a_package_is_fixed_from_one_version_on",
            ),
        ]
        indexes: ClassVar = [
            # What a patch of this package closes.
            models.Index(fields=["customer", "package_manager", "package"], name="fix_by_package"),
        ]


class Closing(CustomerOwned):
    """This patch closes this vulnerability."""

    vulnerability = SameCustomerKey(Vulnerability, on_delete=models.CASCADE, related_name="closing_links")
    patch = SameCustomerKey(Patch, on_delete=models.CASCADE, related_name="closing_links")
    # By somebody's word; else it follows from fixes or CVEs, and goes when it does so no longer.
    told = models.BooleanField(db_default=False, default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "patch", "vulnerability"], name="a_patch_closes_a_vulnerability_once"
            ),
        ]
        indexes: ClassVar = [
            # Which patches close a vulnerability.
            models.Index(fields=["customer", "vulnerability", "patch"], name="closing_by_vulnerability"),
        ]
