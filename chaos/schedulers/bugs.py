"""Mistakes that a scheduler might have, put in on purpose: the harness is worth its time only if it finds them."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models.functions import Now

from core.customer_context import scheduling
from deployments import due, schedules
from deployments.models import Job, Run
from deployments.services import ticks


def advance_before_insert() -> None:
    """The job's next start is committed first, and its runs are stored after that."""

    def settle(limit: int, *, late: bool) -> int:
        with scheduling():
            jobs = _claimed(limit, late=late)
            runs = [run for job in jobs for run in ticks.runs_of(job, ticks.settle_due(job), at=job.now)]
            Job.objects.bulk_update(jobs, ticks.CHANGED)
        with scheduling():
            Run.objects.bulk_create(runs)
            ticks.tell(runs)
        return len(runs)

    ticks._settle_some = settle


def insert_before_advance() -> None:
    """Runs are committed first, and the job's next start after that."""

    def settle(limit: int, *, late: bool) -> int:
        with scheduling():
            jobs = _claimed(limit, late=late)
            runs = [run for job in jobs for run in ticks.runs_of(job, ticks.settle_due(job), at=job.now)]
            Run.objects.bulk_create(runs)
            ticks.tell(runs)
        with scheduling():
            Job.objects.bulk_update(jobs, ticks.CHANGED)
        return len(runs)

    ticks._settle_some = settle


def forget_what_is_late() -> None:
    """The next start is the first after now: what was missed meanwhile is never told."""
    found = due.due

    def forgetful(job: Any, *, now: Any, most: int, among: Any = schedules.EVERYWHERE) -> Any:
        occurrences, _ = found(job, now=now, most=1, among=among)
        return occurrences, schedules.next_start(job, after=now)

    due.due = forgetful


def _claimed(limit: int, *, late: bool) -> list[Any]:
    return list(Job.objects.due(limit, late=late, after=due.GRACE).annotate(now=Now()).only(*ticks.COLUMNS))


BUGS: Mapping[str, Callable[[], None]] = {
    "advance-before-insert": advance_before_insert,
    "insert-before-advance": insert_before_advance,
    "forget-what-is-late": forget_what_is_late,
}
