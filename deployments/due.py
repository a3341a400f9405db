"""Occurrences that are due, and which of them may still start: the missed-run policy. Pure; no queries.

A start is missed where nobody opened it in time: the service was down or paused, or the job was disabled. `Skip` gives
such a start up, `RunWithin` lets it begin late by `missedRunWithin` at most, `AtNextContact` as long as its window is
open. Each is judged by itself, and of several that came due only the newest begins: catching up is no stampede.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deployments import schedules
from deployments.models.choices import MissedRunPolicy
from deployments.reasons import Reason
from scheduling import recurrence

# Nothing is missed before this: ticks and agents come by every few seconds, or minutes.
GRACE = timedelta(minutes=5)
COLUMNS = ("missed_run_policy", "missed_run_within", "disabled_until")


@dataclass(frozen=True, slots=True)
class Due:
    """One occurrence: its start and deadline (of an AGENT_TZ job the first and the last on Earth).

    `missed` is why it does not begin any more, or None where it is to begin now.
    """

    start: datetime
    deadline: datetime
    missed: Reason | None


def may_be_late(job: Any) -> timedelta | None:
    """How late a start of the job may be, for a run and for a host; None as long as its window is open."""
    match MissedRunPolicy(job.missed_run_policy):
        case MissedRunPolicy.SKIP:
            return GRACE
        case MissedRunPolicy.RUN_WITHIN:
            return recurrence.parse_duration(job.missed_run_within).beside_months
        case MissedRunPolicy.AT_NEXT_CONTACT:
            return None


def last_start(job: Any, *, start: datetime, deadline: datetime) -> datetime:
    """The moment after which a start is missed for good."""
    late = may_be_late(job)
    return deadline if late is None else min(deadline, start + late)


def due(
    job: Any, *, now: datetime, most: int, among: Collection[str] = schedules.EVERYWHERE
) -> tuple[list[Due], datetime | None]:
    """The occurrences of a job from its `next_run_at` until now, oldest first, and the start that follows them.

    At most so many; where the start that follows is due as well, there are more. `among` are the zones of the machines
    of an AGENT_TZ job: its occurrence is due once it begins in the first of them.
    """
    found: list[Due] = []
    start = job.next_run_at
    while start is not None and len(found) < most and schedules.first_start_of(job, start, among) <= now:
        following = schedules.next_start(job, after=start)
        found.append(_judged(job, start, following, now, among))
        start = following
    return found, start


def look_at(job: Any, start: datetime | None, *, now: datetime, among: Collection[str]) -> datetime | None:
    """When the tick is to look for a start: once the first zone on Earth has reached it, and then when it is due."""
    if start is None or start > now:
        return start
    return schedules.first_start_of(job, start, among)


def _judged(job: Any, start: datetime, following: datetime | None, now: datetime, among: Collection[str]) -> Due:
    deadline = schedules.last_deadline_of(job, occurrence=start)
    overtaken = following is not None and schedules.last_start_of(job, following, among) <= now
    begun = schedules.last_start_of(job, start, among)
    missed = None if now <= last_start(job, start=begun, deadline=deadline) and not overtaken else _why(job, begun)
    return Due(start, deadline, missed)


def _why(job: Any, start: datetime) -> Reason:
    disabled = job.disabled_until is not None and start < job.disabled_until
    return Reason.JOB_WAS_DISABLED if disabled else Reason.START_MISSED
