"""The occurrences of a job, past and coming: what its runs say, and from its next start on what its schedule says."""

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from calendars.services import Stretch
from deployments import schedules
from deployments.models import Job, Run, Trigger
from deployments.services.clocks import MOST_ZONES, zones_of_machines
from deployments.services.freezing import stretches


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One start, of a run or planned (`run` is None); with AGENT_TZ the earliest and the last on Earth.

    `starts` are those in each zone among the job's targets, `frozen` the zones among them where a freeze holds it back,
    or did when it was due. `overlaps`: the window of the one before is still open.
    """

    start: datetime
    deadline: datetime
    run: Run | None
    starts: Mapping[str, datetime]
    overlaps: bool
    frozen: Collection[str]


def occurrences(*, job: Job, since: datetime, until: datetime, most: int) -> list[Occurrence]:
    """Oldest first, from `since` until before `until`, at most so many: none missing and none twice.

    What nobody has opened yet is planned from `next_run_at` on; a job that is not enabled plans nothing.
    """
    runs = Run.objects.for_customer(job.customer_id).filter(job=job, scheduled_for__gte=since, scheduled_for__lt=until)
    past = [
        (run.scheduled_for, run.deadline, run)
        for run in runs.defer("snapshot").order_by("scheduled_for", "instance")[:most]
    ]
    coming = [
        (start, schedules.last_deadline_of(job, occurrence=start), None)
        for start in planned(job, since=since, until=until, most=most - len(past))
    ]
    # Runs outside of the schedule stand between those of it.
    told = sorted([*past, *coming], key=lambda one: one[0])[:most]
    if not told:
        return []
    names = zones_of_machines(job)[:MOST_ZONES]
    last = schedules.last_start_of(job, told[-1][0])
    is_frozen = _within(stretches(job=job, since=since, until=last + schedules.A_MOMENT))
    found: list[Occurrence] = []
    for start, deadline, run in told:
        of_schedule = run is None or run.trigger == Trigger.SCHEDULE
        starts = {name: schedules.start_in(job, name, start) for name in names if of_schedule}
        overlaps = bool(found) and found[-1].deadline > start
        begins = starts or {job.timezone: start}
        frozen = {name for name, at in begins.items() if is_frozen(at)}
        found.append(Occurrence(start, deadline, run, starts, overlaps, frozen))
    return found


def _within(freezes: Sequence[Stretch]) -> Callable[[datetime], bool]:
    """Whether an instant lies in one of them, however many: they come by start."""
    starts = [one.starts_at for one in freezes]
    last_ends = list(accumulate((one.ends_at for one in freezes), max))

    def within(at: datetime) -> bool:
        begun = bisect_right(starts, at)
        return begun > 0 and at < last_ends[begun - 1]

    return within


def planned(job: Job, *, since: datetime, until: datetime, most: int) -> Iterator[datetime]:
    """The starts that nobody has opened yet, between two instants."""
    start = job.next_run_at
    if start is not None and start < since:
        # What is due and not opened yet belongs to the past that was not asked for.
        start = schedules.next_start(job, after=since - schedules.A_MOMENT)
    for _ in range(most):
        if start is None or start >= until:
            return
        yield start
        start = schedules.next_start(job, after=start)
