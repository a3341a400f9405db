"""The tick: opens the runs of jobs whose time has come. Any number of workers may tick at once."""

from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from core import events
from core.customer_context import scheduling
from core.models import Event, Heartbeat
from deployments import schedules
from deployments.models import Job, Run, Trigger
from deployments.states import RunState

BATCH = 500


def tick() -> int:
    """Open the runs that are due, in batches, until none is left. Returns how many.

    One transaction per batch: the claim (`FOR UPDATE SKIP LOCKED`), the run, the job's next start and the event stand
    or fall together. By the database's clock alone.
    """
    opened = 0
    while (batch := _tick_once()) == BATCH:
        opened += batch
    Heartbeat.beat("tick")
    return opened + batch


def _tick_once() -> int:
    with scheduling():
        jobs = list(
            Job.objects.due(BATCH)
            .annotate(now=Now())
            .only("pk", "customer_id", "next_run_at", "last_instance", *schedules.COLUMNS)
        )
        for job in jobs:
            job.last_instance += 1
        runs = Run.objects.bulk_create(_run(job) for job in jobs)
        events.record_many(
            Event(
                customer_id=run.customer_id,
                kind="run.opened",
                job_id=run.job_id,
                run_id=run.pk,
                occurred_at=run.opened_at,
            )
            for run in runs
        )
        for job in jobs:
            job.next_run_at = _following(job)
        Job.objects.bulk_update(jobs, ["next_run_at", "last_instance"])
    return len(jobs)


def _following(job: Any) -> datetime | None:
    """The start after the one that is due: what was missed meanwhile comes due in its turn."""
    return schedules.next_start(job, after=job.next_run_at)


def _run(job: Any) -> Run:
    """Of a job as `_tick_once` reads it: due, and with the database's time."""
    start, now = job.next_run_at, job.now
    return Run(
        customer_id=job.customer_id,
        job_id=job.pk,
        instance=job.last_instance,
        trigger=Trigger.SCHEDULE,
        scheduled_for=start,
        deadline=schedules.last_deadline_of(job, occurrence=start),
        state=RunState.PENDING,
        opened_at=now,
        state_changed_at=now,
    )
