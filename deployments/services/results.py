"""What became of a run on its hosts, by patches and by actions: read in sets, whatever their size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Now

from core.models import Event
from deployments.explaining import Situation
from deployments.models import HostTask, JobType, Run, Step, StepKind
from deployments.reasons import Reason
from deployments.services.waves import queue_of
from deployments.states import BAD_STEPS, FINAL_HOST_TASKS, HostTaskState, RunState, StepState
from deployments.statuses import (
    BY_REASON,
    DOWNLOADING_FAILED,
    EXECUTION_BLOCKED,
    HOST_STATUS,
    JOB_RESUMED,
    ActionResult,
    PatchResult,
)
from inventory.models import Asset, AssetPatch, Patch, PatchStatus

# Under what steps without a result are counted: not begun, begun, waiting for the restart or for the closing scan.
TO_COME, UNDER_WAY, TO_RESTART, TO_VERIFY = "to come", "under way", "to restart", "to verify"

_DOWNLOAD_FAILED, _ALREADY_THERE = "download_failed", "already_installed"
_BAD_ACTION = [Reason.PRE_ACTION_FAILED, Reason.POST_ACTION_FAILED]

Counts: TypeAlias = Mapping[str, int]


@dataclass(slots=True)
class HostResults:
    """How many patches and actions of one host ended how, and which patches: ids by result, in the order of work."""

    patches: dict[str, int] = field(default_factory=dict)
    actions: dict[str, int] = field(default_factory=dict)
    patch_ids: dict[str, list[str]] = field(default_factory=dict)


# --- hosts ------------------------------------------------------------------------------------------------------------


def hosts(run: Run) -> QuerySet[Any]:
    """The run's host tasks with their assets, each with `status_`, its text, and `restarting_`: the name of another job
    that waits for the host's restart while this one waits for the host, or null."""
    elsewhere = HostTask.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("asset_id"))
    restarting = elsewhere.filter(state=HostTaskState.AWAITING_REBOOT).exclude(run__job=run.job_id)
    tasks: QuerySet[Any] = HostTask.objects.for_customer(run.customer_id).filter(run=run).select_related("asset")
    annotated: QuerySet[Any] = tasks.annotate(
        status_=_status(run, blocked=Exists(elsewhere.held())),
        restarting_=Case(
            When(state=HostTaskState.PENDING, then=Subquery(restarting.values("run__job__name")[:1])),
            default=None,
            output_field=CharField(),
        ),
    )
    return annotated


def no_hosts() -> QuerySet[Any]:
    """Those of a job that never ran, with the same columns."""
    none: QuerySet[Any] = HostTask.objects.none().annotate(status_=Value(""))
    return none


def results_of_hosts(run: Run, tasks: Sequence[HostTask]) -> dict[int, HostResults]:
    """Host task's key → its results, by two queries. Of a host that waits, the patches that it is to get."""
    results = {task.pk: HostResults() for task in tasks}
    rows = (
        steps_of(run)
        .filter(host_task__in=list(results), kind__in=[StepKind.PATCH, StepKind.ACTION])
        .annotate(result=_step_result(run))
        .order_by("host_task_id", "kind", "result")
        .values_list("host_task_id", "kind", "result")
        .annotate(
            count_=Count("pk"),
            ids_=ArrayAgg("patch__public_id", filter=Q(patch__isnull=False), order_by="number", default=[]),
        )
    )
    for task_id, kind, result, count, ids in rows:
        found = results[task_id]
        if kind == StepKind.PATCH:
            found.patches[result] = count
            found.patch_ids[result] = [str(one) for one in ids]
        else:
            found.actions[result] = count
    for task_id, count in _awaited(run, tasks).items():
        results[task_id].patches[TO_COME] = count
    return results


def _status(run: Run, *, blocked: Exists) -> Case:
    """The text of a host's status. Of two runs on one host the later waits while its window is open."""
    # Subqueries stand last in their conditions: the database asks in this order, and few rows come so far.
    waits = Q(Q(state=HostTaskState.PENDING, start_at__lte=Now(), deadline__gt=Now()), blocked)
    # Only where a run is going is there anything that it keeps waiting, or that comes back.
    going = [When(waits, then=Value(EXECUTION_BLOCKED.text))] if run.state == RunState.RUNNING else []
    steps = Step.objects.filter(
        customer_id=OuterRef("customer_id"), host_task_id=OuterRef("pk"), attempt=OuterRef("attempt")
    )
    not_fetched = Exists(steps.filter(state=StepState.FAILED, reason=_DOWNLOAD_FAILED))
    return Case(
        *going,
        When(Q(Q(state=HostTaskState.RUNNING), Q(pk__in=_came_back(run))), then=Value(JOB_RESUMED.text)),
        When(
            Q(Q(state=HostTaskState.FAILED, reason__in=_BAD_ACTION), not_fetched), then=Value(DOWNLOADING_FAILED.text)
        ),
        *(When(state=state, reason=reason, then=Value(one.text)) for (state, reason), one in BY_REASON.items()),
        *(When(state=state, then=Value(one.text)) for state, one in HOST_STATUS.items()),
        output_field=CharField(),
    )


def _came_back(run: Run) -> QuerySet[Any, Any]:
    """Keys of host tasks that were set to work more than once: after a restart, or after they were lost."""
    begun = Event.objects.for_customer(run.customer_id).filter(run_id=run.pk, kind="host_task.running")
    times: QuerySet[Any, Any] = begun.order_by().values("host_task_id").annotate(times=Count("pk"))
    return times.filter(times__gt=1).values("host_task_id")


# --- patches and actions ----------------------------------------------------------------------------------------------


def results_of_patches(run: Run, patches: Sequence[Patch]) -> dict[int, Counts]:
    """Patch's key → on how many hosts it ended how, by three queries. Hosts that wait for their work count as well."""
    results: dict[int, dict[str, int]] = {patch.pk: {} for patch in patches}
    steps = steps_of(run).filter(kind=StepKind.PATCH, patch__in=list(results)).annotate(result=_step_result(run))
    rows = steps.order_by("patch_id", "result").values_list("patch_id", "result").annotate(count_=Count("pk"))
    for patch_id, result, count in rows:
        results[patch_id][result] = count
    waiting = _waiting(run)
    links = _links_to_come(run, waiting).filter(patch__in=list(results)).order_by("patch_id")
    unscanned = waiting.filter(asset__scanned_at=None).order_by("asset__package_manager")
    by_manager = dict(unscanned.values_list("asset__package_manager").annotate(Count("pk")))
    by_patch = dict(links.values_list("patch_id").annotate(Count("pk")))
    for patch in patches:
        to_come = by_patch.get(patch.pk, 0) + by_manager.get(patch.package_manager, 0)
        results[patch.pk][TO_COME] = results[patch.pk].get(TO_COME, 0) + to_come
    return results  # type: ignore[return-value]  # a dict's values are invariant


def results_of_actions(run: Run) -> dict[str, Counts]:
    """Action's id → on how many hosts it ended how, by two queries. Hosts that wait for their work count as well."""
    steps = steps_of(run).filter(kind=StepKind.ACTION).annotate(result=_step_result(run))
    rows = steps.order_by("action_id", "result").values_list("action_id", "result").annotate(count_=Count("pk"))
    waiting = _waiting(run).count()
    results: dict[str, dict[str, int]] = {
        action["actionId"]: {TO_COME: waiting} for action in run.snapshot.get("actions", ())
    }
    for action_id, result, count in rows:
        counts = results.setdefault(str(action_id), {TO_COME: waiting})
        counts[result] = counts.get(result, 0) + count
    return results  # type: ignore[return-value]  # a dict's values are invariant


def patches_of(run: Run) -> QuerySet[Patch]:
    """The patches that the run deals with."""
    keys = [patch["pk"] for patch in run.snapshot.get("patches", ())]
    found: QuerySet[Patch] = Patch.objects.for_customer(run.customer_id).filter(pk__in=keys)
    return found


def patch_result(run: Run) -> Case:
    """How a patch step ended, as an expression on steps: a PatchResult, or what it waits for.

    What the agent calls done counts once the closing scan showed it, and fails where the host ended without. A newer
    version that was there already is no failure, though no scan will show the older one.
    """
    ended, done = _ended(), {"state": StepState.SUCCEEDED}
    there = Q(reason=_ALREADY_THERE, **done)
    newer = there & ~Q(to_version="") & ~Q(to_version=F("patch__version"))
    installs = run.snapshot.get("type") == JobType.INSTALL
    return Case(
        *([When(newer, then=Value(PatchResult.SUPERSEDED.value))] if installs else []),
        When(Q(state__in=sorted(BAD_STEPS)) | Q(verified=False, **done), then=Value(PatchResult.FAILED.value)),
        When(ended & Q(verified=None, **done), then=Value(PatchResult.FAILED.value)),
        When(verified=None, host_task__state=HostTaskState.AWAITING_REBOOT, then=Value(TO_RESTART), **done),
        When(verified=None, then=Value(TO_VERIFY), **done),
        *([When(there, then=Value(PatchResult.INSTALLED.value))] if installs else []),
        When(host_task__reason=Reason.REBOOT_PENDING, then=Value(TO_RESTART), **done),
        When(then=Value(PatchResult.SUCCESS.value), **done),
        When(state=StepState.NOT_APPLICABLE, then=Value(PatchResult.NOT_APPLICABLE.value)),
        When(state=StepState.SKIPPED, then=Value(PatchResult.SKIPPED.value)),
        *_without_end(begun=PatchResult.FAILED, not_begun=PatchResult.SKIPPED),
        output_field=CharField(),
    )


def action_result() -> Case:
    """How an action step ended, as an expression on steps: an ActionResult, or what it waits for.

    Partial is one that was begun, of which nobody can say whether it was done to its end.
    """
    return Case(
        When(state=StepState.SUCCEEDED, then=Value(ActionResult.SUCCEEDED.value)),
        When(state=StepState.FAILED, then=Value(ActionResult.FAILED.value)),
        When(state=StepState.INTERRUPTED, then=Value(ActionResult.PARTIAL.value)),
        When(state__in=[StepState.SKIPPED, StepState.NOT_APPLICABLE], then=Value(ActionResult.SKIPPED.value)),
        *_without_end(begun=ActionResult.PARTIAL, not_begun=ActionResult.SKIPPED),
        output_field=CharField(),
    )


def _step_result(run: Run) -> Case:
    return Case(When(kind=StepKind.PATCH, then=patch_result(run)), default=action_result(), output_field=CharField())


def _without_end(*, begun: str, not_begun: str) -> Iterable[When]:
    """Steps that nobody reported an end of: nothing follows any more once their host has ended."""
    yield When(_ended() & Q(state=StepState.RUNNING), then=Value(str(begun)))
    yield When(_ended() & Q(state=StepState.PENDING), then=Value(str(not_begun)))
    yield When(state=StepState.RUNNING, then=Value(UNDER_WAY))
    yield When(state=StepState.PENDING, then=Value(TO_COME))


def _ended() -> Q:
    return Q(host_task__state__in=sorted(FINAL_HOST_TASKS))


def steps_of(run: Run) -> QuerySet[Step]:
    """The steps of every host's newest attempt."""
    steps: QuerySet[Step] = Step.objects.for_customer(run.customer_id).filter(
        host_task__run=run, attempt=F("host_task__attempt")
    )
    return steps


# --- hosts that wait: their steps are written down when they get their work -------------------------------------------


def _waiting(run: Run) -> QuerySet[HostTask]:
    waiting: QuerySet[HostTask] = HostTask.objects.for_customer(run.customer_id).filter(
        run=run, state=HostTaskState.PENDING
    )
    return waiting


def _awaited(run: Run, tasks: Sequence[HostTask]) -> dict[int, int]:
    """Key of a host task that waits → how many patches it would get now: as services.plans has it, counted."""
    waiting = [task for task in tasks if task.state == HostTaskState.PENDING]
    if not waiting:
        return {}
    links = _links_to_come(run, _waiting(run).filter(pk__in=[task.pk for task in waiting]))
    scanned = dict(links.order_by("asset_id").values_list("asset_id").annotate(Count("pk")))
    return {task.pk: _unscanned(run, task.asset) or scanned.get(task.asset_id, 0) for task in waiting}


def _unscanned(run: Run, asset: Asset) -> int:
    """How many patches an asset without a scan gets: all of its package manager. None where it has one."""
    if asset.scanned_at is not None:
        return 0
    return sum(patch["packageManager"] == asset.package_manager for patch in run.snapshot.get("patches", ()))


def _links_to_come(run: Run, waiting: QuerySet[HostTask]) -> QuerySet[AssetPatch]:
    """What of the run's patches concerns scanned hosts that wait, by their last scans."""
    installs = run.snapshot.get("type") == JobType.INSTALL
    replaced = ~Q(from_version="") & (Q(status=PatchStatus.INSTALLED) | Q(broken=True))
    links: QuerySet[AssetPatch] = AssetPatch.objects.for_customer(run.customer_id).filter(
        Q(status=PatchStatus.MISSING) if installs else replaced,
        asset__in=waiting.filter(asset__scanned_at__isnull=False).values("asset_id"),
        patch__in=patches_of(run).values("pk"),
        patch__package_manager=F("asset__package_manager"),
    )
    return links


# --- one host ---------------------------------------------------------------------------------------------------------


def situation(run: Run, *, asset: Asset, patch: Patch | None, at: datetime) -> Situation:
    """What there is to explain how a host, or a patch on it, stands in the run."""
    task = HostTask.objects.for_customer(run.customer_id).filter(run=run, asset=asset).first()
    steps = steps_of(run).filter(host_task=task).order_by("number") if task else ()
    held = HostTask.objects.for_customer(run.customer_id).filter(asset=asset).held().exclude(run=run)
    return Situation(
        run=run,
        asset=asset,
        task=task,
        patch=patch,
        steps=list(steps),
        blocked_by=held.values_list("run__job__name", flat=True).first(),
        called_for=patch is not None and _is_called_for(run, asset, patch),
        at=at,
        queue=queue_of(task) if task else None,
    )


def _is_called_for(run: Run, asset: Asset, patch: Patch) -> bool:
    if asset.scanned_at is None:
        return patch.package_manager == asset.package_manager
    return _links_to_come(run, _waiting(run).filter(asset=asset)).filter(patch=patch).exists()
