"""What all views of jobs and runs share: finding them among the caller's own, and answering a job."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import Http404
from rest_framework.response import Response
from rest_framework.views import APIView

from core import logs
from core.errors import DomainError
from deployments import services
from deployments.api import preconditions, serializers
from deployments.models import Job, JobQuerySet, Run
from tenants.models import User

CREATED = 201


class JobView(APIView):
    """What all views of one job share: finding it among the caller's own."""

    def user(self) -> User:
        """Who asks."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def live_jobs(self) -> JobQuerySet:
        """The caller's jobs, as clients see them."""
        jobs: JobQuerySet = Job.objects.for_customer(self.user().customer_id)
        return jobs.live()

    def job(self) -> Job:
        """The job that the URL names, by its id or its external id. Raises Http404."""
        job = one_of(self.live_jobs(), self.kwargs["job_id"])
        logs.job.set(str(job.pk))
        return job

    def each(self, job_id: str, act: Callable[[Job], object]) -> dict[str, Any]:
        """One job of many, for itself: a row that says how it went. What failed leaves nothing behind."""
        row: dict[str, Any] = {"id": job_id, "name": None, "status": "success"}
        try:
            with transaction.atomic():
                job = one_of(self.live_jobs(), job_id)
                row["name"] = job.name
                act(job)
        except (DomainError, Http404) as refused:
            message = str(refused) if isinstance(refused, DomainError) else "not found"
            return row | {"status": "failure", "error": message}
        return row

    def run(self) -> Run:
        """The run that the URL names. Those of a deleted job stay readable."""
        jobs: JobQuerySet = Job.objects.for_customer(self.user().customer_id)
        run = (
            Run.objects.for_customer(self.user().customer_id)
            .select_related("job", "retry_of")
            .defer("retry_of__snapshot")
            .filter(job=one_of(jobs, self.kwargs["job_id"]), instance=self.kwargs["number"])
            .first()
        )
        if run is None:
            raise Http404
        return run

    def shown(self, job: Job) -> dict[str, Any]:
        """The full job as it is now."""
        return serializers.job_document(serializers.with_references(Job.objects.filter(pk=job.pk)).get())

    def answered(self, job: Job, *, status: int = 200) -> Response:
        """The full job with its ETag; a new one with where it is."""
        now = serializers.with_references(Job.objects.filter(pk=job.pk)).get()
        headers = {"ETag": preconditions.etag(now)}
        if status == CREATED:
            headers["Location"] = f"/pm/v1/deploymentjob/{now.public_id}"
        return Response(serializers.job_document(now), status=status, headers=headers)

    def locked_job(self) -> Job:
        """The job that the URL names, locked, as the request's `If-Match` wants it. Raises PreconditionFailed."""
        job = services.lock(self.job())
        preconditions.require_match(self.request, job)
        return job


def one_of(jobs: JobQuerySet, name: str) -> Job:
    """A job by its id, or by its external id. Raises Http404."""
    if "\0" in name:
        # Postgres has no such text, and would say so by an error.
        raise Http404
    job: Job | None = jobs.named(name).first()
    if job is None:
        raise Http404
    return job
