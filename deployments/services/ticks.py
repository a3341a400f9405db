"""The tick: settles what has come due. Any number of workers may tick at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from core import events
from core.customer_context import acting_for, scheduling
from core.models import Event, Heartbeat
from deployments import due, schedules
from deployments.due import GRACE, Due
from deployments.models import Job, Run, TimezoneType, Trigger
from deployments.reasons import Reason
from deployments.services.clocks import clocks
from deployments.services.freezing import Held, freeze, frozen_jobs, is_service_paused
from deployments.services.thaws import thaw_some
from deployments.states import RunState

BATCH = 500
# After an outage: so many jobs begin late in one tick, so that not all of them begin at once.
LATE_BATCH = 100
_KINDS: Mapping[str, str] = {RunState.MISSED: "run.missed", RunState.FROZEN: "run.frozen"}
_NOT_HELD: Mapping[int, Held] = {}
COLUMNS = ("pk", "customer_id", "next_run_at", "last_instance", *schedules.COLUMNS, *due.COLUMNS)
CHANGED = ("next_run_at", "due_at", "last_instance")
# So many occurrences of one job are settled at a time.
MOST = 200


def tick() -> int:
    """Open the runs that are due, in batches, and note those that were missed. Returns how many runs that makes.

    One transaction per batch: the claim (`FOR UPDATE SKIP LOCKED`), the runs, the job's next start and the events stand
    or fall together. By the database's clock alone. What is on time comes first; what is late, a share in each tick.
    """
    made = 0
    if not is_service_paused():
        while (some := _settle_some(BATCH, late=False)) >= BATCH:
            made += some
        made += some + _settle_some(LATE_BATCH, late=True)
        made += _settle_by_clocks(BATCH, late=False) + _settle_by_clocks(LATE_BATCH, late=True)
        thaw_some(LATE_BATCH)
    Heartbeat.beat("tick")
    return made


def _settle_some(limit: int, *, late: bool) -> int:
    """Jobs that start by a clock of their own, of all customers at once."""
    with scheduling():
        jobs = Job.objects.exclude(timezone_type=TimezoneType.AGENT).due(limit, late=late, after=GRACE)
        return _settle(jobs.annotate(now=Now()).only(*COLUMNS))


def _settle_by_clocks(limit: int, *, late: bool) -> int:
    """Jobs that start by their machines' clocks, in their customers' contexts: who the machines are is theirs."""
    made = 0
    due_now: dict[int, list[int]] = defaultdict(list)
    with scheduling():
        jobs = Job.objects.filter(timezone_type=TimezoneType.AGENT).due(limit, late=late, after=GRACE)
        for customer_id, pk in jobs.values_list("customer_id", "pk"):
            due_now[customer_id].append(pk)
    for customer_id, ids in due_now.items():
        with acting_for(customer_id):
            jobs = Job.objects.filter(pk__in=ids).due(limit, late=late, after=GRACE)
            made += _settle(jobs.annotate(now=Now()), clocks)
    return made


def _settle(jobs: Iterable[Any], among: Callable[[Any], Collection[str]] = lambda _: schedules.EVERYWHERE) -> int:
    """Occurrences of locked jobs as runs, and the jobs' next starts. `among` are the zones of a job's machines."""
    settled = [(job, settle_due(job, among(job))) for job in jobs]
    starting = [job for job, occurrences in settled if not all(one.missed for one in occurrences)]
    held = frozen_jobs(starting, at=starting[0].now) if starting else {}
    runs = [run for job, occurrences in settled for run in runs_of(job, occurrences, at=job.now, held=held)]
    Run.objects.bulk_create(runs)
    tell(runs)
    Job.objects.bulk_update([job for job, _ in settled], CHANGED)
    return len(runs)


def settle_due(job: Any, among: Collection[str] = schedules.EVERYWHERE) -> list[Due]:
    """The occurrences of a due job; sets its next start to the one after them, and when to look for that."""
    occurrences, job.next_run_at = due.due(job, now=job.now, most=MOST, among=among)
    job.due_at = due.look_at(job, job.next_run_at, now=job.now, among=among)
    return occurrences


def settle_as_missed(job: Job, *, reason: Reason, at: datetime) -> None:
    """Note all that is due of a locked job as missed for that reason; its `last_instance` and next start count on."""
    among = clocks(job)
    while True:
        occurrences, job.next_run_at = due.due(job, now=at, most=MOST, among=among)
        if not occurrences:
            return
        runs = runs_of(job, [replace(one, missed=reason) for one in occurrences], at=at)
        tell(Run.objects.bulk_create(runs))


def runs_of(job: Any, occurrences: Sequence[Due], *, at: datetime, held: Mapping[int, Held] = _NOT_HELD) -> list[Run]:
    """Occurrences of a locked job as runs to be stored; counts its `last_instance` on. What is held is frozen."""
    runs = []
    for one in occurrences:
        job.last_instance += 1
        run = _run(job, one, at)
        if job.pk in held and not one.missed:
            freeze(run, held[job.pk])
        runs.append(run)
    return runs


def _run(job: Any, occurrence: Due, at: datetime) -> Run:
    return Run(
        customer_id=job.customer_id,
        job_id=job.pk,
        instance=job.last_instance,
        trigger=Trigger.SCHEDULE,
        scheduled_for=occurrence.start,
        deadline=occurrence.deadline,
        state=RunState.MISSED if occurrence.missed else RunState.PENDING,
        reason=occurrence.missed or "",
        finished_at=at if occurrence.missed else None,
        opened_at=at,
        state_changed_at=at,
    )


def tell(runs: Sequence[Run]) -> None:
    """Record how these runs began."""
    events.record_many(
        Event(
            customer_id=run.customer_id,
            kind=_KINDS.get(run.state, "run.opened"),
            job_id=run.job_id,
            run_id=run.pk,
            data={"reason": run.reason} if run.is_final else {},
            occurred_at=run.opened_at,
        )
        for run in runs
    )
