"""What a job would do if its next run began now: its hosts and why, its patches, its starts, who else is there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet

from calendars import services as calendars
from calendars.services import Stretch
from deployments import schedules
from deployments.models import Job, Run, ScheduleType, TimezoneType, Trigger
from deployments.services.clocks import MOST_ZONES, next_start, zones_of_machines
from deployments.services.fanout import hosts_of
from deployments.services.plan_hashes import plan_hash
from deployments.services.plans import concerned
from deployments.services.rollouts import PlannedWave, count_waves, rollout_of, waved, waves_of
from deployments.services.snapshots import freeze, target_of, targets
from deployments.states import JobState
from inventory.models import Closing, Patch
from inventory.targeting import targeted

# How many starts a preview shows per zone, and how many other jobs it holds against this one.
STARTS = 5
MOST_OTHERS = 50


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another enabled job whose next window meets this job's on `hosts` machines of both."""

    job: Job
    start: datetime
    deadline: datetime
    hosts: int


@dataclass(frozen=True, slots=True)
class ZoneStarts:
    """The coming starts on machines of one zone, in UTC."""

    zone: str
    starts: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class WaveHosts:
    """A wave and how many hosts it would get."""

    wave: PlannedWave
    hosts: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan. `run` is not stored; `hosts` are the assets considered, annotated as services.fanout does; `freezes`
    are those from now until the last of the starts."""

    run: Run
    patches: Sequence[Patch]
    hosts: QuerySet[Any]
    reasons: Mapping[str, int]
    starts: Sequence[ZoneStarts]
    freezes: Sequence[Stretch]
    overlaps: Sequence[Overlap]
    remedies: Mapping[int, Sequence[str]]
    plan_hash: str
    waves: Sequence[WaveHosts] | None
    # The hosts with their waves: not to be filtered.
    waved: QuerySet[Any]


def preview(*, job: Job, at: datetime) -> Preview:
    """The plan of a stored job, enabled or not. It changes nothing."""
    start = _start(job, at=at)
    run = Run(
        customer_id=job.customer_id,
        job=job,
        trigger=Trigger.USER if job.schedule_type == ScheduleType.ON_DEMAND else Trigger.SCHEDULE,
        scheduled_for=start,
        deadline=schedules.last_deadline_of(job, occurrence=start),
        snapshot=freeze(job, at=at),
    )
    hosts = hosts_of(run)
    in_waves = waved(hosts, run, left_out="reason_")
    starts = list(_starts(job, run, at=at))
    return Preview(
        run=run,
        patches=_patches(run),
        hosts=hosts,
        reasons={row["reason_"]: row["hosts"] for row in hosts.values("reason_").annotate(hosts=Count("pk"))},
        starts=starts,
        freezes=_freezes(run, starts, at=at),
        overlaps=list(_overlaps(run)),
        remedies=_remedies(run),
        plan_hash=plan_hash(run),
        waves=_waves(run, in_waves),
        waved=in_waves,
    )


def patches_of_hosts(plan: Preview, assets: Sequence[Any]) -> dict[int, list[str]]:
    """Asset key → ids of the plan's patches that it would get, by one query."""
    busy = [asset for asset in assets if not asset.reason_]
    found = concerned(plan.run.snapshot, customer_id=plan.run.customer_id, assets=busy)
    return {pk: [patch["patchId"] for patch in patches] for pk, patches in found.items()}


def waves_of_hosts(plan: Preview, assets: Sequence[Any]) -> dict[int, int | None]:
    """Asset key → in which wave of the plan it would be, by one query; of a plan without waves, nothing."""
    return waves_of(plan.waved, assets) if plan.waves is not None and assets else {}


def _waves(run: Run, hosts: QuerySet[Any]) -> list[WaveHosts] | None:
    rollout = rollout_of(run.snapshot)
    if rollout is None:
        return None
    counts = count_waves(hosts)
    return [WaveHosts(wave, counts.get(wave.number, 0)) for wave in rollout.waves]


def _start(job: Job, *, at: datetime) -> datetime:
    """When the next run would begin: as scheduled; at once where there is no schedule, or it is over."""
    if job.schedule_type == ScheduleType.ONCE:
        once = schedules.once_at(job)
        return once if job.timezone_type == TimezoneType.AGENT else max(once, at)
    return next_start(job, after=at) or at


def _patches(run: Run) -> list[Patch]:
    order = [patch["pk"] for patch in run.snapshot["patches"]]
    found = Patch.objects.for_customer(run.customer_id).in_bulk(order)
    return [found[pk] for pk in order if pk in found]


def _remedies(run: Run) -> dict[int, list[str]]:
    """Of the vulnerabilities that the job was made for: qid → ids of the run's patches that close it, by one query."""
    wanted: dict[int, list[str]] = {qid: [] for qid in run.snapshot["remediationQids"] or ()}
    patches = {patch["pk"]: patch["patchId"] for patch in run.snapshot["patches"]}
    if not wanted:
        return wanted
    closings = Closing.objects.for_customer(run.customer_id).filter(patch_id__in=patches, vulnerability__qid__in=wanted)
    for qid, patch_pk in closings.order_by("pk").values_list("vulnerability__qid", "patch_id"):
        if qid is not None:
            wanted[qid].append(patches[patch_pk])
    return wanted


def _starts(job: Job, run: Run, *, at: datetime) -> Iterator[ZoneStarts]:
    """Of each zone among the targets, by name; of a schedule in one zone, that one."""
    first = next_start(job, after=at, snapshot=run.snapshot)
    if job.schedule_type == ScheduleType.ONCE:
        first = schedules.once_at(job)
    zone = schedules.zone_of(job)
    coming = [first, *schedules.coming(job, zone, after=first, most=STARTS - 1)] if first else []
    for name in zones_of_machines(job, run.snapshot)[:MOST_ZONES]:
        starts = (schedules.start_in(job, name, one) for one in coming)
        yield ZoneStarts(name, [start for start in starts if start > at])


def _freezes(run: Run, starts: Sequence[ZoneStarts], *, at: datetime) -> list[Stretch]:
    last = max([run.scheduled_for, *(start for one in starts for start in one.starts)])
    return calendars.freezes_between(
        customer_id=run.customer_id,
        calendar_ids=[link.calendar_id for link in run.job.calendar_links.all()],
        start=at,
        end=last + timedelta(microseconds=1),
    )


def _overlaps(run: Run) -> Iterator[Overlap]:
    """By one look at the jobs whose windows may meet, and one count over all of their targets."""
    others = [other for other in _others(run) if other[2] > run.scheduled_for]
    targets_of = [target_of({"target": targets(job)}) for job, _, _ in others]
    mine = targeted(customer_id=run.customer_id, target=target_of(run.snapshot))
    counted = (
        mine.aggregate(
            **{
                f"n{place}": Count("pk", filter=one.included() & ~one.excluded())
                for place, one in enumerate(targets_of)
            }
        )
        if others
        else {}
    )
    for place, (job, start, deadline) in enumerate(others):
        if counted[f"n{place}"]:
            yield Overlap(job, start, deadline, counted[f"n{place}"])


def _others(run: Run) -> Iterator[tuple[Job, datetime, datetime]]:
    longest = timedelta(days=31)
    jobs = (
        Job.objects.for_customer(run.customer_id)
        .filter(state=JobState.ENABLED, next_run_at__gte=run.scheduled_for - longest, next_run_at__lt=run.deadline)
        .exclude(pk=run.job.pk)
        .prefetch_related("asset_links", "tag_links")
    )
    for job in jobs.order_by("next_run_at", "pk")[:MOST_OTHERS]:
        if job.next_run_at is not None:
            yield job, job.next_run_at, schedules.last_deadline_of(job, occurrence=job.next_run_at)
