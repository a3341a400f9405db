"""The history of a job, as the wire contract has it. Shape only."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Count, QuerySet

from core.instants import milliseconds
from deployments import progress, schedules
from deployments.models import HistoryStrategy, Job, Run, TimezoneType
from scheduling.sentences import sentence


def run_id(job: Job, run: Run) -> UUID:
    """A name for a run that stays the same and is nobody else's; our own numbers stay ours."""
    return uuid5(job.public_id, str(run.instance))


def totals(job: Job, runs: QuerySet[Run]) -> dict[str, Any]:
    """What became of all runs of a job, by two queries."""
    counts = runs.aggregate(
        total=Count("pk"),
        succeeded=Count("pk", filter=progress.SUCCEEDED),
        failed=Count("pk", filter=progress.FAILED),
    )
    tried = counts["succeeded"] + counts["failed"]
    share = round(100 * counts["succeeded"] / tried) if tried else 0
    return {
        "jobHistoryTotal": counts["total"],
        "jobHistorySuccessCount": counts["succeeded"],
        "jobHistoryFailCount": counts["failed"],
        "jobHistorySucPercentage": share,
        "jobHistoryFailPercentage": 100 - share if tried else 0,
        "jobLastRunStatus": runs.order_by("-instance").values_list("state", flat=True).first(),
        "jobNextRunTime": milliseconds(job.due_at),
    }


def history_rows(job: Job, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Runs of one job; those still going are counted by one query."""
    frequency = sentence(schedules.rule_of(job), None if job.timezone_type == TimezoneType.AGENT else job.timezone)
    return [
        {
            "jobRunId": str(run_id(job, one.run)),
            "jobInstanceId": one.run.instance,
            "jobStartTime": milliseconds(one.run.started_at),
            "jobEndTime": milliseconds(one.run.finished_at),
            "jobDuration": _duration(one.run),
            "executionFrequency": frequency,
            "executionStatus": one.run.state,
            "completeHistory": job.history_strategy == HistoryStrategy.FULL,
            "trigger": one.run.trigger,
            "counts": dict(one.counts),
        }
        for one in progress.progress_of(runs)
    ]


def _duration(run: Run) -> int | None:
    start, end = milliseconds(run.started_at), milliseconds(run.finished_at)
    return None if start is None or end is None else end - start
