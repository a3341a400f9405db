"""Which jobs freezes and pauses hold back, for any number of them at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calendars import services as calendars
from calendars.models import ServicePause
from calendars.services import Stretch
from core.errors import Conflict
from deployments.models import JobCalendar, Run
from deployments.states import RunState

_LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Held:
    """By what a job is held back, in words, and when to look again."""

    by: str
    until: datetime


def frozen_jobs(jobs: Sequence[Any], *, at: datetime) -> dict[int, Held]:
    """Those of the jobs that may not start at an instant, by their keys.

    A constant number of queries, in a customer's context as well as in the scheduler role's.
    """
    if not jobs:
        return {}
    named = _named(jobs)
    asked = {job.pk: calendars.Held(job.customer_id, named[job.pk]) for job in jobs}
    held = {pk: Held(_words(one), one.ends_at) for pk, one in calendars.freezes_of(asked, at=at).items()}
    paused = calendars.paused({job.customer_id for job in jobs})
    return held | {job.pk: Held("paused", at) for job in jobs if job.customer_id in paused}


def freeze(run: Run, held: Held) -> None:
    """Make a run that is about to be stored a frozen one."""
    run.state, run.note, run.resumes_at = RunState.FROZEN, held.by, held.until


def frozen_at(job: Any, *, at: datetime) -> Held | None:
    """The same of one job."""
    return frozen_jobs([job], at=at).get(job.pk)


def refuse_held(job: Any, *, at: datetime) -> None:
    """Raises Conflict, with the calendar's name, where a job may not start at present."""
    if held := frozen_at(job, at=at):
        raise Conflict(f"Nothing of this job starts at present: {held.by}.")


def any_held(jobs: Collection[Any], *, at: datetime) -> set[int]:
    """Those of one customer's jobs whose hosts may not begin at an instant, by their keys."""
    if is_service_paused():
        return {job.pk for job in jobs}
    return set(frozen_jobs(list(jobs), at=at))


def is_service_paused() -> bool:
    """Whether whoever operates the service lets nothing start."""
    return bool(ServicePause.objects.exists())


def stretches(*, job: Any, since: datetime, until: datetime) -> list[Stretch]:
    """The freezes that hold a job between two instants."""
    ids = [link.calendar_id for link in JobCalendar.objects.for_customer(job.customer_id).filter(job_id=job.pk)]
    return calendars.freezes_between(customer_id=job.customer_id, calendar_ids=ids, start=since, end=until)


def _words(one: calendars.Frozen) -> str:
    return (f"{one.calendar}: {one.summary}" if one.summary else one.calendar)[:_LONGEST_NOTE]


def _named(jobs: Sequence[Any]) -> Mapping[int, list[int]]:
    """Job → the calendars that it names."""
    named: dict[int, list[int]] = defaultdict(list)
    links = JobCalendar.objects.filter(
        customer_id__in={job.customer_id for job in jobs}, job_id__in=[job.pk for job in jobs]
    )
    for job_id, calendar_id in links.values_list("job_id", "calendar_id"):
        named[job_id].append(calendar_id)
    return named
