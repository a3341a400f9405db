"""Letting a plan run."""

import re
from typing import Annotated

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import AfterValidator, Field, WithJsonSchema
from rest_framework.request import Request
from rest_framework.response import Response

from core.idempotency import idempotent
from core.instants import milliseconds
from core.openapi import IDEMPOTENCY_KEY, describe
from core.shapes import NotSet, Shape, Text, parse
from deployments import services
from deployments.api import answers
from deployments.api.views.base import JobView
from tenants.models import Role


def _hash(value: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", value.strip()):
        raise ValueError("must be the planHash of a preview, 64 hex digits")
    return value.strip()


class ApprovalBody(Shape):
    """Which plan is approved."""

    plan_hash: Annotated[
        Text,
        NotSet,
        AfterValidator(_hash),
        WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        Field(description="The `planHash` of the job's preview, or of a run that waits."),
    ]


@extend_schema(tags=["deployment jobs"])
class ApproveView(JobView):
    """The approval of a plan."""

    writing_role = Role.APPROVER

    @describe(
        "approveJob",
        request=ApprovalBody,
        examples={"A plan": {"planHash": "0" * 64}},
        answer=answers.Approved,
        status=202,
        says="Approved; runs that waited for it begin.",
        refuses=[403, 404, 409, 413, 415],
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request, job_id: str) -> Response:
        """Let a plan run, of a job that requires it. It takes an approver who neither made nor last changed the job."""
        job = self.job()
        wanted = parse(ApprovalBody, request.data).plan_hash
        approval = services.approve(job=job, user=self.user(), wanted=wanted, at=timezone.now())
        return Response(
            {
                "planHash": approval.plan_hash,
                "approvedBy": approval.approved_by.username,
                "approvedDate": milliseconds(approval.approved_at),
            },
            status=202,
        )
