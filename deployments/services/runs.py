"""A run's life: opened, resolved into host tasks, closed."""

from datetime import datetime

from django.db.models import QuerySet

from core import events
from deployments import schedules
from deployments.models import HaltEnding, HostTask, Job, Run, Trigger
from deployments.reasons import Reason
from deployments.services import chains
from deployments.services.approvals import hold_unapproved
from deployments.services.facts import count_host_tasks, facts
from deployments.services.fanout import make_host_tasks
from deployments.services.freezing import freeze as freeze_run
from deployments.services.freezing import frozen_at
from deployments.services.halts import end_halt
from deployments.services.shares import share_to_tell
from deployments.services.snapshots import freeze, freeze_again
from deployments.services.waves import end_waves, make_waves, tell_progress
from deployments.states import JobState, RunState


def open_run(
    *,
    job: Job,
    trigger: Trigger,
    scheduled_for: datetime,
    at: datetime,
    parent_run: Run | None = None,
    retry_of: Run | None = None,
) -> Run:
    """Start a run of a job whose row the caller holds locked. It resolves as soon as a worker gets to it.

    Where a freeze or a pause holds the job back, it is frozen, and the tick looks after it.
    """
    job.last_instance += 1
    Job.objects.filter(pk=job.pk).update(last_instance=job.last_instance)
    run = Run(
        customer_id=job.customer_id,
        job=job,
        instance=job.last_instance,
        trigger=trigger,
        parent_run=parent_run,
        retry_of=retry_of,
        scheduled_for=scheduled_for,
        deadline=_deadline(job, trigger, scheduled_for),
        opened_at=at,
        state_changed_at=at,
    )
    if held := frozen_at(job, at=at):
        freeze_run(run, held)
    run.save()
    events.record(kind="run.frozen" if held else "run.opened", at=at, **run.event_ids())
    return run


def _deadline(job: Job, trigger: Trigger, start: datetime) -> datetime:
    """Outside of the schedule the window is the same everywhere."""
    if trigger == Trigger.SCHEDULE:
        return schedules.last_deadline_of(job, occurrence=start)
    return schedules.deadline_of(job, start=start)


def resolve(*, run_id: int, at: datetime) -> None:
    """Freeze the snapshot and make the host tasks. A run that is no longer pending is left alone."""
    # As in `close`: whoever deletes the job holds it when it comes to the run.
    Job.objects.select_for_update(of=("self",)).filter(runs=run_id).first()
    runs = Run.objects.select_for_update(of=("self",), no_key=True).select_related("job", "parent_run", "retry_of")
    run = runs.filter(pk=run_id).first()
    if run is None or run.state != RunState.PENDING:
        return
    if run.deadline <= at:
        run.move_to(RunState.MISSED, at=at, reason=Reason.WINDOW_OVER, finished_at=at)
        return
    snapshot = freeze_again(run.retry_of) if run.retry_of else freeze(run.job, at=at, parent_run=run.parent_run)
    run.snapshot = snapshot
    if hold_unapproved(run, at=at):
        return
    run.move_to(RunState.RESOLVING, at=at, snapshot=snapshot, tells_at_share=share_to_tell(snapshot["notification"]))
    if run.trigger == Trigger.SCHEDULE and (short := chains.gate(child=run.job)):
        run.move_to(RunState.SKIPPED, at=at, reason=Reason.PARENT_SHARE, note=short, finished_at=at)
        return
    make_host_tasks(run, at=at)
    make_waves(run, at=at)
    waits = chains.children_of(run).exists()
    run.move_to(RunState.RUNNING, at=at, started_at=at, children_wait=waits, told_as="started", data=facts(run))
    _tell_if_hosts_are_done(run, at=at)


def close(*, run_id: int, at: datetime) -> None:
    """End a run whose host tasks have all ended; any other is left alone. Deletes the job if it waited for this."""
    # Locks are taken in one order everywhere, job, run, host task: a deletion holds the job when it comes to the run.
    # Runs are locked without their keys: whoever writes to a host task twice asks for its run's key.
    Job.objects.select_for_update(of=("self",)).filter(runs=run_id).first()
    run = Run.objects.select_for_update(of=("self",), no_key=True).filter(pk=run_id).first()
    if run is None or run.is_final or run.state == RunState.PENDING or _open_tasks(run).exists():
        return
    counts = count_host_tasks(run)
    reason = Reason.DONE if counts else Reason.NO_HOSTS
    run.counts = counts
    data = facts(run) | {"counts": counts, "shareTold": run.share_told_at is not None}
    run.move_to(RunState.COMPLETED, at=at, reason=reason, finished_at=at, counts=counts, data=data)
    end_waves(run, at=at)
    end_halt(run, ending=HaltEnding.RUN_ENDED, at=at)
    delete_if_waiting(job_id=run.job_id, at=at)


def delete_if_waiting(*, job_id: int, at: datetime) -> None:
    """A job that was to be deleted once its runs had ended goes now, if they have."""
    job = Job.objects.select_for_update(of=("self",)).get(pk=job_id)
    if job.state == JobState.DELETING and not Run.objects.filter(job_id=job_id).open().exists():
        # Its runs have their snapshots; its tags, its calendars and its patch URL are free to go.
        job.move_to(JobState.DELETED, at=at, next_run_at=None, due_at=None, custom_patch_url=None)
        job.tag_links.all().delete()
        job.calendar_links.all().delete()


def tell_if_last(task: HostTask, *, at: datetime) -> None:
    """After a host task ended: wake the closing of its run if no other is open.

    Two that end at the same moment may each see the other still open; the sweep finds such a run.
    """
    _tell_if_hosts_are_done(task.run, at=at)
    tell_progress(task, at=at)


def _tell_if_hosts_are_done(run: Run, *, at: datetime) -> None:
    if not _open_tasks(run).exists():
        events.record(kind="run.hosts_done", at=at, **run.event_ids())


def _open_tasks(run: Run) -> QuerySet[HostTask]:
    return HostTask.objects.filter(run=run).open()
