"""On how many hosts of a run the same went wrong: grouped by what failed and by what its output comes to."""

from collections.abc import Mapping
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from deployments.models import HostTask, Run, Step
from deployments.services.results import steps_of
from deployments.states import BAD_STEPS, HostTaskState

# Of a run, so many groups are told; of a group, so many hosts are named.
MOST_GROUPS = 100
MOST_NAMED = 5

FAILED_STATES = (HostTaskState.FAILED, HostTaskState.TIMED_OUT, HostTaskState.MISSED)

_BY_NAME = ["host_task__asset__name", "host_task__asset_id"]

Group = Mapping[str, Any]


def failures_of(run: Run) -> list[Group]:
    """The groups of hosts that failed, those of most hosts first: by the first step that went wrong there, or by the
    host's reason alone where none did. Two queries, whatever the run's size; every failed host is in one group.

    Each has `reason`, `kind`, `stage`, `title`, `step_reason`, `exit_code`, `cause`, `hosts` and `assets`, the public
    ids of the first few.
    """
    groups = [*_by_step(run), *_by_reason(run)]
    return sorted(groups, key=lambda group: (-group["hosts"], group["reason"], group["title"], group["cause"]))[
        :MOST_GROUPS
    ]


def _bad_steps(run: Run) -> QuerySet[Step]:
    """Also those that their agent called done, and the closing scan did not bear out."""
    bad: QuerySet[Step] = steps_of(run).filter(Q(state__in=sorted(BAD_STEPS)) | Q(verified=False))
    return bad.filter(host_task__state__in=FAILED_STATES)


def _by_step(run: Run) -> list[Group]:
    first = _bad_steps(run).order_by("host_task_id", "number").distinct("host_task_id").values("pk")
    rows = Step.objects.for_customer(run.customer_id).filter(pk__in=first).order_by()
    counted = rows.values("host_task__reason", "kind", "stage", "title", "reason", "exit_code", "cause").annotate(
        hosts=Count("pk"),
        all_=ArrayAgg("host_task__asset__public_id", order_by=_BY_NAME),
    )
    return [
        {
            "reason": row["host_task__reason"],
            "kind": row["kind"],
            "stage": row["stage"],
            "title": row["title"],
            "step_reason": row["reason"],
            "exit_code": row["exit_code"],
            "cause": row["cause"],
            "hosts": row["hosts"],
            "assets": row["all_"][:MOST_NAMED],
        }
        for row in counted.order_by("-hosts")[:MOST_GROUPS]
    ]


def _by_reason(run: Run) -> list[Group]:
    tasks = HostTask.objects.for_customer(run.customer_id).filter(run=run, state__in=FAILED_STATES)
    bad = _bad_steps(run).filter(host_task=OuterRef("pk"))
    counted = (
        tasks.filter(~Exists(bad))
        .order_by()
        .values("reason")
        .annotate(hosts=Count("pk"), all_=ArrayAgg("asset__public_id", order_by=["asset__name", "asset_id"]))
    )
    nothing = {"kind": "", "stage": "", "title": "", "step_reason": "", "exit_code": None, "cause": ""}
    return [
        {"reason": row["reason"], **nothing, "hosts": row["hosts"], "assets": row["all_"][:MOST_NAMED]}
        for row in counted
    ]
