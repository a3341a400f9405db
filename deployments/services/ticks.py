"""The tick: opens the runs of jobs whose time has come. Any number of workers may tick at once."""

from typing import Any

from django.db.models.functions import Now

from core import events
from core.customer_context import scheduling
from core.models import Event, Heartbeat
from deployments.models import Job, Run, Trigger
from deployments.states import RunState
from scheduling.windows import deadline

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
            .only("pk", "customer_id", "next_run_at", "timeout", "timeout_unit", "last_instance")
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
            job.next_run_at = None
        Job.objects.bulk_update(jobs, ["next_run_at", "last_instance"])
    return len(jobs)


def _run(job: Any) -> Run:
    """Of a job as `_tick_once` reads it: due, and with the database's time."""
    start, now = job.next_run_at, job.now
    return Run(
        customer_id=job.customer_id,
        job_id=job.pk,
        instance=job.last_instance,
        trigger=Trigger.SCHEDULE,
        scheduled_for=start,
        deadline=deadline(start=start, timeout=job.timeout, unit=job.timeout_unit),
        state=RunState.PENDING,
        opened_at=now,
        state_changed_at=now,
    )
