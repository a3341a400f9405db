"""Waves of a run: which is open, when the next one opens, and how many of its hosts work at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, DateTimeField, F, Q, QuerySet, Value
from django.db.models.functions import Greatest, Least

from core import events
from deployments.due import GRACE, may_be_late
from deployments.explaining import Queue
from deployments.models import HostTask, Run, RunHalt, RunWave
from deployments.reasons import Reason
from deployments.services.halts import figures, halt_if_failing, may_halt
from deployments.services.rollouts import Rollout, rollout_of
from deployments.states import HOST_TASKS_AT_WORK, HostTaskState, RunState, WaveState


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands with its rollout. `counts` are hosts by wave and state; `failed` of `sampled` count for a halt
    since the run began or was last resumed."""

    rollout: Rollout
    waves: Sequence[RunWave]
    counts: Mapping[int, dict[str, int]]
    halts: Sequence[RunHalt]
    failed: int
    sampled: int


# Whose wave is open, and who is in no wave.
OPEN_TO = Q(wave=None) | Q(wave__lte=F("run__open_wave"))
_PROGRESS = "run.progressed"


def make_waves(run: Run, *, at: datetime) -> None:
    """The waves of a run whose host tasks have just been made, with the first one open. One without a host is none."""
    rollout = rollout_of(run.snapshot)
    if rollout is None:
        return
    tasks = run.host_tasks.filter(wave__isnull=False)
    sizes = dict(tasks.order_by("wave").values_list("wave").annotate(Count("pk")))
    first = min(sizes, default=0)
    RunWave.objects.bulk_create(
        RunWave(
            customer_id=run.customer_id,
            run=run,
            number=wave.number,
            hosts=sizes[wave.number],
            soak_minutes=wave.soak_minutes,
            state=WaveState.OPEN if wave.number == first else WaveState.WAITING,
            state_changed_at=at,
            opened_at=at if wave.number == first else None,
        )
        for wave in rollout.waves
        if wave.number in sizes
    )
    run.open_wave = first
    Run.objects.filter(pk=run.pk).update(open_wave=first)
    if first > 1:
        # They were made as hosts of a wave that is still shut, which miss nothing.
        wait_anew(run, at=at)


def advance(*, run_id: int, at: datetime) -> None:
    """Halt a run if too much failed; else open its next wave, if the one before has ended and soaked."""
    runs = Run.objects.select_for_update(of=("self",), no_key=True).select_related("job")
    run = runs.filter(pk=run_id, state=RunState.RUNNING, open_wave__isnull=False).first()
    if run is None or halt_if_failing(run, at=at):
        return
    wave = run.waves.filter(state__in=[WaveState.OPEN, WaveState.SOAKING]).first()
    if wave is None:
        return
    following = run.waves.filter(state=WaveState.WAITING).order_by("number").first()
    if wave.state == WaveState.OPEN and not unfinished(run, wave.number).exists():
        state = WaveState.SOAKING if following else WaveState.CLOSED
        wave.move_to(state, at=at, ended_at=at, closed_at=None if following else at, data={"number": wave.number})
    if following and wave.soaks_until is not None and wave.soaks_until <= at:
        wave.move_to(WaveState.CLOSED, at=at, closed_at=at, data={"number": wave.number})
        _open(run, following, at=at)


def end_waves(run: Run, *, at: datetime) -> None:
    """Of a run that has ended: those that never opened are skipped."""
    waves = run.waves.filter(closed_at=None)
    waves.filter(state=WaveState.WAITING).update(state=WaveState.SKIPPED, state_changed_at=at, closed_at=at)
    waves.update(state=WaveState.CLOSED, state_changed_at=at, closed_at=at)


def wait_anew(run: Run, *, at: datetime) -> None:
    """Hosts that may begin from now on miss their start as late as if it were now."""
    tasks = run.host_tasks.filter(state=HostTaskState.PENDING, wave__lte=run.open_wave)
    late = may_be_late(run.job)
    until = F("deadline") if late is None else _so_late(at, late)
    tasks.update(start_before=until)


def wait_on(tasks: Iterable[HostTask], *, at: datetime) -> set[int]:
    """Of hosts that begin too late by now: the keys of those that wait on, since it is not they who are late.

    Of a run that is halted all do, until somebody resumes it. Where no more may be at work at once, those do that have
    been heard of lately: they came, and found no place.
    """
    open_ = [task for task in tasks if task.wave is not None and task.deadline > at]
    halted = {task.pk for task in open_ if task.run.state == RunState.HALTED}
    going = [task for task in open_ if task.run.state == RunState.RUNNING and _limit(task.run) is not None]
    heard_of = HostTask.objects.filter(asset__last_contact_at__gt=at - GRACE, pk__in=[task.pk for task in going])
    came = set(heard_of.values_list("pk", flat=True)) if going else set()
    if halted:
        HostTask.objects.filter(pk__in=halted).update(start_before=F("deadline"))
    if came:
        HostTask.objects.filter(pk__in=came).update(start_before=Least(F("deadline"), _at(at + GRACE)))
    return halted | came


def why_never(task: HostTask) -> Reason:
    """Why a host that waits until its window has closed never began."""
    if task.wave is None:
        return Reason.NEVER_CAME
    if task.wave > (task.run.open_wave or 0):
        return Reason.WAVE_NOT_OPENED
    if _limit(task.run) is None:
        return Reason.NEVER_CAME
    contact = task.asset.last_contact_at
    return Reason.NO_ROOM if contact is not None and contact > task.deadline - GRACE else Reason.NEVER_CAME


def standing(run: Run) -> Standing | None:
    """How a run stands with its rollout, by four queries; None of one without."""
    rollout = rollout_of(run.snapshot)
    if rollout is None:
        return None
    counts: dict[int, dict[str, int]] = {}
    rows = run.host_tasks.filter(wave__isnull=False).order_by("wave", "state").values_list("wave", "state")
    for wave, state, hosts in rows.annotate(Count("pk")):
        counts.setdefault(wave, {})[state] = hosts
    failed, sampled = figures(run)
    return Standing(
        rollout=rollout,
        waves=list(run.waves.order_by("number")),
        counts=counts,
        halts=list(run.halts.select_related("ended_by").order_by("halted_at")),
        failed=failed,
        sampled=sampled,
    )


def queue_of(task: HostTask) -> Queue | None:
    """What a host waits for; None of one that does not wait, or whose run has no rollout."""
    if task.wave is None or task.state != HostTaskState.PENDING:
        return None
    run, number = task.run, task.run.open_wave or 0
    waves = {wave.number: wave for wave in run.waves.all()}
    return Queue(
        wave=task.wave,
        waves=len(waves),
        open_wave=number,
        open_state=waves[number].state,
        to_end=unfinished(run, number).count(),
        soaks_until=waves[number].soaks_until,
        limit=_limit(run),
        full=bool(full_runs([task])),
    )


def unfinished(run: Run, number: int) -> QuerySet[HostTask]:
    """Hosts that a wave waits for. A lost one is none of them: it counts as failed, and may never come back."""
    return run.host_tasks.filter(wave=number).open().exclude(state=HostTaskState.LOST)


def tell_progress(task: HostTask, *, at: datetime) -> None:
    """After a host ended or was lost: have the run looked at, if that may halt it or open its next wave.

    Of two that end at the same moment each may see the other still at work; the sweep finds such a run.
    """
    if task.wave is None:
        return
    if not unfinished(task.run, task.wave).exists() or may_halt(task):
        events.record(kind=_PROGRESS, at=at, **task.run.event_ids())


def going_on() -> list[tuple[int, int]]:
    """(customer, run) of the runs that go on in waves. Served by the partial index `run_in_waves`."""
    runs = Run.objects.filter(state=RunState.RUNNING, open_wave__isnull=False)
    return list(runs.order_by("pk").values_list("customer_id", "pk"))


# --- how many at once -------------------------------------------------------------------------------------------------


def full_runs(tasks: Iterable[HostTask]) -> set[int]:
    """Of the runs of these host tasks, those of which as many hosts are at work as may be: no query without a limit."""
    limits = {task.run_id: limit for task in tasks if (limit := _limit(task.run)) is not None}
    if not limits:
        return set()
    at_work = HostTask.objects.filter(run__in=limits, wave__isnull=False, state__in=sorted(HOST_TASKS_AT_WORK))
    counted = at_work.order_by().values_list("run_id").annotate(Count("pk"))
    return {run_id for run_id, hosts in counted if hosts >= limits[run_id]}


def has_place(task: HostTask) -> bool:
    """Whether one more host of the run may begin. Until this transaction ends, no other of a limited run is asked."""
    if _limit(task.run) is None:
        return True
    with connection.cursor() as cursor:
        # No row is changed: a run's would be by every host.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('places of a run', %s))", [task.run_id])
    return not full_runs([task])


def _limit(run: Run) -> int | None:
    rollout = rollout_of(run.snapshot)
    return rollout.max_concurrent if rollout else None


def _open(run: Run, wave: RunWave, *, at: datetime) -> None:
    wave.move_to(WaveState.OPEN, at=at, opened_at=at, data={"number": wave.number, "hosts": wave.hosts})
    run.open_wave = wave.number
    Run.objects.filter(pk=run.pk).update(open_wave=wave.number)
    wait_anew(run, at=at)


def _so_late(at: datetime, late: timedelta) -> Least:
    begins = Greatest(F("start_at"), _at(at))
    return Least(F("deadline"), begins + Value(late), output_field=DateTimeField())


def _at(time: datetime) -> Value:
    return Value(time, DateTimeField())
