"""By whose clocks a job starts: the zones of its machines, and the starts that follow from them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max

from deployments import schedules
from deployments.models import Job, Run, TimezoneType, Trigger
from deployments.services.snapshots import target_of, targets
from inventory.targeting import targeted
from scheduling import zones

# Of how many zones an answer shows the starts, the last names left out.
MOST_ZONES = 50


def zones_of_machines(job: Job, snapshot: Mapping[str, Any] | None = None) -> list[str]:
    """The zones among a job's targets (or a snapshot's of it) by name; of a schedule in one zone, that one."""
    if job.timezone_type != TimezoneType.AGENT:
        return [job.timezone]
    assets = targeted(customer_id=job.customer_id, target=target_of(snapshot or {"target": targets(job)}))
    told = assets.order_by("timezone").values_list("timezone", flat=True).distinct()
    return sorted({zones.canonical_name(name) or job.timezone for name in told})


def clocks(job: Job, snapshot: Mapping[str, Any] | None = None) -> list[str]:
    """The zones that say when the job starts: those of its machines, or its own where it has none."""
    return zones_of_machines(job, snapshot) or [job.timezone]


def next_start(job: Job, *, after: datetime, snapshot: Mapping[str, Any] | None = None) -> datetime | None:
    """The first start after an instant. With AGENT_TZ the first that no machine has reached by then.

    An occurrence that is on its way around the Earth is not joined in the middle, nor begun a second time.
    """
    if job.timezone_type != TimezoneType.AGENT:
        return schedules.next_start(job, after=after)
    among = clocks(job, snapshot)
    start = schedules.next_start(job, after=_opened(job, after - schedules.AROUND_THE_EARTH))
    while start is not None and schedules.first_start_of(job, start, among) <= after:
        start = schedules.next_start(job, after=start)
    return start


def _opened(job: Job, earliest: datetime) -> datetime:
    """The last start that has a run, or `earliest` if that is later. A job that is not stored has none."""
    runs = Run.objects.for_customer(job.customer_id).filter(job_id=job.pk, trigger=Trigger.SCHEDULE)
    last = runs.aggregate(last=Max("scheduled_for"))["last"] if job.pk else None
    return max(last or earliest, earliest)
