"""Lists of jobs, counts of them, and the history of one."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextChoices
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core.openapi import describe, describe_list, query
from core.paging import Column, GroupParameters, Having, HavingParameters, Listing, ListParameters
from core.parameters import parameters
from core.query import DateToken, NumberToken, choice_of
from core.shapes import Flag, NotSet, Text, TextList, choices
from core.shapes.words import folded
from deployments import progress
from deployments.api import answers, serializers, summary_answers
from deployments.api.histories import history_rows, totals
from deployments.api.summaries import ASSETS, CHILDREN, PATCHES, summary_rows, with_summaries
from deployments.api.views.base import JobView, one_of
from deployments.models import Job, JobCoAuthor, JobPatch, JobType, Run, Trigger
from deployments.progress import Outcome
from deployments.states import JobState, RunState
from deployments.tokens import JOB_TOKENS
from inventory.models import Patch, Platform
from inventory.tokens import PATCH_TOKENS
from tenants.models import User


class ListedStatus(TextChoices):
    """Of the job itself, or of its newest run."""

    ENABLED = JobState.ENABLED.value
    DISABLED = JobState.DISABLED.value
    RUNNING = Outcome.RUNNING.value
    COMPLETED = Outcome.COMPLETED.value
    FAILED = Outcome.FAILED.value


class JobParameters(HavingParameters):
    """Which jobs to list. Several values of one parameter are separated by commas, and any of them will do."""

    name: Annotated[Text | None, NotSet, Field(description="Jobs whose name contains this, in any case.")] = None
    status: Annotated[
        list[ListedStatus] | None,
        choices(ListedStatus),
        Field(
            description="Enabled or Disabled; or by the newest run: Running, Completed (no host failed, timed out or "
            "was missed), Failed (one did, or the run was missed or canceled)."
        ),
    ] = None
    type: Annotated[
        TextList | None, Field(description="Install or Rollback. Of a type that no job here has, there are no jobs.")
    ] = None
    platform: Annotated[list[Platform] | None, choices(Platform), Field(description="Windows or Linux.")] = None
    coauthor_job: Annotated[
        Flag | None,
        Field(
            description="Jobs that you are a co-author of; `false`: the others. With `ownedJob=true` too: jobs that "
            "you are either of."
        ),
    ] = None
    owned_job: Annotated[Flag | None, Field(description="Jobs that you created; `false`: the others.")] = None
    having_query: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=4096,
            description="Jobs with a patch that this query finds, such as `vendorSeverity:Critical`, among those that "
            "they name one by one.",
        ),
    ] = None


class JobCountParameters(GroupParameters, JobParameters):
    """Which jobs to count."""


class HistoryParameters(ListParameters):
    """Which runs to show."""


def _name_a_patch(condition: Q) -> Q:
    links = JobPatch.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"))
    patches = Patch.objects.filter(condition, customer_id=OuterRef("customer_id"), pk=OuterRef("patch_id"))
    return Q(Exists(links.filter(Exists(patches))))


_OF_NEWEST_RUN = progress.newest_run()
_COLUMNS: Mapping[str, Column] = {
    "id": "public_id",
    "name": "name",
    "type": "type",
    "platform": "platform",
    "status": "state",
    "scheduleType": "schedule_type",
    "startDateTime": "start_local",
    "timezone": "timezone",
    "timezoneType": "timezone_type",
    "isRecurring": "recurring",
    "nextScheduleDateTime": "due_at",
    "lastScheduleDateTime": Subquery(_OF_NEWEST_RUN.values("scheduled_for")),
    "triggerStatus": Subquery(_OF_NEWEST_RUN.values("state")),
    "completionPercent": Subquery(_OF_NEWEST_RUN.annotate(percent_=progress.PERCENT).values("percent_")),
    "patchCount": PATCHES,
    "assetCount": ASSETS,
    "linkedJobReferenceCount": CHILDREN,
    "created": "created_at",
    "created.date": "created_at",
    "created.user.name": "created_by__username",
    "createdBy": "created_by__username",
    "updated": "updated_at",
    "updated.date": "updated_at",
    "updated.user.name": "updated_by__username",
    "updatedBy": "updated_by__username",
}
_GROUPS = {
    name: _COLUMNS[name]
    for name in (
        "status",
        "type",
        "platform",
        "scheduleType",
        "timezone",
        "timezoneType",
        "isRecurring",
        "triggerStatus",
    )
}
# Not by "-id": for a customer with many jobs Postgres would then walk the primary key, past all other customers' rows.
_NEWEST_FIRST = ["-created_at"]
_HAVING = Having(PATCH_TOKENS, within=_name_a_patch)
JOBS = Listing(
    row=answers.Job,
    order=_NEWEST_FIRST,
    columns=_COLUMNS,
    tokens=JOB_TOKENS,
    having=_HAVING,
    groups=_GROUPS,
)
SUMMARIES = replace(JOBS, row=summary_answers.JobSummary)
RUNS = Listing(
    row=summary_answers.HistoryRun,
    order=["-instance"],
    columns={
        "jobInstanceId": "instance",
        "jobStartTime": "started_at",
        "jobEndTime": "finished_at",
        "executionStatus": "state",
        "trigger": "trigger",
    },
    tokens={
        "jobInstanceId": NumberToken(column="instance"),
        "jobStartTime": DateToken(column="started_at"),
        "jobEndTime": DateToken(column="finished_at"),
        "executionStatus": choice_of("state", RunState),
        "trigger": choice_of("trigger", Trigger),
    },
)


class JobListView(JobView):
    """Base of all views of many jobs."""

    def listed(self, wanted: JobParameters) -> QuerySet[Job]:
        """The caller's jobs that the parameters mean, apart from the queries among them."""
        return self.live_jobs().filter(_condition(wanted, self.user()))


class JobsReadView(JobListView):
    """All jobs of the customer, newest first, as they are answered one by one."""

    @describe_list("listJobs", rows=answers.Jobs, parameters=JobParameters)
    def get(self, request: Request) -> Response:
        """List jobs."""
        wanted = parameters(request, JobParameters)
        jobs = serializers.with_references(self.listed(wanted))
        return JOBS.page(request, jobs, wanted, at=timezone.now(), render_all=serializers.job_documents)


@extend_schema(tags=["deployment jobs"])
class SummaryView(JobListView):
    """All jobs of the customer in short, newest first."""

    @describe_list("listJobSummaries", rows=summary_answers.JobSummaries, parameters=JobParameters)
    def get(self, request: Request) -> Response:
        """List jobs in short."""
        wanted = parameters(request, JobParameters)
        jobs = with_summaries(self.listed(wanted))
        return SUMMARIES.page(request, jobs, wanted, at=timezone.now(), render_all=summary_rows)


@extend_schema(tags=["deployment jobs"])
class JobCountView(JobListView):
    """How many jobs a list has."""

    @describe("countJobs", answer=summary_answers.JobCount, says="How many.", parameters=query(JobCountParameters))
    def get(self, request: Request) -> Response:
        """Count jobs."""
        wanted = parameters(request, JobCountParameters)
        jobs = JOBS.matching(self.listed(wanted), wanted, at=timezone.now())
        return Response({"deploymentJobs": JOBS.count(jobs, group_by=wanted.group_by)})


@extend_schema(tags=["deployment jobs"])
class HistoryView(JobView):
    """What became of a job's runs. That of a deleted job stays readable."""

    @describe_list("readJobHistory", rows=summary_answers.History, parameters=HistoryParameters, refuses=[404])
    def get(self, request: Request, job_id: str) -> Response:
        """Read a job's history: figures of all its runs, and a page of them, newest first."""
        wanted = parameters(request, HistoryParameters)
        user = self.user()
        job = one_of(Job.objects.for_customer(user.customer_id), job_id)
        runs = Run.objects.for_customer(user.customer_id).filter(job=job)
        page = RUNS.page(
            request,
            runs.defer("snapshot"),
            wanted,
            at=timezone.now(),
            render_all=lambda listed: history_rows(job, listed),
        )
        page.data = totals(job, runs) | {"runs": page.data}
        return page


def _condition(wanted: JobParameters, user: User) -> Q:
    condition = Q()
    if wanted.name:
        condition &= Q(name__icontains=wanted.name)
    if wanted.status:
        condition &= Q(*(_of_status(one) for one in wanted.status), _connector=Q.OR)
    if wanted.type:
        condition &= Q(type__in=[kind for kind in map(_known_type, wanted.type) if kind])
    if wanted.platform:
        condition &= Q(platform__in=wanted.platform)
    return condition & _of_person(wanted, user)


def _of_status(status: ListedStatus) -> Q:
    if status in JobState.values:
        return Q(state=status.value)
    return Q(Exists(progress.newest_run().filter(progress.RUNS_WITH[Outcome(status.value)])))


def _known_type(word: str) -> JobType | None:
    known = {folded(kind): kind for kind in JobType} | {"uninstall": JobType.ROLLBACK}
    return known.get(folded(word))


def _of_person(wanted: JobParameters, user: User) -> Q:
    own = Q(created_by=user)
    shared = Q(
        Exists(JobCoAuthor.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"), user=user))
    )
    if wanted.owned_job and wanted.coauthor_job:
        return own | shared
    asked = ((wanted.owned_job, own), (wanted.coauthor_job, shared))
    return Q(*(condition if answer else ~condition for answer, condition in asked if answer is not None))
