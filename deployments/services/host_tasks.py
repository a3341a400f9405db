"""A host's share of a run: handed out under a lease, reported step by step, verified by the closing scan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Greatest

from core import events
from deployments.causes import cause_of
from deployments.models import HostTask, Step, StepKind
from deployments.outcomes import outcome
from deployments.reasons import Reason
from deployments.reports import Finished, Rebooting, Refused, Remark, Report, Scanned, StepFinished, StepStarted
from deployments.services import remarks
from deployments.services.freezing import any_held
from deployments.services.plans import plan, step_row
from deployments.services.runs import tell_if_last
from deployments.services.waves import OPEN_TO, full_runs, has_place
from deployments.states import BAD_STEPS, FINAL_HOST_TASKS, HostTaskState, RunState, StepState
from inventory import services as inventory
from inventory.models import Asset, AssetPatch, PatchStatus

# Of the host tasks that wait on one asset, so many are held against freezes at a time.
_MOST_LOOKED_AT = 50
# A report of one of these says that its agent is at work, or back at it.
_SILENT = {HostTaskState.LEASED, HostTaskState.AWAITING_REBOOT, HostTaskState.LOST}


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A host task that an agent is to work on, and its steps as the manifest tells them."""

    task: HostTask
    steps: Sequence[dict[str, Any]]


class Gap(Exception):
    """A report is missing before the ones that came; `accepted_through` says from where to send again."""

    def __init__(self, accepted_through: int) -> None:
        super().__init__(f"expected report {accepted_through + 1}")
        self.accepted_through = accepted_through


def hand_out(*, asset: Asset, at: datetime) -> HandedOut | None:
    """Lease the asset's next host task that may start now, and write down its steps. None where there is none.

    One host task runs on an asset at a time: while one is held, the next waits. What a freeze or a pause holds back
    waits, too, as long as its window and the missed-run policy allow; and so does a host whose wave is not open, or of
    whose run as many hosts are at work as may be.
    """
    tasks = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset)
    if tasks.held().exists():
        return None
    due = tasks.filter(state=HostTaskState.PENDING, start_at__lte=at, deadline__gt=at, run__state=RunState.RUNNING)
    due = due.filter(OPEN_TO)
    waiting = list(due.select_related("run__job").order_by("start_at", "pk")[:_MOST_LOOKED_AT])
    held = any_held({task.run.job for task in waiting}, at=at) if waiting else set()
    full = full_runs(waiting)
    free = [task.pk for task in waiting if task.run.job_id not in held and task.run_id not in full]
    task = (
        due.filter(pk__in=free)
        .order_by("start_at", "pk")
        .select_related("run")
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )
    if task is None or not has_place(task):
        return None
    try:
        with transaction.atomic():
            task.move_to(
                HostTaskState.LEASED,
                at=at,
                attempt=task.attempt + 1,
                fence=task.fence + 1,
                accepted_through=0,
                lease_until=_lease(at),
            )
    except IntegrityError:
        # one_running_host_task_per_asset: another check-in of this asset was first.
        return None
    steps = plan(task)
    Step.objects.bulk_create(step_row(task, step) for step in steps)
    return HandedOut(task=task, steps=steps)


def next_start(*, asset: Asset, after: datetime) -> datetime | None:
    """When the asset's next host task starts whose time has not come yet, or None where there is none."""
    waiting = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset, state=HostTaskState.PENDING)
    return waiting.filter(start_at__gt=after).order_by("start_at").values_list("start_at", flat=True).first()


def heartbeat(*, asset: Asset, fences: dict[int, tuple[int, int]], at: datetime) -> list[int]:
    """Extend the leases of the host tasks that an agent says it holds: `{id: (attempt, fence)}`.

    Returns the ids that it is to drop: ended, unknown, or handed out anew since.
    """
    if not fences:
        return []
    tasks = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset, pk__in=fences).held()
    live = [task for task in tasks.select_for_update() if fences[task.pk] == (task.attempt, task.fence)]
    for task in live:
        if task.state == HostTaskState.LOST:
            task.move_to(HostTaskState.RUNNING, at=at, lease_until=_lease(at))
    # Never earlier: who is about to restart may be silent for longer than this.
    longer = Greatest("lease_until", Value(_lease(at)))
    HostTask.objects.filter(pk__in=[task.pk for task in live]).update(lease_until=longer)
    return sorted(set(fences) - {task.pk for task in live})


def take_reports(
    *, asset: Asset, task_id: int, attempt: int, fence: int, reports: Sequence[Report], at: datetime
) -> int | None:
    """Take in what an agent reports, each report once. Returns the number through which all have been taken.

    None where the host task is not this agent's (any more). Raises Gap where one is missing in between. A host task
    that has ended stays ended, but its late reports are taken in, so that the agent can forget it.
    """
    task = (
        HostTask.objects.for_customer(asset.customer_id)
        .select_related("run")
        .select_for_update(of=("self",))
        .filter(pk=task_id, asset=asset, attempt=attempt, fence=fence)
        .first()
    )
    if task is None:
        return None
    for report in reports:
        if report.sequence <= task.accepted_through:
            continue
        if report.sequence != task.accepted_through + 1:
            raise Gap(task.accepted_through)
        _take(task, report, at=at)
        task.accepted_through = report.sequence
    HostTask.objects.filter(pk=task.pk).update(accepted_through=task.accepted_through)
    if not task.is_final:
        restarts = task.state == HostTaskState.AWAITING_REBOOT
        HostTask.objects.filter(pk=task.pk).update(lease_until=_reboot_lease(at) if restarts else _lease(at))
    return task.accepted_through


def abandon(*, asset: Asset, at: datetime, but: Iterable[int] = ()) -> None:
    """End what a replaced agent held, `but` what lives: its journal is gone, so nobody can say how far it got."""
    held = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset).held()
    for task in held.exclude(pk__in=list(but)).select_for_update():
        end(task, state=HostTaskState.FAILED, reason=Reason.AGENT_REINSTALLED, at=at)


def note_restart(*, asset: Asset, at: datetime) -> None:
    """The machine has restarted, for whatever reason: what waited for that on it is in effect now."""
    waiting = HostTask.objects.for_customer(asset.customer_id).filter(asset=asset, reason=Reason.REBOOT_PENDING)
    for task in waiting.select_for_update():
        HostTask.objects.filter(pk=task.pk).update(reason=Reason.VERIFIED)
        events.record(kind="host_task.restarted", at=at, data={"reason": Reason.VERIFIED}, **task.event_ids())


def end(task: HostTask, *, state: HostTaskState, reason: Reason, at: datetime) -> None:
    """Move a host task to a final state, and wake the closing of its run if it was the last."""
    task.move_to(state, at=at, reason=reason, finished_at=at, lease_until=None, data={"reason": reason})
    tell_if_last(task, at=at)


def cancel_hosts(tasks: QuerySet[HostTask], *, reason: Reason, at: datetime) -> None:
    """End those of the host tasks that have not ended, however many, by one statement.

    What happened to their run is told by its own event: there is none of each host.
    """
    changes = {"state_changed_at": at, "finished_at": at, "lease_until": None}
    tasks.exclude(state__in=FINAL_HOST_TASKS).update(state=HostTaskState.CANCELED, reason=reason, **changes)


def _lease(at: datetime) -> datetime:
    return at + timedelta(seconds=settings.HOST_LEASE_SECONDS)


def _reboot_lease(at: datetime) -> datetime:
    return at + timedelta(seconds=max(settings.REBOOT_LEASE_SECONDS, settings.HOST_LEASE_SECONDS))


def _take(task: HostTask, report: Report, *, at: datetime) -> None:
    if isinstance(report, Refused):
        if not task.is_final:
            end(task, state=HostTaskState.FAILED, reason=Reason.MANIFEST_REFUSED, at=at)
        return
    if not task.is_final and task.state in _SILENT and not _restarts_again(task, report):
        task.move_to(HostTaskState.RUNNING, at=at, started_at=task.started_at or report.at, lease_until=_lease(at))
    match report:
        case StepStarted():
            _steps(task).filter(number=report.number).update(state=StepState.RUNNING, started_at=report.at)
        case StepFinished():
            _finish_step(task, report)
        case Rebooting():
            if task.state == HostTaskState.RUNNING:
                task.move_to(HostTaskState.AWAITING_REBOOT, at=at, lease_until=_reboot_lease(at))
        case Scanned():
            inventory.record_scan(asset=task.asset, scan=report.scan, at=at)
            _verify(task)
            if task.state == HostTaskState.RUNNING:
                task.move_to(HostTaskState.VERIFYING, at=at)
        case Remark():
            remarks.take(task, report, at=at)
        case Finished():
            _finish(task, report, at=at)
        case _:
            pass


def _restarts_again(task: HostTask, report: Report) -> bool:
    """An agent that was killed before it could give the order says once more that the machine restarts."""
    return task.state == HostTaskState.AWAITING_REBOOT and isinstance(report, Rebooting)


def _finish_step(task: HostTask, report: StepFinished) -> None:
    _steps(task).filter(number=report.number).update(
        state=report.step_state,
        reason=report.reason,
        exit_code=report.exit_code,
        output=report.output,
        output_cut=report.output_cut,
        cause=cause_of(report.output) if report.step_state in BAD_STEPS else "",
        from_version=report.from_version or "",
        to_version=report.to_version or "",
        finished_at=report.at,
        **({} if report.tries is None else {"tries": report.tries}),
    )


def _verify(task: HostTask) -> None:
    """Compare what the steps claim with what the closing scan shows, patch by patch."""
    operation = task.run.snapshot["type"]
    standings = set(
        AssetPatch.objects.for_customer(task.customer_id)
        .filter(asset_id=task.asset_id)
        .values_list("patch_id", "status")
    )
    for step in _steps(task).filter(kind=StepKind.PATCH):
        installed = (step.patch_id, PatchStatus.INSTALLED) in standings
        if step.reason == "already_installed" and operation == "Install":
            # A newer version is there: this one is not missing.
            installed = (step.patch_id, PatchStatus.MISSING) not in standings
        step.verified = installed if operation == "Install" else not installed
        step.save(update_fields=["verified"])


def _finish(task: HostTask, report: Finished, *, at: datetime) -> None:
    if task.is_final:
        return
    state, reason = outcome(list(_steps(task).order_by("number")))
    if state == HostTaskState.SUCCEEDED and report.reboot_pending:
        reason = Reason.REBOOT_PENDING
    end(task, state=state, reason=reason, at=at)


def _steps(task: HostTask) -> QuerySet[Step]:
    return Step.objects.for_customer(task.customer_id).filter(host_task=task, attempt=task.attempt)
