"""Deployment jobs and their runs: contract.md §3. Each view finds, acts, shows."""

from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import logs
from core.errors import DomainError, InvalidInput, Problem
from core.paging import PageParameters, page
from core.parameters import parameters
from core.shapes import NotSet, Shape, Text, TextList, choice, parse
from deployments import services
from deployments.api import serializers
from deployments.definition import JobDefinition
from deployments.models import HostTask, Job, JobAction, JobType, Run, Step
from deployments.states import JobState
from inventory.models import Platform
from tenants.models import User


class ListParameters(PageParameters):
    """Which jobs to list; besides which page."""

    name: Annotated[Text | None, NotSet, Field(description="Jobs whose name contains this, in any case.")] = None
    status: Annotated[JobState | None, choice(JobState), Field(description="Enabled or Disabled.")] = None
    type: Annotated[JobType | None, choice(JobType)] = None
    platform: Annotated[Platform | None, choice(Platform)] = None


class IdsBody(Shape):
    """Jobs to act upon."""

    ids: Annotated[TextList, Field(min_length=1, max_length=10_000, description="Ids of jobs.")]


class JobView(APIView):
    """What all views of one job share: finding it among the caller's own."""

    def user(self) -> User:
        """Who asks."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def live_jobs(self) -> QuerySet[Job]:
        """The caller's jobs, as clients see them."""
        return Job.objects.for_customer(self.user().customer_id).live()

    def job(self) -> Job:
        """The job that the URL names, by its id or its external id. Raises Http404."""
        job = _one(self.live_jobs(), self.kwargs["job_id"])
        logs.job.set(str(job.pk))
        return job

    def run(self) -> Run:
        """The run that the URL names. Those of a deleted job stay readable."""
        jobs = Job.objects.for_customer(self.user().customer_id)
        run = (
            Run.objects.for_customer(self.user().customer_id)
            .select_related("job")
            .filter(job=_one(jobs, self.kwargs["job_id"]), instance=self.kwargs["number"])
            .first()
        )
        if run is None:
            raise Http404
        return run

    def shown(self, job: Job) -> dict[str, Any]:
        """The full job as it is now."""
        return serializers.job_document(serializers.with_references(Job.objects.filter(pk=job.pk)).get())


@extend_schema(tags=["deployment jobs"])
class JobsView(JobView):
    """All jobs of the customer, newest first."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        """List jobs."""
        wanted = parameters(request, ListParameters)
        jobs = serializers.with_references(self.live_jobs()).order_by("-id")
        return page(request, _matching(jobs, wanted), render=serializers.job_document, wanted=wanted)


@extend_schema(tags=["deployment jobs"])
class CreateView(JobView):
    """New jobs."""

    @extend_schema(
        request=JobDefinition, responses={201: OpenApiResponse(OpenApiTypes.OBJECT, description="The full job.")}
    )
    def post(self, request: Request) -> Response:
        """Create a job."""
        user = self.user()
        job = services.create(customer_id=user.customer_id, user=user, body=request.data, at=timezone.now())
        return Response(self.shown(job), status=201, headers={"Location": f"/pm/v1/deploymentjob/{job.public_id}"})


@extend_schema(tags=["deployment jobs"])
class DeleteView(JobView):
    """One job, to be deleted; clients of this API family use either spelling of the path."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 202: OpenApiTypes.OBJECT})
    def delete(self, request: Request, job_id: str) -> Response:
        """Delete a job; while a run is going it ends first."""
        job = self.job()
        if services.delete(job=job, user=self.user(), at=timezone.now()):
            return Response({"deleted": str(job.public_id)})
        return Response({"queued_for_deletion": str(job.public_id)}, status=202)


@extend_schema(tags=["deployment jobs"])
class DetailView(DeleteView):
    """One job."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, job_id: str) -> Response:
        """Read a job."""
        return Response(self.shown(self.job()))


@extend_schema(tags=["deployment jobs"])
class StatusView(JobView):
    """Many jobs enabled or disabled at once, each for itself."""

    @extend_schema(request=IdsBody, responses={200: OpenApiTypes.OBJECT})
    def post(self, request: Request, status: str) -> Response:
        """Enable or disable."""
        state = {"enabled": JobState.ENABLED, "disabled": JobState.DISABLED}.get(status.lower())
        if state is None:
            raise InvalidInput(problems=[Problem("status", "invalid", "must be Enabled or Disabled")])
        body = parse(IdsBody, request.data)
        return Response([self._switched(one, state) for one in body.ids])

    def _switched(self, job_id: str, state: JobState) -> dict[str, Any]:
        row: dict[str, Any] = {"id": job_id, "name": None, "status": "success"}
        try:
            with transaction.atomic():
                job = _one(self.live_jobs(), job_id)
                row["name"] = job.name
                services.set_status(job=job, state=state, user=self.user(), at=timezone.now())
        except (DomainError, Http404) as refused:
            message = str(refused) if isinstance(refused, DomainError) else "not found"
            return row | {"status": "failure", "error": message}
        return row


@extend_schema(tags=["runs"])
class RunNowView(JobView):
    """A run outside of the schedule."""

    @extend_schema(request=None, responses={202: OpenApiTypes.OBJECT})
    def post(self, request: Request, job_id: str) -> Response:
        """Run a job now."""
        run = services.run_now(job=self.job(), user=self.user(), at=timezone.now())
        return Response({"jobInstanceId": run.instance}, status=202)


@extend_schema(tags=["runs"])
class RunsView(JobView):
    """The runs of a job, newest first."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, job_id: str) -> Response:
        """List runs."""
        runs = Run.objects.for_customer(self.user().customer_id).filter(job=self.job()).select_related("job")
        wanted = parameters(request, PageParameters)
        return page(request, runs.order_by("-id"), render=serializers.occurrence, wanted=wanted)


@extend_schema(tags=["runs"])
class RunView(JobView):
    """One run."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """Read a run, with how its hosts stand at this moment."""
        run = self.run()
        return Response(serializers.run_document(run, services.count_host_tasks(run)))


@extend_schema(tags=["runs"])
class RunAssetsView(JobView):
    """The hosts of a run: everyone considered, with a reason where nothing was done."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """List hosts."""
        wanted = parameters(request, PageParameters)
        return page(request, _tasks(self.run()).order_by("id"), render=serializers.host_row, wanted=wanted)


@extend_schema(tags=["runs"])
class RunAssetView(JobView):
    """One host of a run, step by step."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, job_id: str, number: int, asset_id: UUID) -> Response:
        """Read a host."""
        task = _tasks(self.run()).filter(asset__public_id=asset_id).first()
        if task is None:
            raise Http404
        steps = Step.objects.for_customer(task.customer_id).filter(host_task=task, attempt=task.attempt)
        return Response(serializers.host_document(task, steps.select_related("patch").order_by("number")))


@extend_schema(tags=["deployment jobs"])
class ScriptView(JobView):
    """The script of an action, for those who may edit its job."""

    @extend_schema(responses={200: OpenApiResponse(OpenApiTypes.STR, description="The script, as text.")})
    def get(self, request: Request, customer_id: UUID, action_id: UUID) -> Response:
        """Read a script."""
        user = self.user()
        action = (
            JobAction.objects.for_customer(user.customer_id)
            .select_related("job")
            .filter(public_id=action_id, job__in=self.live_jobs())
            .first()
        )
        if action is None or user.customer.public_id != customer_id:
            raise Http404
        services.require_editor(action.job, user)
        return Response(
            {"script": bytes(action.script or b"").decode(errors="replace"), "scriptType": action.script_type}
        )


def _one(jobs: QuerySet[Job], name: str) -> Job:
    """A job by its id, or by its external id. Raises Http404."""
    try:
        job = jobs.filter(public_id=UUID(name)).first()
    except ValueError:
        job = None
    job = job or jobs.filter(external_id=name).order_by("-id").first()
    if job is None:
        raise Http404
    return job


def _matching(jobs: QuerySet[Job], wanted: ListParameters) -> QuerySet[Job]:
    conditions = Q()
    if wanted.name:
        conditions &= Q(name__icontains=wanted.name)
    if wanted.status:
        conditions &= Q(state=wanted.status)
    if wanted.type:
        conditions &= Q(type=wanted.type)
    if wanted.platform:
        conditions &= Q(platform=wanted.platform)
    return jobs.filter(conditions)


def _tasks(run: Run) -> QuerySet[HostTask]:
    return HostTask.objects.for_customer(run.customer_id).filter(run=run).select_related("asset")
