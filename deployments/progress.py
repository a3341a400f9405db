"""How far jobs have come: what became of their newest runs, as lists show it and are filtered by it.

A run succeeded if it is Completed and no host of it failed, timed out or was missed. It failed if it is Completed and
one did, or if it is Missed or Canceled. A run that was Skipped or Frozen did neither: nothing was tried.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Coalesce, NullIf

from deployments.models import HostTask, Job, Run
from deployments.states import FINAL_HOST_TASKS, FINAL_RUNS, HostTaskState, RunState

Counts: TypeAlias = Mapping[str, int]

BAD_HOSTS = [HostTaskState.FAILED.value, HostTaskState.TIMED_OUT.value, HostTaskState.MISSED.value]
_IDLE_HOSTS = frozenset({HostTaskState.NOT_APPLICABLE.value, HostTaskState.SKIPPED.value})
_SOME_BAD_HOST = Q(counts__has_any_keys=BAD_HOSTS)

SUCCEEDED = Q(state=RunState.COMPLETED) & ~_SOME_BAD_HOST
FAILED = Q(state=RunState.COMPLETED) & _SOME_BAD_HOST | Q(state__in=[RunState.MISSED, RunState.CANCELED])
GOING = ~Q(state__in=sorted({*FINAL_RUNS, RunState.AWAITING_APPROVAL, RunState.FROZEN}))


class Outcome(TextChoices):
    """What became of a job's newest run, in the words that lists of jobs are filtered by."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"


RUNS_WITH: Mapping[Outcome, Q] = {Outcome.RUNNING: GOING, Outcome.COMPLETED: SUCCEEDED, Outcome.FAILED: FAILED}


def newest_run() -> QuerySet[Run]:
    """The newest run of the job that OuterRef stands for. Served by `one_run_per_instance_of_a_job`."""
    return Run.objects.filter(
        customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"), instance=OuterRef("last_instance")
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """A run with how many of its hosts are in which state at this moment."""

    run: Run
    counts: Counts

    @property
    def hosts(self) -> int:
        """How many hosts it has, those with nothing to do among them."""
        return sum(self.counts.values())

    @property
    def applicable(self) -> int:
        """How many of them have something to do."""
        return sum(hosts for state, hosts in self.counts.items() if state not in _IDLE_HOSTS)

    @property
    def ended(self) -> int:
        """How many of them have ended."""
        return sum(hosts for state, hosts in self.counts.items() if state in FINAL_HOST_TASKS)

    @property
    def percent(self) -> int:
        """The share of hosts that have ended, rounded down."""
        return 100 * self.ended // self.hosts if self.hosts else (100 if self.run.is_final else 0)


def newest(jobs: Iterable[Job]) -> dict[int, Progress]:
    """The newest run of each job that has one, by the job's key: two queries however many jobs there are."""
    runs = Run.objects.filter(job__in=[job.pk for job in jobs if job.last_instance], instance=F("job__last_instance"))
    return {one.run.job_id: one for one in progress_of(list(runs.defer("snapshot")))}


def progress_of(runs: Iterable[Run]) -> list[Progress]:
    """The runs with their hosts counted, by one query for those that are still going."""
    listed = list(runs)
    live = _count_hosts([run for run in listed if not run.is_final])
    return [Progress(run, run.counts if run.is_final else live.get(run.pk, {})) for run in listed]


def _count_hosts(runs: list[Run]) -> dict[int, dict[str, int]]:
    if not runs:
        return {}
    tasks = HostTask.objects.for_customer(runs[0].customer_id).filter(run__in=[run.pk for run in runs])
    counts: dict[int, dict[str, int]] = {}
    for run_id, state, hosts in tasks.order_by("run_id", "state").values_list("run_id", "state").annotate(Count("pk")):
        counts.setdefault(run_id, {})[state] = hosts
    return counts


# --- the same as columns of runs, for queries -------------------------------------------------------------------------


def _hosts(**of: Any) -> Coalesce:
    tasks = HostTask.objects.filter(customer_id=OuterRef("customer_id"), run_id=OuterRef("pk"), **of)
    counted = tasks.order_by().values("run_id").annotate(count_=Count("pk")).values("count_")
    return Coalesce(Subquery(counted), 0, output_field=IntegerField())


HOSTS = _hosts()
ENDED_HOSTS = _hosts(state__in=sorted(FINAL_HOST_TASKS))
APPLICABLE_HOSTS = HOSTS - _hosts(state__in=sorted(_IDLE_HOSTS))
PERCENT = Case(
    When(state__in=sorted(FINAL_RUNS), then=Value(100)),
    default=Coalesce(ENDED_HOSTS * 100 / NullIf(HOSTS, 0), 0),
    output_field=IntegerField(),
)
