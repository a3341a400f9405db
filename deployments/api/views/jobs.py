"""Jobs. Each view finds, acts, shows."""

from collections.abc import Sequence
from typing import Annotated, Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import Conflict, InvalidInput, Problem
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, header, query
from core.parameters import parameters
from core.shapes import AlsoNamed, Flag, Shape, TextList, UuidList, parse
from deployments import services
from deployments.api import answers, examples, merging
from deployments.api.views.base import CREATED, JobView
from deployments.api.views.lists import JobsReadView
from deployments.definition import JobDefinition
from deployments.definition.values import MAX_IDS
from deployments.states import JobState

_IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the job as you read it; else 412."
)
_ETAG = header("ETag", "Of the definition and the status: send it as `If-Match`.", status=[200, 201])


class IdsBody(Shape):
    """Jobs to act upon."""

    ids: Annotated[TextList, Field(min_length=1, max_length=10_000, description="Ids of jobs.")]


@extend_schema(tags=["deployment jobs"])
class JobsView(JobsReadView):
    """All jobs of the customer, newest first."""

    @describe(
        "deleteJobs",
        request=IdsBody,
        answer=answers.SwitchedJobs,
        says="How it went, for each id.",
        refuses=[403, 413, 415],
        parameters=[OpenApiParameter("ids", str, OpenApiParameter.QUERY, description="Instead of a body: `a,b`.")],
    )
    def delete(self, request: Request) -> Response:
        """Delete many jobs, each for itself. The body is `{"ids": [...]}` or a bare list."""
        sent = {"ids": request.data} if isinstance(request.data, list) else request.data
        body = parse(IdsBody, sent or {name: request.GET[name] for name in request.GET})
        return Response([self._deleted(one) for one in body.ids])

    def _deleted(self, job_id: str) -> dict[str, Any]:
        return self.each(job_id, lambda job: services.delete(job=job, user=self.user(), at=timezone.now()))


class CreateParameters(Shape):
    """How to create a job."""

    replace: Annotated[
        Flag,
        Field(description="Put this definition in the place of the live job with its `externalId`, if there is one."),
    ] = False


@extend_schema(tags=["deployment jobs"])
class CreateView(JobView):
    """New jobs."""

    @describe(
        "createJob",
        request=JobDefinition,
        examples=examples.JOBS,
        answer=answers.Job,
        status=201,
        says="The full job.",
        responses={200: OpenApiResponse(answers.Job, description="The full job, which was there: `replace` is true.")},
        refuses=[403, 409, 413, 415],
        parameters=[
            *query(CreateParameters),
            header("Location", "The path of the new job.", status=201),
            _ETAG,
            IDEMPOTENCY_KEY,
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a job. With `replace=true` it supersedes the one with its external id, which keeps its history."""
        user = self.user()
        sent: Any = {"customer_id": user.customer_id, "user": user, "body": request.data, "at": timezone.now()}
        is_new = True
        if parameters(request, CreateParameters).replace:
            job, is_new = services.supersede(**sent)
        else:
            job = services.create(**sent)
        return self.answered(job, status=CREATED if is_new else 200)


@extend_schema(tags=["deployment jobs"])
class DeleteView(JobView):
    """One job, to be deleted; clients of this API family use either spelling of the path."""

    @describe(
        "deleteJobByItsOtherPath",
        answer=answers.JobDeleted,
        says="Deleted.",
        responses={202: OpenApiResponse(answers.JobQueued, description="It goes when its run has ended.")},
        refuses=[403, 404, 409],
        parameters=[_IF_MATCH],
    )
    def delete(self, request: Request, job_id: str) -> Response:
        """Delete a job; while a run is going it ends first."""
        job = self.locked_job()
        if services.delete(job=job, user=self.user(), at=timezone.now()):
            return Response({"deleted": str(job.public_id)})
        return Response({"queued_for_deletion": str(job.public_id)}, status=202)


@extend_schema(tags=["deployment jobs"])
class ChangeView(JobView):
    """One job, to be changed in part."""

    @describe(
        "changeJobByItsOtherPath",
        request=JobDefinition,
        examples=examples.CHANGES,
        answer=answers.Job,
        says="The full job as it is now.",
        refuses=[403, 404, 409, 412, 413, 415],
        parameters=[_IF_MATCH, _ETAG],
    )
    def patch(self, request: Request, job_id: str) -> Response:
        """Change what is sent of a job, and nothing else: a JSON merge patch (RFC 7396). Lists replace."""
        job = self.locked_job()
        body = merging.merged(self.shown(job), request.data)
        with merging.told_as_sent(request.data):
            job = services.replace(job=job, user=self.user(), body=body, at=timezone.now())
        return self.answered(job)


@extend_schema(tags=["deployment jobs"])
@extend_schema_view(delete=extend_schema(operation_id="deleteJob"), patch=extend_schema(operation_id="changeJob"))
class DetailView(ChangeView, DeleteView):
    """One job."""

    @describe("readJob", answer=answers.Job, says="The full job.", parameters=[_ETAG])
    def get(self, request: Request, job_id: str) -> Response:
        """Read a job."""
        return self.answered(self.job())

    @describe(
        "replaceJob",
        request=JobDefinition,
        examples=examples.JOBS,
        answer=answers.Job,
        says="The full job as it is now.",
        refuses=[403, 404, 409, 412, 413, 415],
        parameters=[_IF_MATCH, _ETAG],
    )
    def put(self, request: Request, job_id: str) -> Response:
        """Put another definition in a job's place. What is absent is reset, except the status."""
        job = self.locked_job()
        return self.answered(services.replace(job=job, user=self.user(), body=request.data, at=timezone.now()))


@extend_schema(tags=["deployment jobs"])
class ByNameView(JobView):
    """One job, found by its name."""

    @describe("readJobByName", answer=answers.Job, says="The newest live job of that name.", parameters=[_ETAG])
    def get(self, request: Request, name: str) -> Response:
        """Read a job by its name."""
        job = None if "\0" in name else self.live_jobs().filter(name=name).order_by("-id").first()
        if job is None:
            raise Http404
        return self.answered(job)


@extend_schema(tags=["deployment jobs"])
class CloneView(JobView):
    """A copy of a job."""

    @describe(
        "cloneJob",
        request=None,
        answer=answers.Job,
        status=201,
        says="The copy, disabled.",
        refuses=[403, 404],
        parameters=[header("Location", "The path of the copy.", status=201), _ETAG, IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request, job_id: str) -> Response:
        """Copy a job. The copy is disabled and has no external id."""
        job = self.job()
        services.require_editor(job, self.user())
        body = self.shown(job) | {"status": JobState.DISABLED, "externalId": None}
        user = self.user()
        copy = services.create(customer_id=user.customer_id, user=user, body=body, at=timezone.now())
        return self.answered(copy, status=CREATED)


@extend_schema(tags=["deployment jobs"])
class ValidateView(JobView):
    """What would become of a body."""

    reads_by_post = True

    @describe(
        "validateJob",
        request=JobDefinition,
        examples=examples.JOBS,
        answer=answers.Validation,
        says="What was found.",
    )
    def post(self, request: Request) -> Response:
        """Check a job without storing it. `job` is what would be stored; its ids are made up."""
        user = self.user()
        try:
            with transaction.atomic():
                job = services.create(customer_id=user.customer_id, user=user, body=request.data, at=timezone.now())
                shown = self.shown(job)
                transaction.set_rollback(True)
        except (InvalidInput, Conflict) as refused:
            return Response({"valid": False, "errors": _told(refused.problems), "warnings": [], "job": None})
        return Response({"valid": True, "errors": [], "warnings": [], "job": shown})


class PatchIdsBody(Shape):
    """Patches to take out of a job."""

    patch_ids: Annotated[
        UuidList,
        AlsoNamed("patchIds"),
        Field(alias="patchids", min_length=1, max_length=MAX_IDS, description="Ids of patches."),
    ]


@extend_schema(tags=["deployment jobs"])
class DeprecatedPatchesView(JobView):
    """The patches of a job that are not wanted any more."""

    @describe(
        "removeDeprecatedPatches",
        request=PatchIdsBody,
        answer=answers.Job,
        says="The full job without them.",
        refuses=[403, 404, 409, 412, 413, 415],
        parameters=[_IF_MATCH, _ETAG],
    )
    def delete(self, request: Request, job_id: str) -> Response:
        """Take patches out of a job's list. Ids that it does not hold change nothing."""
        job = self.locked_job()
        gone = {str(one) for one in parse(PatchIdsBody, request.data).patch_ids}
        body = self.shown(job)
        body["approvedPatches"] = [one for one in body["approvedPatches"] or () if one not in gone]
        return self.answered(services.replace(job=job, user=self.user(), body=body, at=timezone.now()))


@extend_schema(tags=["deployment jobs"])
class StatusView(JobView):
    """Many jobs enabled or disabled at once, each for itself."""

    @describe(
        "switchJobs",
        request=IdsBody,
        answer=answers.SwitchedJobs,
        says="How it went, for each id.",
        refuses=[403, 413, 415],
        parameters=[
            OpenApiParameter(
                "status", str, OpenApiParameter.PATH, enum=["Enabled", "Disabled"], description="In any case."
            )
        ],
    )
    def post(self, request: Request, status: str) -> Response:
        """Enable or disable."""
        state = {"enabled": JobState.ENABLED, "disabled": JobState.DISABLED}.get(status.lower())
        if state is None:
            raise InvalidInput(problems=[Problem("status", "invalid", "must be Enabled or Disabled")])
        body = parse(IdsBody, request.data)
        return Response([self._switched(one, state) for one in body.ids])

    def _switched(self, job_id: str, state: JobState) -> dict[str, Any]:
        return self.each(
            job_id, lambda job: services.set_status(job=job, state=state, user=self.user(), at=timezone.now())
        )


def _told(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [{"field": one.field, "code": one.code, "message": one.message} for one in problems]
