"""Halts: a run of which too much failed stands still until a person resumes or cancels it."""

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from deployments.models import HaltEnding, HostTask, Run, RunHalt
from deployments.services.facts import count_host_tasks, facts
from deployments.services.rollouts import rollout_of
from deployments.states import FAILED_HOST_TASKS, FINAL_HOST_TASKS, HostTaskState, RunState
from tenants.models import User

_FAILED = Q(state__in=sorted(FAILED_HOST_TASKS))
# Hosts that did their work to an end, and those that were lost with it: a host that never began says nothing.
_TRIED = _FAILED | Q(state__in=sorted(FINAL_HOST_TASKS - {HostTaskState.CANCELED, HostTaskState.MISSED}))


def may_halt(task: HostTask) -> bool:
    """Whether the end of this host may be what halts its run, without counting them all.

    One more that did well only makes the rate lower, unless it is the one with which enough were tried.
    """
    rollout = rollout_of(task.run.snapshot)
    if rollout is None or rollout.halt_percent is None:
        return False
    if task.state in FAILED_HOST_TASKS:
        return True
    return _any_failed(task.run) and _tried(task.run)[: rollout.min_sample + 1].count() <= rollout.min_sample


def halt_if_failing(run: Run, *, at: datetime) -> bool:
    """Halt a run that is going, and locked, if its rule says so. Whether it did."""
    rollout = rollout_of(run.snapshot)
    if rollout is None or rollout.halt_percent is None or not _any_failed(run):
        return False
    failed, sampled = figures(run)
    if sampled < rollout.min_sample or failed == 0 or 100 * failed < rollout.halt_percent * sampled:
        return False
    halt = RunHalt.objects.create(
        customer_id=run.customer_id,
        run=run,
        halted_at=at,
        wave=run.open_wave or 0,
        failed=failed,
        sampled=sampled,
        percent=rollout.halt_percent,
        min_sample=rollout.min_sample,
    )
    data = facts(run) | {"counts": count_host_tasks(run), "why": halt.why, "failed": failed, "sampled": sampled}
    run.move_to(RunState.HALTED, at=at, note=halt.why, data=data)
    return True


def figures(run: Run) -> tuple[int, int]:
    """How many hosts failed, and how many were tried, since the run began or was last resumed after a halt."""
    counted = _tried(run).aggregate(failed=Count("pk", filter=_FAILED), sampled=Count("pk"))
    return counted["failed"], counted["sampled"]


def end_halt(run: Run, *, ending: HaltEnding, at: datetime, by: User | None = None) -> None:
    """Note what became of the run's halt, if it has one that goes on."""
    run.halts.filter(ended_at=None).update(ended_at=at, ending=ending, ended_by=by)


def _tried(run: Run) -> QuerySet[HostTask]:
    return _since(run).filter(_TRIED, attempt__gt=0)


def _any_failed(run: Run) -> bool:
    """Served by the partial index `host_task_failed`."""
    return _since(run).filter(_FAILED, wave__isnull=False).exists()


def _since(run: Run) -> QuerySet[HostTask]:
    """Hosts that came to where they stand since the run began, or was last resumed after a halt."""
    tasks = HostTask.objects.filter(run=run)
    return tasks if run.sample_from is None else tasks.filter(state_changed_at__gt=run.sample_from)
