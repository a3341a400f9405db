"""On-demand children of a linked job: each run of the parent starts them once, or says why not."""

from datetime import datetime

from deployments.models import Job, Run, ScheduleType, Trigger
from deployments.reasons import Reason
from deployments.services.chains import shares, shortfall
from deployments.services.runs import open_run
from deployments.states import JobState, RunState


def start_children(*, run_id: int, at: datetime) -> None:
    """After a run has ended: open the runs of the children whose rules it meets; the others' are Skipped, with figures.

    Once per run of the parent and child, however often it is called.
    """
    run = Run.objects.get(pk=run_id)
    children = Job.objects.filter(
        linked_job_id=run.job_id, state=JobState.ENABLED, schedule_type=ScheduleType.ON_DEMAND
    ).exclude(chained_job_rule=None)
    # The lock on the child makes the look and the opening one step.
    for child in children.select_for_update(of=("self",)).order_by("pk"):
        if not child.runs.filter(parent_run=run).exists():
            _start(child, run, at=at)


def _start(child: Job, run: Run, *, at: datetime) -> None:
    started = open_run(job=child, trigger=Trigger.PARENT, scheduled_for=at, at=at, parent_run=run)
    if short := shortfall(shares(child=child, run=run), run=run):
        started.move_to(RunState.SKIPPED, at=at, reason=Reason.PARENT_SHARE, note=short, finished_at=at)
