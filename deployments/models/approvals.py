"""Approvals: who let a job's plan run."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from deployments.models.jobs import Job
from tenants.models import CustomerOwned, SameCustomerKey, User


class Approval(CustomerOwned):
    """That somebody read a plan of a job and let it run. An edit of the job voids it."""

    job = SameCustomerKey(Job, on_delete=models.CASCADE, related_name="approvals")
    # What was approved, as previews and waiting runs tell it.
    plan_hash = models.CharField(max_length=64)
    approved_by = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField()
    # Whose plan it was: the job's author, and who changed it last, if anybody.
    author = SameCustomerKey(User, on_delete=models.PROTECT, related_name="+")
    editor = SameCustomerKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "job"], condition=Q(voided_at=None), name="one_approval_of_a_job_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("author")) & (Q(editor=None) | ~Q(approved_by=F("editor"))),
                name="nobody_approves_a_plan_of_their_own",
            ),
        ]

    def __str__(self) -> str:
        return f"approval of job {self.job_id}"
