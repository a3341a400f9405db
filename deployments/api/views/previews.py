"""What a job would do, before it does it."""

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.openapi import describe, query
from core.paging import PageParameters, page
from core.parameters import parameters
from deployments import services
from deployments.api import examples, preview_answers, previews
from deployments.api.views.base import JobView
from deployments.definition import JobDefinition
from deployments.models import Job


class PreviewView(JobView):
    """Shows plans."""

    reads_by_post = True

    def planned(self, request: Request, job: Job) -> Response:
        """A job's plan, with the page of its hosts that was asked for."""
        wanted = parameters(request, PageParameters)
        plan = services.preview(job=job, at=timezone.now())
        shown = page(request, plan.hosts.order_by("name", "pk"), render_all=list, wanted=wanted)
        hosts = shown.data
        shown.data = previews.preview_document(
            plan, hosts, services.patches_of_hosts(plan, hosts), services.waves_of_hosts(plan, hosts)
        )
        return shown


@extend_schema(tags=["deployment jobs"])
class PreviewOfBodyView(PreviewView):
    """The plan of a body."""

    @describe(
        "previewJob",
        request=JobDefinition,
        examples=examples.JOBS,
        parameters=query(PageParameters),
        answer=preview_answers.Preview,
        says="The plan.",
        refuses=[409, 413, 415],
    )
    def post(self, request: Request) -> Response:
        """Show what a job would do, without storing it."""
        user = self.user()
        with transaction.atomic():
            job = services.create(customer_id=user.customer_id, user=user, body=request.data, at=timezone.now())
            answer = self.planned(request, job)
            transaction.set_rollback(True)
        return answer


@extend_schema(tags=["deployment jobs"])
class PreviewOfJobView(PreviewView):
    """The plan of a stored job."""

    @describe(
        "previewStoredJob",
        request=None,
        parameters=query(PageParameters),
        answer=preview_answers.Preview,
        says="The plan.",
        refuses=[404],
    )
    def post(self, request: Request, job_id: str) -> Response:
        """Show what a job would do if its next run began as planned."""
        return self.planned(request, self.job())
