"""On-demand children of a linked job: each run of the parent starts them once, or says why not.

A child starts as soon as enough hosts of the parent's run did what it waits for, and at the run's end at the latest.
"""

from datetime import datetime

from deployments.models import Job, Run, Trigger
from deployments.reasons import Reason
from deployments.services.chains import children_of, shares, shortfall
from deployments.services.runs import open_run
from deployments.states import RunState


def start_children(*, run_id: int, at: datetime) -> None:
    """After a run has ended: open the runs of the children whose rules it meets; the others' are Skipped, with figures.

    Once per run of the parent and child, however often it is called.
    """
    run = Run.objects.get(pk=run_id)
    for child in _not_started(run):
        started = _open(child, run, at=at)
        if short := shortfall(shares(child=child, run=run), run=run):
            started.move_to(RunState.SKIPPED, at=at, reason=Reason.PARENT_SHARE, note=short, finished_at=at)


def start_reached(*, run_id: int, at: datetime) -> None:
    """While a run is going: open the runs of the children whose rules it meets already."""
    run = Run.objects.get(pk=run_id)
    waiting = _not_started(run)
    for child in waiting:
        if shortfall(shares(child=child, run=run), run=run) is None:
            _open(child, run, at=at)
            waiting = [one for one in waiting if one is not child]
    if not waiting:
        Run.objects.filter(pk=run_id).update(children_wait=False)


def waiting_to_start() -> list[tuple[int, int]]:
    """(customer, run) of the runs that go on and whose children wait. Served by `run_children_wait`."""
    runs = Run.objects.open().filter(children_wait=True, state=RunState.RUNNING)
    return list(runs.order_by("pk").values_list("customer_id", "pk")[:1_000])


def _not_started(run: Run) -> list[Job]:
    """Children that this run has not started, locked: the look at what they have and the opening are one step."""
    locked = list(children_of(run).select_for_update(of=("self",)).order_by("pk"))
    started = set(run.started_runs.values_list("job_id", flat=True))
    return [child for child in locked if child.pk not in started]


def _open(child: Job, run: Run, *, at: datetime) -> Run:
    return open_run(job=child, trigger=Trigger.PARENT, scheduled_for=at, at=at, parent_run=run)
