"""A report, and its content in chunks."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from deployments.models import Job, Moving, Run
from inventory.models import Platform
from reports.states import FINAL_REPORTS, REPORT_MOVES, ReportState
from tenants.models import CustomerOwned, CustomerQuerySet, SameCustomerKey, User


class ReportKind(models.TextChoices):
    """What a report is about, as the routes that ask for one are called."""

    JOB_PROGRESS = "deploymentjobprogress"
    ASSETS = "assets"
    MISSING_PATCHES = "missingpatches"


class ReportSection(models.TextChoices):
    """What a row of the file stands for."""

    HOSTS = "hosts"
    PATCHES = "patches"
    ACTIONS = "actions"
    RUNS = "runs"
    ASSETS = "assets"
    MISSING_PATCHES = "missingPatches"


class ReportQuerySet(CustomerQuerySet):
    """Reports of a customer."""

    def kept(self, at: datetime) -> Self:
        """Those that clients see: an expired one is gone, whenever the sweep comes round to it."""
        return self.filter(expires_at__gt=at)


class Report(Moving, CustomerOwned):
    """One CSV file that somebody asked for: what is to be in it, and how far its writing is.

    `sha256` and `size` are of the file as it is before compression.
    """

    MOVES = REPORT_MOVES
    EVENT = "report"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=32, choices=ReportKind.choices)
    section = models.CharField(max_length=32, choices=ReportSection.choices)
    job = SameCustomerKey(Job, null=True, on_delete=models.CASCADE, related_name="+")
    # Null for all runs of the job.
    run = SameCustomerKey(Run, null=True, on_delete=models.CASCADE, related_name="+")
    platform = models.CharField(max_length=16, choices=Platform.choices, null=True)
    # Keys of reports.sections, in the order of the file.
    columns = ArrayField(models.CharField(max_length=64))
    query = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=ReportState.choices, default=ReportState.QUEUED)
    state_changed_at = models.DateTimeField()
    attempts = models.SmallIntegerField(db_default=0, default=0)
    # While Running: until when the worker that writes it may be believed to be alive.
    lease_until = models.DateTimeField(null=True)
    created_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    row_count = models.BigIntegerField(null=True)
    size = models.BigIntegerField(null=True)
    stored_size = models.BigIntegerField(null=True)
    chunk_count = models.IntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)

    objects: ClassVar = ReportQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(finished_at=None) & ~Q(state__in=sorted(FINAL_REPORTS))
                | Q(finished_at__isnull=False, state__in=sorted(FINAL_REPORTS)),
                name="a_report_has_an_end_if_and_only_if_final",
            ),
            models.CheckConstraint(
                condition=Q(lease_until__isnull=False, started_at__isnull=False, state="Running")
                | Q(lease_until=None) & ~Q(state="Running"),
                name="a_report_has_a_lease_if_and_only_if_running",
            ),
            models.CheckConstraint(
                condition=Q(
                    row_count__isnull=False,
                    size__isnull=False,
                    stored_size__isnull=False,
                    chunk_count__gt=0,
                    sha256__regex="^[0-9a-f]{64}$",
                    state="Ready",
                )
                | Q(row_count=None, size=None, stored_size=None, chunk_count=None, sha256="") & ~Q(state="Ready"),
                name="a_report_has_its_figures_if_and_only_if_ready",
            ),
            models.CheckConstraint(
                condition=~Q(error="") & Q(state="Failed") | Q(error="") & ~Q(state="Failed"),
                name="a_report_says_what_failed_if_and_only_if_failed",
            ),
            models.CheckConstraint(
                condition=Q(job__isnull=False, kind="deploymentjobprogress")
                | Q(job=None, run=None) & ~Q(kind="deploymentjobprogress"),
                name="a_report_has_a_job_if_and_only_if_about_one",
            ),
        ]
        indexes: ClassVar = [
            # The sweep: leases that ran out.
            models.Index(fields=["lease_until"], condition=Q(state="Running"), name="report_leases"),
            # The sweep: what has been kept long enough.
            models.Index(fields=["expires_at"], name="report_by_expiry"),
            # Reports of one job go with it.
            models.Index(fields=["customer", "job"], condition=Q(job__isnull=False), name="report_by_job"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_ids(self) -> dict[str, Any]:
        """Customer, job and run."""
        return {"customer_id": self.customer_id, "job_id": self.job_id, "run_id": self.run_id}

    def event_data(self) -> Mapping[str, Any]:
        """What else its events carry."""
        return {"reportId": self.pk}


class ReportChunk(CustomerOwned):
    """A piece of a report's gzip stream, so that any web process can serve what any worker wrote."""

    LARGEST = 1024 * 1024

    report = SameCustomerKey(Report, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "report", "number"], name="one_chunk_per_number_of_a_report"),
        ]
