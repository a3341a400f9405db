"""A row for each patch, or each action, on each host of a job's runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from deployments.models import Run, StepKind
from deployments.services import results
from deployments.services.results import TO_COME, TO_RESTART, TO_VERIFY, UNDER_WAY
from deployments.tokens import HOST_TOKENS
from inventory.models import Platform
from reports.models import Report, ReportKind, ReportSection
from reports.sections.columns import PAGE, Column, ColumnType, Pages, Section, seconds
from reports.sections.hosts import OF_RUN_AND_HOST, tasks_by_page

# A host may have thousands of steps: so few hosts at a time, and the steps of these by the page.
_HOSTS = 500
_NUMBER, _INSTANT, _BOOLEAN = ColumnType.NUMBER, ColumnType.INSTANT, ColumnType.BOOLEAN
_PENDING = {
    TO_COME: "Pending",
    UNDER_WAY: "Executing",
    TO_RESTART: "Pending Reboot",
    TO_VERIFY: "Pending Verification",
}
_READ = (
    *("host_task_id", "number", "stage", "title", "action_id", "patch_id", "state", "reason", "exit_code"),
    *("from_version", "to_version", "started_at", "finished_at", "verified", "patch__public_id", "patch__kb"),
    *("patch__package", "patch__version", "patch__severity", "patch__category", "patch__bulletin", "patch__vendor"),
)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a host of a run."""

    run: Run
    task: Any
    step: Any

    @property
    def result(self) -> str:
        """How it ended, or what it waits for."""
        result: str = self.step.result
        return _PENDING.get(result, result)

    def of_patch(self, name: str) -> Any:
        """What the catalogue says of the patch; nothing where it has forgotten it."""
        return getattr(self.step.patch, name, None)


def _pages_of(kind: StepKind) -> Any:
    def pages(report: Report, needs: frozenset[str]) -> Pages:
        for run, tasks in tasks_by_page(report, page=_HOSTS):
            by_key = {task.pk: task for task in tasks}
            for steps in _steps(run, list(by_key), kind):
                yield [StepRow(run, by_key[step.host_task_id], step) for step in steps]

    return pages


def _steps(run: Run, task_ids: list[int], kind: StepKind) -> Iterator[list[Any]]:
    """The steps of these hosts' newest attempts, by host and in the order of work, as their index has them."""
    result = results.patch_result(run) if kind == StepKind.PATCH else results.action_result()
    steps: QuerySet[Any] = (
        results.steps_of(run)
        .filter(host_task__in=task_ids, kind=kind)
        .select_related("patch")
        .only(*_READ)
        .annotate(result=result)
        .order_by("host_task_id", "number")
    )
    rest = Q()
    while found := list(steps.filter(rest)[:PAGE]):
        yield found
        last = found[-1]
        rest = Q(host_task_id__gt=last.host_task_id) | Q(host_task_id=last.host_task_id, number__gt=last.number)


_OF_STEP = (
    Column("status", "Status", lambda row: row.result),
    Column("reason", "Reason", lambda row: row.step.reason),
    Column("exitCode", "Exit code", lambda row: row.step.exit_code, _NUMBER),
    Column("startDateTime", "Start", lambda row: row.step.started_at, _INSTANT),
    Column("endDateTime", "End", lambda row: row.step.finished_at, _INSTANT),
    Column("duration", "Duration (seconds)", lambda row: seconds(row.step.started_at, row.step.finished_at), _NUMBER),
    Column("hostStatus", "Host status", lambda row: row.task.status_, default=False),
    Column("step", "Step", lambda row: row.step.number, _NUMBER, default=False),
)

PATCHES = Section(
    name=ReportSection.PATCHES,
    kind=ReportKind.JOB_PROGRESS,
    tokens=HOST_TOKENS,
    pages=_pages_of(StepKind.PATCH),
    columns=(
        *OF_RUN_AND_HOST,
        Column("patchTitle", "Patch", lambda row: row.step.title),
        Column("patchId", "Patch ID", lambda row: row.of_patch("public_id")),
        Column("kb", "KB", lambda row: row.of_patch("kb"), platform=Platform.WINDOWS),
        Column("bulletin", "Bulletin", lambda row: row.of_patch("bulletin"), platform=Platform.WINDOWS, default=False),
        Column("package", "Package", lambda row: row.of_patch("package"), platform=Platform.LINUX),
        Column("vendor", "Vendor", lambda row: row.of_patch("vendor"), default=False),
        Column("category", "Category", lambda row: row.of_patch("category"), default=False),
        Column("vendorSeverity", "Vendor severity", lambda row: row.of_patch("severity")),
        *_OF_STEP,
        Column("fromVersion", "From version", lambda row: row.step.from_version, platform=Platform.LINUX),
        Column("toVersion", "To version", lambda row: row.step.to_version, platform=Platform.LINUX),
        Column("verified", "Shown by the closing scan", lambda row: row.step.verified, _BOOLEAN),
    ),
)
ACTIONS = Section(
    name=ReportSection.ACTIONS,
    kind=ReportKind.JOB_PROGRESS,
    tokens=HOST_TOKENS,
    pages=_pages_of(StepKind.ACTION),
    columns=(
        *OF_RUN_AND_HOST,
        Column("actionName", "Action", lambda row: row.step.title),
        Column("actionId", "Action ID", lambda row: row.step.action_id),
        Column("actionType", "Before or after the patches", lambda row: row.step.stage),
        *_OF_STEP,
    ),
)
