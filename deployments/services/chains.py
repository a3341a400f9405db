"""Chained jobs: whether enough hosts of the parent's run did the post-actions that a child waits for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from deployments.models import HostTask, Job, JobQuerySet, Run, ScheduleType, Stage, StepKind
from deployments.states import HostTaskState, JobState, StepState

# Hosts that had nothing to do do not count.
_UNCOUNTED = (HostTaskState.NOT_APPLICABLE, HostTaskState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Share:
    """How many hosts of a parent's run did all actions of a rule, of how many that count; and the rule's percentage."""

    hosts: int
    of: int
    threshold: int

    def reached(self) -> bool:
        """By whole hosts, without rounding; a run without hosts reaches nothing."""
        return self.of > 0 and 100 * self.hosts >= self.threshold * self.of

    def __str__(self) -> str:
        return f"{self.hosts} of {self.of} hosts; {self.threshold} % are needed"


def children_of(run: Run) -> JobQuerySet:
    """The jobs that wait for what this run's hosts do."""
    children: JobQuerySet = Job.objects.filter(
        linked_job_id=run.job_id, state=JobState.ENABLED, schedule_type=ScheduleType.ON_DEMAND
    ).exclude(chained_job_rule=None)
    return children


def shares(*, child: Job, run: Run) -> list[Share]:
    """One for each of the child's rules, by one query each."""
    tasks = HostTask.objects.for_customer(run.customer_id).filter(run=run).exclude(state__in=_UNCOUNTED)
    total = tasks.count()
    ids = [UUID(action["actionId"]) for action in run.snapshot.get("actions", ()) if action["stage"] == Stage.POST]
    return [
        Share(_that_did(tasks, _named(rule["actionIds"], ids)), total, rule["threshold"])
        for rule in child.chained_job_rule or ()
    ]


def gate(*, child: Job) -> str | None:
    """Why a child with a schedule of its own may not start now, in figures; None where it may."""
    if not child.chained_job_rule or child.linked_job_id is None:
        return None
    newest = Run.objects.filter(job_id=child.linked_job_id, started_at__isnull=False).order_by("-pk").first()
    if newest is None:
        return "the linked job has not run yet"
    return shortfall(shares(child=child, run=newest), run=newest)


def shortfall(reached: Iterable[Share], *, run: Run) -> str | None:
    """The figures of the first rule that does not hold; None where all do."""
    short = next((share for share in reached if not share.reached()), None)
    return None if short is None else f"run {run.instance} of the linked job: {short}"


def _named(wanted: Iterable[Any], ids: list[UUID]) -> list[UUID] | None:
    """The parent's actions that a rule names; None where one is not among them (any more)."""
    found = []
    for one in wanted:
        if isinstance(one, int):
            if one > len(ids):
                return None
            found.append(ids[one - 1])
        elif UUID(one) in ids:
            found.append(UUID(one))
        else:
            return None
    return found


def _that_did(tasks: QuerySet[HostTask], actions: list[UUID] | None) -> int:
    """Hosts on which all these actions ended well in the newest attempt."""
    if actions is None:
        return 0
    done = Count(
        "steps__action_id",
        distinct=True,
        filter=Q(
            steps__kind=StepKind.ACTION,
            steps__state=StepState.SUCCEEDED,
            steps__action_id__in=actions,
            steps__attempt=F("attempt"),
        ),
    )
    return int(tasks.annotate(done=done).filter(done=len(set(actions))).count())
