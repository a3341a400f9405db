"""A row for each host of a job's runs; and what all rows about a host of a run share."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from deployments.models import HostTask, Run
from deployments.services import results
from deployments.services.results import TO_COME, TO_RESTART, TO_VERIFY, UNDER_WAY, HostResults
from deployments.statuses import CODES, ActionResult, PatchResult
from deployments.tokens import HOST_TOKENS
from inventory.models import Asset
from reports.models import Report, ReportKind, ReportSection
from reports.sections.columns import PAGE, Column, ColumnType, Pages, Section, condition, seconds

_RESULTS = "results"
_NOTHING = HostResults()
_READ = (
    *("run_id", "asset_id", "customer_id", "state", "state_changed_at", "reason", "start_at", "deadline", "attempt"),
    *("started_at", "finished_at"),
)
_READ_OF_ASSETS = (
    *("public_id", "number", "name", "operating_system", "os_identifier", "os_version", "architecture", "timezone"),
    *("last_logged_on_user", "scanned_at", "package_manager"),
)


@dataclass(frozen=True, slots=True)
class HostRow:
    """A host of a run, as `deployments.services.results.hosts` has it, and what became of its patches and actions."""

    run: Run
    task: Any
    found: HostResults = field(default_factory=HostResults)

    @property
    def duration(self) -> int | None:
        """In whole seconds, from its start to its end."""
        return seconds(self.task.started_at, self.task.finished_at)


def tasks_by_page(report: Report, *, page: int = PAGE) -> Iterator[tuple[Run, list[Any]]]:
    """The host tasks of the report's run, or of all runs of its job: run by run, and in each by the asset's key, which
    an index has in this order."""
    wanted = condition(report, HOST_TOKENS)
    assets = Asset.objects.for_customer(report.customer_id).only(*_READ_OF_ASSETS)
    for run_id in _runs(report):
        run = Run.objects.for_customer(report.customer_id).select_related("job").get(pk=run_id)
        # Not joined: a merge join would read all assets before the page's once more for every page.
        tasks = results.hosts(run).select_related(None).filter(wanted).only(*_READ).order_by("asset_id")
        tasks = tasks.prefetch_related(Prefetch("asset", assets))
        last = 0
        while found := list(tasks.filter(asset_id__gt=last)[:page]):
            yield run, found
            last = found[-1].asset_id


def _runs(report: Report) -> list[int]:
    """Keys of the runs that have hosts, the first one first."""
    runs: QuerySet[Run] = Run.objects.for_customer(report.customer_id).filter(job=report.job_id)
    if report.run_id is not None:
        runs = runs.filter(pk=report.run_id)
    hosts = HostTask.objects.for_customer(report.customer_id).filter(run=OuterRef("pk"))
    return list(runs.filter(Exists(hosts)).order_by("instance").values_list("pk", flat=True))


def _pages(report: Report, needs: frozenset[str]) -> Pages:
    for run, tasks in tasks_by_page(report):
        found = results.results_of_hosts(run, tasks) if _RESULTS in needs else {}
        yield [HostRow(run, task, found.get(task.pk, _NOTHING)) for task in tasks]


_NUMBER, _INSTANT, _BOOLEAN = ColumnType.NUMBER, ColumnType.INSTANT, ColumnType.BOOLEAN

# Of every row about a host of a run.
OF_RUN_AND_HOST = (
    Column("jobName", "Job", lambda row: row.run.job.name),
    Column("jobId", "Job ID", lambda row: row.run.job.public_id, default=False),
    Column("jobInstanceId", "Run", lambda row: row.run.instance, _NUMBER),
    Column("runStatus", "Run status", lambda row: row.run.state, default=False),
    Column("runScheduledDateTime", "Run scheduled for", lambda row: row.run.scheduled_for, _INSTANT, default=False),
    Column("assetName", "Asset", lambda row: row.task.asset.name),
    Column("assetId", "Asset ID", lambda row: row.task.asset.public_id),
    Column("assetNumber", "Asset number", lambda row: row.task.asset.number, _NUMBER, default=False),
    Column("operatingSystem", "Operating system", lambda row: row.task.asset.operating_system),
)


def _patches(key: str, title: str, first: str, *others: str, default: bool = True) -> Column:
    """How many patches of a host ended so, or wait for that."""

    def value(row: HostRow) -> int:
        counts = row.found.patches
        return sum([counts.get(one, 0) for one in others], counts.get(first, 0))

    return Column(key, title, value, _NUMBER, needs=_RESULTS, default=default)


def _actions(key: str, title: str, first: str, *others: str) -> Column:
    """How many actions of a host ended so."""

    def value(row: HostRow) -> int:
        counts = row.found.actions
        return sum([counts.get(one, 0) for one in others], counts.get(first, 0))

    return Column(key, title, value, _NUMBER, needs=_RESULTS)


HOSTS = Section(
    name=ReportSection.HOSTS,
    kind=ReportKind.JOB_PROGRESS,
    tokens=HOST_TOKENS,
    pages=_pages,
    columns=(
        *OF_RUN_AND_HOST,
        Column("osIdentifier", "OS identifier", lambda row: row.task.asset.os_identifier, default=False),
        Column("version", "OS version", lambda row: row.task.asset.os_version, default=False),
        Column("architecture", "Architecture", lambda row: row.task.asset.architecture, default=False),
        Column("timezone", "Time zone", lambda row: row.task.asset.timezone, default=False),
        Column("lastLoggedOnUser", "Last logged on user", lambda row: row.task.asset.last_logged_on_user),
        Column("scanDateTime", "Scanned", lambda row: row.task.asset.scanned_at, _INSTANT, default=False),
        Column("status", "Status", lambda row: row.task.status_),
        Column("statusCode", "Status code", lambda row: CODES[row.task.status_], _NUMBER),
        Column("statusDateTime", "Status since", lambda row: row.task.state_changed_at, _INSTANT),
        Column("state", "State", lambda row: row.task.state, default=False),
        Column("reason", "Reason", lambda row: row.task.reason),
        Column("reasonText", "Reason in words", lambda row: row.task.sentence),
        Column("scheduledDateTime", "Scheduled start", lambda row: row.task.start_at, _INSTANT, default=False),
        Column("deadline", "Deadline", lambda row: row.task.deadline, _INSTANT, default=False),
        Column("startDateTime", "Start", lambda row: row.task.started_at, _INSTANT),
        Column("endDateTime", "End", lambda row: row.task.finished_at, _INSTANT),
        Column("duration", "Duration (seconds)", lambda row: row.duration, _NUMBER),
        Column("attempt", "Attempt", lambda row: row.task.attempt, _NUMBER, default=False),
        _patches("totalPatchCount", "Patches", *PatchResult.values, TO_COME, UNDER_WAY, TO_RESTART, TO_VERIFY),
        _patches("successPatches", "Patches: success", PatchResult.SUCCESS),
        _patches("installedPatches", "Patches: already installed", PatchResult.INSTALLED),
        _patches("failedPatches", "Patches: failed", PatchResult.FAILED),
        _patches("skipPatchCount", "Patches: skipped", PatchResult.SKIPPED),
        _patches("supersededPatches", "Patches: superseded", PatchResult.SUPERSEDED),
        _patches("notApplicablePatches", "Patches: not applicable", PatchResult.NOT_APPLICABLE),
        _patches("pendingPatches", "Patches: pending", TO_COME, UNDER_WAY, TO_RESTART, TO_VERIFY),
        _patches("pendingReboot", "Patches: pending reboot", TO_RESTART, default=False),
        _actions("successfulActionsCount", "Actions: success", ActionResult.SUCCEEDED),
        _actions("failedActionsCount", "Actions: failed", ActionResult.FAILED, ActionResult.PARTIAL),
        _actions("skippedActionsCount", "Actions: skipped", ActionResult.SKIPPED),
        Column(
            "pendingForRebootInAnotherJob",
            "Waits for a restart of another job",
            lambda row: row.task.restarting_ is not None,
            _BOOLEAN,
            default=False,
        ),
    ),
)
