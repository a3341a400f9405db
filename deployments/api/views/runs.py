"""Runs, their hosts and steps, as the wire contract has them."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list
from core.paging import PageParameters, page
from core.parameters import parameters
from deployments import services
from deployments.api import answers, serializers
from deployments.api.rollouts import rollout_document
from deployments.api.views.base import JobView
from deployments.models import Run, Step
from deployments.services import remarks, results

_describe_change = partial(
    describe,
    request=None,
    answer=answers.RunChanged,
    status=202,
    says="The run as it is now; of `retry-failed`, the new one.",
    refuses=[403, 404, 409],
    parameters=[IDEMPOTENCY_KEY],
)


@extend_schema(tags=["runs"])
class RunNowView(JobView):
    """A run outside of the schedule."""

    @describe(
        "runJob",
        request=None,
        answer=answers.RunOpened,
        status=202,
        says="Opened.",
        refuses=[403, 404, 409],
        parameters=[IDEMPOTENCY_KEY],
    )
    @idempotent
    def post(self, request: Request, job_id: str) -> Response:
        """Run a job now."""
        run = services.run_now(job=self.job(), user=self.user(), at=timezone.now())
        return Response({"jobInstanceId": run.instance}, status=202)


@extend_schema(tags=["runs"])
class RunsView(JobView):
    """The runs of a job, newest first."""

    @describe_list("listRuns", rows=answers.Occurrences, parameters=PageParameters, refuses=[404])
    def get(self, request: Request, job_id: str) -> Response:
        """List runs."""
        runs = Run.objects.for_customer(self.user().customer_id).filter(job=self.job()).select_related("job")
        wanted = parameters(request, PageParameters)
        return page(request, runs.order_by("-id"), render=serializers.occurrence, wanted=wanted)


@extend_schema(tags=["runs"])
class RunView(JobView):
    """One run."""

    @describe("readRun", answer=answers.Run, says="The run.", refuses=[404])
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """Read a run, with how its hosts stand at this moment."""
        run = self.run()
        rollout = rollout_document(services.standing(run))
        return Response(serializers.run_document(run, services.count_host_tasks(run), rollout))


class RunControl(JobView):
    """Base of views that change a run; those of a job that waits to be deleted may be changed, too."""

    def changed(self, change: Callable[..., Run]) -> Response:
        """The run that the URL names, as it is after `change`."""
        run = change(run=self.run(), user=self.user(), at=timezone.now())
        return Response({"jobInstanceId": run.instance, "state": run.state}, status=202)


@extend_schema(tags=["runs"])
class CancelView(RunControl):
    """A run's early end."""

    @_describe_change("cancelRun")
    @idempotent
    def post(self, request: Request, job_id: str, number: int) -> Response:
        """Cancel a run. Hosts that have not begun do not begin; those at work end after the step that they are in."""
        return self.changed(services.cancel)


@extend_schema(tags=["runs"])
class PauseRunView(RunControl):
    """A run's standstill."""

    @_describe_change("pauseRun")
    @idempotent
    def post(self, request: Request, job_id: str, number: int) -> Response:
        """Pause a run: no further host begins, those at work go on. Its windows close when they would have."""
        return self.changed(services.pause)


@extend_schema(tags=["runs"])
class ResumeRunView(RunControl):
    """A standstill's end."""

    @_describe_change("resumeRun")
    @idempotent
    def post(self, request: Request, job_id: str, number: int) -> Response:
        """Let a run that is paused or halted go on. What failed before does not halt it again."""
        return self.changed(services.resume)


@extend_schema(tags=["runs"])
class RetryFailedView(RunControl):
    """A second try."""

    @_describe_change("retryFailedHosts")
    @idempotent
    def post(self, request: Request, job_id: str, number: int) -> Response:
        """Try a run that has ended again where it failed, timed out or was missed: a new run of the same snapshot."""
        return self.changed(services.retry_failed)


@extend_schema(tags=["runs"])
class RunAssetsView(JobView):
    """The hosts of a run: everyone considered, with a reason where nothing was done."""

    @describe_list("listRunHosts", rows=answers.RunHosts, parameters=PageParameters, refuses=[404])
    def get(self, request: Request, job_id: str, number: int) -> Response:
        """List hosts."""
        wanted = parameters(request, PageParameters)
        return page(request, results.hosts(self.run()).order_by("id"), render=serializers.host_row, wanted=wanted)


@extend_schema(tags=["runs"])
class RunAssetView(JobView):
    """One host of a run, step by step."""

    @describe("readRunHost", answer=answers.RunHostSteps, says="The host, step by step.", refuses=[404])
    def get(self, request: Request, job_id: str, number: int, asset_id: UUID) -> Response:
        """Read a host."""
        task = results.hosts(self.run()).filter(asset__public_id=asset_id).first()
        if task is None:
            raise Http404
        steps = Step.objects.for_customer(task.customer_id).filter(host_task=task, attempt=task.attempt)
        steps = steps.select_related("patch").order_by("number")
        return Response(serializers.host_document(task, steps, remarks.of(task)))


CONTROLS = {
    "cancel": CancelView,
    "pause": PauseRunView,
    "resume": ResumeRunView,
    "retry-failed": RetryFailedView,
}
