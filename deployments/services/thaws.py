"""Frozen runs whose freeze has ended: they begin, if that is not too late, or are missed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from calendars.models import CustomerPause
from core.customer_context import acting_for, scheduling
from deployments import schedules
from deployments.due import last_start
from deployments.models import Job, Run, Trigger
from deployments.reasons import Reason
from deployments.services.clocks import clocks
from deployments.services.freezing import frozen_at
from deployments.states import RunState


def thaw_some(limit: int) -> None:
    """Look again at so many frozen runs whose time to do so has come, by the database's clock."""
    for customer_id, ids in _due(limit).items():
        for run_id in ids:
            with acting_for(customer_id):
                _thaw(run_id)


def look_again(*, customer_id: int, job: Job | None = None) -> None:
    """Let the next tick look at the customer's frozen runs, or those of one job: what holds them back has changed."""
    frozen = Run.objects.for_customer(customer_id).filter(state=RunState.FROZEN, resumes_at__gt=Now())
    if job is not None:
        frozen = frozen.filter(job=job)
    # Locked by key, as by everybody who takes several.
    ids = list(frozen.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    Run.objects.filter(pk__in=ids).update(resumes_at=Now())


def _due(limit: int) -> Mapping[int, Sequence[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    pauses = CustomerPause.objects.filter(customer_id=OuterRef("customer_id"))
    with scheduling():
        runs = Run.objects.filter(~Exists(pauses), state=RunState.FROZEN, resumes_at__lte=Now())
        for customer_id, pk in runs.order_by("resumes_at").values_list("customer_id", "pk")[:limit]:
            found[customer_id].append(pk)
    return found


def _thaw(run_id: int) -> None:
    """One that somebody else has at hand is left to the next tick."""
    jobs = Job.objects.filter(runs=run_id).annotate(now=Now())
    job: Any = jobs.select_for_update(skip_locked=True, of=("self",)).first()
    runs = Run.objects.select_for_update(of=("self",), no_key=True).filter(pk=run_id, state=RunState.FROZEN)
    run = runs.first() if job else None
    if run is None:
        return
    if held := frozen_at(job, at=job.now):
        Run.objects.filter(pk=run.pk).update(resumes_at=held.until, note=held.by)
    elif is_overtaken(run) or job.now > _last_start(job, run):
        run.move_to(RunState.MISSED, at=job.now, reason=Reason.FROZEN, finished_at=job.now, resumes_at=None)
    else:
        run.move_to(RunState.PENDING, at=job.now, resumes_at=None, note="", told_as="opened")


def is_overtaken(run: Run) -> bool:
    """Whether a later start came due while this one was held back: only the newest begins."""
    later = Run.objects.for_customer(run.customer_id).filter(job_id=run.job_id, trigger=Trigger.SCHEDULE)
    return run.trigger == Trigger.SCHEDULE and later.filter(scheduled_for__gt=run.scheduled_for).exists()


def _last_start(job: Job, run: Run) -> datetime:
    by_schedule = run.trigger == Trigger.SCHEDULE
    start = schedules.last_start_of(job, run.scheduled_for, clocks(job)) if by_schedule else run.scheduled_for
    return last_start(job, start=start, deadline=run.deadline)
