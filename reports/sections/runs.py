"""A row for each run of a job: what became of it over time."""

from django.db.models import QuerySet

from core.query import DateToken, NumberToken, TextToken, choice_of
from deployments import progress
from deployments.models import Run, Trigger
from deployments.progress import Progress
from deployments.reasons import SENTENCES, Reason
from deployments.states import HostTaskState, RunState
from reports.models import Report, ReportKind, ReportSection
from reports.sections.columns import Column, ColumnType, Pages, Section, condition, seconds

# Of runs that go on, the hosts are counted page by page.
_RUNS = 500
_NUMBER, _INSTANT = ColumnType.NUMBER, ColumnType.INSTANT
_TOKENS = {
    "jobInstanceId": NumberToken(column="instance"),
    "runStatus": choice_of("state", RunState),
    "trigger": choice_of("trigger", Trigger),
    "reason": TextToken(column="reason"),
    "runScheduledDateTime": DateToken(column="scheduled_for"),
    "startDateTime": DateToken(column="started_at"),
    "endDateTime": DateToken(column="finished_at"),
}


def _pages(report: Report, needs: frozenset[str]) -> Pages:
    """In the order in which they were opened."""
    runs: QuerySet[Run] = Run.objects.for_customer(report.customer_id).filter(
        condition(report, _TOKENS), job=report.job_id
    )
    if report.run_id is not None:
        runs = runs.filter(pk=report.run_id)
    # A snapshot may be large.
    ordered = runs.select_related("job").defer("snapshot").order_by("instance")
    last = 0
    while found := list(ordered.filter(instance__gt=last)[:_RUNS]):
        yield list(progress.progress_of(found))
        last = found[-1].instance


def _reason(row: Progress) -> str:
    return SENTENCES[Reason(row.run.reason)] if row.run.reason else ""


def _hosts(key: str, title: str, *states: HostTaskState, default: bool = True) -> Column:
    """How many hosts are in one of these states."""
    return Column(key, title, lambda row: sum([row.counts.get(one, 0) for one in states]), _NUMBER, default=default)


RUNS = Section(
    name=ReportSection.RUNS,
    kind=ReportKind.JOB_PROGRESS,
    tokens=_TOKENS,
    pages=_pages,
    columns=(
        Column("jobName", "Job", lambda row: row.run.job.name),
        Column("jobId", "Job ID", lambda row: row.run.job.public_id, default=False),
        Column("jobInstanceId", "Run", lambda row: row.run.instance, _NUMBER),
        Column("trigger", "Trigger", lambda row: row.run.trigger),
        Column("runStatus", "Run status", lambda row: row.run.state),
        Column("reason", "Reason", lambda row: row.run.reason),
        Column("reasonText", "Reason in words", _reason, default=False),
        Column("runScheduledDateTime", "Run scheduled for", lambda row: row.run.scheduled_for, _INSTANT),
        Column("startDateTime", "Start", lambda row: row.run.started_at, _INSTANT),
        Column("endDateTime", "End", lambda row: row.run.finished_at, _INSTANT),
        Column("duration", "Duration (seconds)", lambda row: seconds(row.run.started_at, row.run.finished_at), _NUMBER),
        Column("completionPercent", "Hosts that have ended (percent)", lambda row: row.percent, _NUMBER),
        Column("totalAssetCount", "Hosts", lambda row: row.hosts, _NUMBER),
        Column("applicableAssetCount", "Hosts with something to do", lambda row: row.applicable, _NUMBER),
        _hosts("succeededAssetCount", "Hosts: completed", HostTaskState.SUCCEEDED),
        _hosts("failedAssetCount", "Hosts: failed", HostTaskState.FAILED),
        _hosts("timedOutAssetCount", "Hosts: timed out", HostTaskState.TIMED_OUT),
        _hosts("missedAssetCount", "Hosts: missed", HostTaskState.MISSED),
        _hosts("notApplicableAssetCount", "Hosts: not applicable", HostTaskState.NOT_APPLICABLE),
        _hosts("skippedAssetCount", "Hosts: skipped", HostTaskState.SKIPPED),
        _hosts("canceledAssetCount", "Hosts: canceled", HostTaskState.CANCELED),
        _hosts("lostAssetCount", "Hosts: lost", HostTaskState.LOST, default=False),
    ),
)
