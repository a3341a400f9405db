"""The results of runs: by host, by patch, by action, and why one host stands as it does."""

from typing import Annotated
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core.details import NoParameters
from core.openapi import describe, describe_list, header, query
from core.paging import Listing, ListParameters, list_parameters
from core.parameters import parameters
from core.query import TextToken, UuidToken, choice_of
from core.shapes import NotSet, Shape, WholeNumber
from deployments import progress
from deployments.api import result_answers as answers
from deployments.api import results as rows
from deployments.api.views.base import JobView, one_of
from deployments.explaining import explain
from deployments.models import HostTask, Job, Part, Run
from deployments.services import results
from deployments.services.failures import MOST_GROUPS, failures_of
from deployments.tokens import HOST_TOKENS
from inventory.models import Asset, Patch, Severity

# More than the column holds is no run's number.
_HIGHEST = 2**31 - 1


class ResultParameters(ListParameters):
    """Of which run, and which hosts."""

    job_instance_id: Annotated[
        WholeNumber | None, Field(ge=1, le=_HIGHEST, description="Which run; the newest where absent.")
    ] = None


class ExplainParameters(Shape):
    """What is to be explained."""

    asset_id: Annotated[UUID, Field(description="The host.")]
    patch_id: Annotated[UUID | None, NotSet, Field(description="A patch on it; the host as a whole where absent.")] = (
        None
    )


HOSTS = Listing(
    row=answers.HostResult,
    order=["asset__name"],
    columns={
        "asset.id": "asset__public_id",
        "id": "asset__public_id",
        "asset.name": "asset__name",
        "name": "asset__name",
        "asset.operatingSystem": "asset__operating_system",
        "operatingSystem": "asset__operating_system",
        "asset.scanDateTime": "asset__scanned_at",
        "scanDateTime": "asset__scanned_at",
        "status": "status_",
        "statusDateTime": "state_changed_at",
        "startDateTime": "started_at",
        "endDateTime": "finished_at",
    },
    tokens=HOST_TOKENS,
)
PATCHES = Listing(
    row=answers.PatchOfRun,
    order=["title"],
    columns={"id": "public_id", "title": "title", "vendorSeverity": "severity"},
    tokens={
        "id": UuidToken(column="public_id"),
        "title": TextToken(column="title"),
        "vendorSeverity": choice_of("severity", Severity),
    },
)


class ResultView(JobView):
    """Base of views of runs' results; those of deleted jobs stay readable, as the runs themselves do."""

    def any_job(self) -> Job:
        """The job that the URL names, deleted ones too. Raises Http404."""
        return one_of(Job.objects.for_customer(self.user().customer_id), self.kwargs["job_id"])


@extend_schema(tags=["runs"])
class ResultSummaryView(ResultView):
    """What became of a run, host by host."""

    # A POST is the same question, asked by clients that send no body with it.
    reads_by_post = True

    @describe_list("readJobResult", rows=answers.JobResult, parameters=ResultParameters, refuses=[404])
    def get(self, request: Request, job_id: str) -> Response:
        """Read the result of a job's newest run, or of the one that is named, with a page of its hosts."""
        return self.answered_with(request, self.any_job(), parameters(request, ResultParameters))

    @describe_list(
        "findJobResult",
        rows=answers.JobResult,
        parameters=ResultParameters,
        request=ResultParameters,
        refuses=[404],
        examples={"The hosts on which the first run failed": {"jobInstanceId": 1, "query": 'status:"Job Failed"'}},
    )
    def post(self, request: Request, job_id: str) -> Response:
        """The same. What is asked may stand in the query string, in a body, or in both; neither is needed."""
        return self.answered_with(request, self.any_job(), list_parameters(request, ResultParameters))

    def answered_with(self, request: Request, job: Job, wanted: ResultParameters) -> Response:
        """The result, with the page of hosts that is wanted."""
        run = _run_of(job, wanted.job_instance_id)
        tasks = rows.with_tags(results.hosts(run)) if run else results.no_hosts()
        answer = HOSTS.page(request, tasks, wanted, at=timezone.now(), render_all=lambda page: _host_rows(run, page))
        answer.data = rows.job_result(job, **_sizes(job, run)) | {"assets": answer.data}
        return answer


@extend_schema(tags=["runs"])
class RunPatchesView(ResultView):
    """The patches of a run."""

    @describe_list("listRunPatches", rows=answers.PatchesOfRun, parameters=ListParameters, refuses=[404])
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """List the patches of a run, each with on how many hosts it ended how."""
        run = self.run()
        wanted = parameters(request, ListParameters)
        return PATCHES.page(
            request,
            results.patches_of(run),
            wanted,
            at=timezone.now(),
            render_all=lambda page: rows.patch_rows(page, results.results_of_patches(run, page)),
        )


@extend_schema(tags=["runs"])
class RunActionsView(ResultView):
    """The actions of a run."""

    @describe(
        "readRunActions",
        answer=answers.ActionsOfRun,
        says="All of them, in the order of work; not paged.",
        parameters=[header("X-Total-Count", "How many rows there are in all.", type=int)],
        refuses=[404],
    )
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """Read the actions of a run, each with on how many hosts it ended how."""
        run = self.run()
        parameters(request, NoParameters)
        shown = rows.action_rows(run, results.results_of_actions(run))
        return Response(shown, headers={"X-Total-Count": str(len(shown))})


@extend_schema(tags=["runs"])
class RunFailuresView(ResultView):
    """Why hosts of a run failed, taken together."""

    @describe(
        "readRunFailures",
        answer=answers.FailuresOfRun,
        says=f"The groups, at most {MOST_GROUPS}; not paged.",
        parameters=[header("X-Total-Count", "How many rows there are in all.", type=int)],
        refuses=[404],
    )
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """Read why hosts of a run failed, timed out or missed it: those together on which the same went wrong."""
        run = self.run()
        parameters(request, NoParameters)
        shown = rows.failure_rows(failures_of(run))
        return Response(shown, headers={"X-Total-Count": str(len(shown))})


@extend_schema(tags=["runs"])
class ExplainView(ResultView):
    """Why a host stands as it does."""

    @describe(
        "explainRunHost",
        answer=answers.Explained,
        says="One reason, and the rules that led to it.",
        parameters=query(ExplainParameters),
        refuses=[404],
    )
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """Explain how a host of yours, or a patch on it, stands in a run, also one that the run did not consider."""
        run = self.run()
        wanted = parameters(request, ExplainParameters)
        asset = get_object_or_404(Asset.objects.for_customer(run.customer_id), public_id=wanted.asset_id)
        patches = Patch.objects.for_customer(run.customer_id)
        patch = get_object_or_404(patches, public_id=wanted.patch_id) if wanted.patch_id else None
        case = results.situation(run, asset=asset, patch=patch, at=timezone.now())
        status = results.hosts(run).filter(asset=asset).values_list("status_", flat=True).first()
        return Response(rows.explanation(case, explain(case), status=status))


def _run_of(job: Job, number: int | None) -> Run | None:
    """The run of that number, or else the newest; None of a job that never ran. Raises Http404."""
    wanted = number or job.last_instance
    run = Run.objects.for_customer(job.customer_id).select_related("job").filter(job=job, instance=wanted).first()
    if run is None and number:
        raise Http404
    return run


def _host_rows(run: Run | None, page: list[HostTask]) -> list[dict[str, object]]:
    return rows.host_rows(run, page, results.results_of_hosts(run, page)) if run else []


def _sizes(job: Job, run: Run | None) -> dict[str, int]:
    """Hosts and patches of the run; of one that has not found them out, and of none, those that the job names."""
    if run is None or not run.snapshot:
        named = job.asset_links.filter(part=Part.INCLUDE).count()
        return {"assets": named, "patches": job.patch_links.count()}
    (counted,) = progress.progress_of([run])
    return {"assets": counted.hosts, "patches": len(run.snapshot["patches"])}
