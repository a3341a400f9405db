"""The sweep: finds what a lost message or a silent agent left behind, keyed on when things were meant to happen."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Subquery

from core.customer_context import acting_for, scheduling
from deployments.models import HostTask, Run
from deployments.reasons import Reason
from deployments.services.children import start_reached, waiting_to_start
from deployments.services.freezing import any_held
from deployments.services.host_tasks import end
from deployments.services.runs import close
from deployments.services.shares import tell_share, waiting_to_tell
from deployments.services.waves import advance, going_on, tell_progress, wait_on, why_never
from deployments.states import HELD_HOST_TASKS, HostTaskState, RunState

BATCH = 1_000
_GOING = (RunState.RUNNING, RunState.PAUSED, RunState.HALTED)
_LEASED = (HostTaskState.LEASED, HostTaskState.RUNNING, HostTaskState.AWAITING_REBOOT, HostTaskState.VERIFYING)


def sweep(*, at: datetime) -> None:
    """Mark silent hosts as Lost, end what missed its start or its window, and look at runs: shares, waves, ends.

    Each customer's rows are changed in that customer's own context; finding them takes the narrow scheduler role.
    """
    for customer_id, ids in _by_customer(_expired_leases(at)):
        _lose(customer_id=customer_id, ids=ids, at=at)
    for customer_id, ids in _by_customer(_missed_starts(at)):
        _end_missed(customer_id=customer_id, ids=ids, at=at)
    for customer_id, ids in _by_customer(_past_deadline(at)):
        _end_overdue(customer_id=customer_id, ids=ids, at=at)
    for customer_id, ids in _by_customer(_unapproved_runs(at)):
        with acting_for(customer_id):
            waiting = Run.objects.filter(pk__in=ids, state=RunState.AWAITING_APPROVAL)
            for run in waiting.select_for_update(no_key=True):
                run.move_to(RunState.MISSED, at=at, reason=Reason.NOT_APPROVED, finished_at=at)
    for found, act in _EACH_RUN:
        for customer_id, ids in _by_customer(found()):
            with acting_for(customer_id):
                for run_id in ids:
                    act(run_id=run_id, at=at)


def _expired_leases(at: datetime) -> list[tuple[int, int]]:
    with scheduling():
        rows = HostTask.objects.filter(state__in=_LEASED, lease_until__lte=at).values_list("customer_id", "pk")
        return list(rows.order_by("lease_until")[:BATCH])


def _runs_in_waves() -> list[tuple[int, int]]:
    with scheduling():
        return going_on()


def _missed_starts(at: datetime) -> list[tuple[int, int]]:
    with scheduling():
        rows = HostTask.objects.filter(state=HostTaskState.PENDING, start_before__lte=at)
        return list(rows.values_list("customer_id", "pk").order_by("start_before")[:BATCH])


def _past_deadline(at: datetime) -> list[tuple[int, int]]:
    """What is held gets a lease's length more, since a report may be on its way, and who restarts all of its lease."""
    grace = at - timedelta(seconds=settings.HOST_LEASE_SECONDS)
    with scheduling():
        held = HostTask.objects.filter(state__in=HELD_HOST_TASKS, deadline__lte=grace).exclude(_restarting(at))
        return list(held.values_list("customer_id", "pk").order_by("deadline")[:BATCH])


def _unapproved_runs(at: datetime) -> list[tuple[int, int]]:
    with scheduling():
        runs = Run.objects.filter(state=RunState.AWAITING_APPROVAL, deadline__lte=at)
        return list(runs.values_list("customer_id", "pk").order_by("deadline")[:BATCH])


def _tellable_runs() -> list[tuple[int, int]]:
    with scheduling():
        return waiting_to_tell()


def _leading_runs() -> list[tuple[int, int]]:
    with scheduling():
        return waiting_to_start()


def _closable_runs() -> list[tuple[int, int]]:
    with scheduling():
        unfinished = HostTask.objects.filter(run_id=OuterRef("pk")).open()
        runs = Run.objects.filter(~Exists(unfinished), state__in=_GOING)
        return list(runs.values_list("customer_id", "pk").order_by("pk")[:BATCH])


_EACH_RUN = (
    (_tellable_runs, tell_share),
    (_leading_runs, start_reached),
    (_closable_runs, close),
    (_runs_in_waves, advance),
)


def _lose(*, customer_id: int, ids: list[int], at: datetime) -> None:
    with acting_for(customer_id):
        for task in _locked(ids).filter(state__in=_LEASED, lease_until__lte=at):
            task.move_to(HostTaskState.LOST, at=at)
            tell_progress(task, at=at)


def _end_missed(*, customer_id: int, ids: list[int], at: datetime) -> None:
    """A host that waits for something else than itself waits on inside its window; any other has missed its start."""
    with acting_for(customer_id):
        held = HostTask.objects.filter(asset_id=OuterRef("asset_id")).held()
        missed = _locked(ids).filter(state=HostTaskState.PENDING, start_before__lte=at)
        tasks = list(missed.annotate(held_by=Subquery(held.values("run__job_id"))))
        frozen = any_held({task.run.job for task in tasks}, at=at) if tasks else set()
        waiting = wait_on([task for task in tasks if task.run.job_id not in frozen], at=at)
        for task in tasks:
            if task.pk in waiting:
                continue
            if task.run.state == RunState.HALTED:
                end(task, state=HostTaskState.MISSED, reason=Reason.RUN_HALTED, at=at)
            elif task.run.state != RunState.RUNNING:
                end(task, state=HostTaskState.MISSED, reason=Reason.RUN_PAUSED, at=at)
            elif task.run.job_id in frozen:
                end(task, state=HostTaskState.MISSED, reason=Reason.FROZEN, at=at)
            elif task.deadline <= at:
                end(task, state=HostTaskState.MISSED, reason=why_never(task), at=at)
            elif task.held_by is None:
                end(task, state=HostTaskState.MISSED, reason=Reason.HOST_AWAY, at=at)
            elif task.held_by == task.run.job_id:
                end(task, state=HostTaskState.MISSED, reason=Reason.EARLIER_RUN, at=at)
            else:
                HostTask.objects.filter(pk=task.pk).update(start_before=F("deadline"))


def _end_overdue(*, customer_id: int, ids: list[int], at: datetime) -> None:
    with acting_for(customer_id):
        for task in _locked(ids).held().exclude(_restarting(at)):
            end(task, state=HostTaskState.TIMED_OUT, reason=Reason.WINDOW_OVER, at=at)


def _restarting(at: datetime) -> Q:
    return Q(state=HostTaskState.AWAITING_REBOOT, lease_until__gt=at)


def _locked(ids: list[int]) -> Any:
    """Rows that an agent's report holds just now are left for the next sweep."""
    tasks = HostTask.objects.filter(pk__in=ids)
    return tasks.select_related("run__job").select_for_update(skip_locked=True, of=("self",))


def _by_customer(rows: Iterable[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    ordered = sorted(rows)
    return [(customer_id, [pk for _, pk in group]) for customer_id, group in groupby(ordered, key=itemgetter(0))]
