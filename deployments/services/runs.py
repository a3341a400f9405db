"""A run's life: opened, resolved into host tasks, closed."""

from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, CharField, Count, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, When

from core import events
from deployments.models import HostTask, Job, Run, Trigger
from deployments.reasons import Reason
from deployments.services.snapshots import freeze, target_of
from deployments.states import HostTaskState, JobState, RunState
from inventory.models import AssetPatch, PatchStatus
from inventory.targeting import considered
from scheduling.windows import deadline


def open_run(*, job: Job, trigger: Trigger, scheduled_for: datetime, at: datetime) -> Run:
    """Start a run of a job whose row the caller holds locked. It resolves as soon as a worker gets to it."""
    job.last_instance += 1
    Job.objects.filter(pk=job.pk).update(last_instance=job.last_instance)
    run = Run.objects.create(
        customer_id=job.customer_id,
        job=job,
        instance=job.last_instance,
        trigger=trigger,
        scheduled_for=scheduled_for,
        deadline=deadline(start=scheduled_for, timeout=job.timeout, unit=job.timeout_unit),
        opened_at=at,
        state_changed_at=at,
    )
    events.record(kind="run.opened", at=at, **run.event_ids())
    return run


def resolve(*, run_id: int, at: datetime) -> None:
    """Freeze the snapshot and make the host tasks. A run that is no longer pending is left alone."""
    run = Run.objects.select_for_update(of=("self",)).select_related("job").filter(pk=run_id).first()
    if run is None or run.state != RunState.PENDING:
        return
    if run.deadline <= at:
        run.move_to(RunState.MISSED, at=at, reason=Reason.WINDOW_OVER, finished_at=at)
        return
    run.move_to(RunState.RESOLVING, at=at, snapshot=freeze(run.job))
    _make_host_tasks(run, at=at)
    run.move_to(RunState.RUNNING, at=at, started_at=at, told_as="started", data=_facts(run))
    _tell_if_hosts_are_done(run, at=at)


def close(*, run_id: int, at: datetime) -> None:
    """End a run whose host tasks have all ended; any other is left alone. Deletes the job if it waited for this."""
    # Locks are taken in one order everywhere, job, run, host task: a deletion holds the job when it comes to the run.
    Job.objects.select_for_update(of=("self",)).filter(runs=run_id).first()
    run = Run.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None or run.is_final or run.state == RunState.PENDING or _open_tasks(run).exists():
        return
    counts = count_host_tasks(run)
    reason = Reason.DONE if counts else Reason.NO_HOSTS
    run.counts = counts
    run.move_to(
        RunState.COMPLETED, at=at, reason=reason, finished_at=at, counts=counts, data=_facts(run) | {"counts": counts}
    )
    delete_if_waiting(job_id=run.job_id, at=at)


def delete_if_waiting(*, job_id: int, at: datetime) -> None:
    """A job that was to be deleted once its runs had ended goes now, if they have."""
    job = Job.objects.select_for_update(of=("self",)).get(pk=job_id)
    if job.state == JobState.DELETING and not Run.objects.filter(job_id=job_id).open().exists():
        job.move_to(JobState.DELETED, at=at, next_run_at=None)
        # Its runs have their snapshots; its tags are free to go.
        job.tag_links.all().delete()


def count_host_tasks(run: Run) -> dict[str, int]:
    """How many host tasks of a run are in each state, by one grouped query."""
    rows = run.host_tasks.values("state").annotate(hosts=Count("pk")).order_by("state")
    return {row["state"]: row["hosts"] for row in rows}


def tell_if_last(task: HostTask, *, at: datetime) -> None:
    """After a host task ended: wake the closing of its run if no other is open.

    Two that end at the same moment may each see the other still open; the sweep finds such a run.
    """
    _tell_if_hosts_are_done(task.run, at=at)


def _tell_if_hosts_are_done(run: Run, *, at: datetime) -> None:
    if not _open_tasks(run).exists():
        events.record(kind="run.hosts_done", at=at, **run.event_ids())


def _open_tasks(run: Run) -> QuerySet[HostTask]:
    return HostTask.objects.filter(run=run).open()


def _facts(run: Run) -> dict[str, Any]:
    """What a notification says of a run. No secrets, no scripts."""
    return {
        "jobId": run.snapshot["jobId"],
        "jobName": run.snapshot["name"],
        "type": run.snapshot["type"],
        "jobInstanceId": run.instance,
        "hosts": run.host_tasks.count(),
        "notification": run.snapshot["notification"],
    }


def _make_host_tasks(run: Run, *, at: datetime) -> None:
    """One INSERT … SELECT: a row for every asset considered, those with nothing to do already at their end."""
    assets = considered(customer_id=run.customer_id, target=target_of(run.snapshot)).annotate(
        reason_=_reason(run), start_=Value(run.scheduled_for, DateTimeField())
    )
    rows = assets.values_list(
        Value(run.customer_id),
        Value(run.pk),
        F("pk"),
        Case(
            When(reason_="", then=Value(HostTaskState.PENDING.value)),
            When(reason_=Reason.EXCLUDED.value, then=Value(HostTaskState.SKIPPED.value)),
            default=Value(HostTaskState.NOT_APPLICABLE.value),
            output_field=CharField(),
        ),
        Value(at, DateTimeField()),
        F("reason_"),
        F("start_"),
        Value(run.deadline, DateTimeField()),
        Case(When(reason_="", then=None), default=Value(at, DateTimeField()), output_field=DateTimeField()),
    )
    sql, params = rows.order_by().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deployments_hosttask (customer_id, run_id, asset_id, state, state_changed_at, reason, "
            f"start_at, deadline, finished_at) {sql}",
            params,
        )


def _reason(run: Run) -> Case:
    """Why an asset has nothing to do in this run, or '' where it has."""
    return Case(
        When(target_of(run.snapshot).excluded(), then=Value(Reason.EXCLUDED.value)),
        When(~Q(platform=run.snapshot["platform"]), then=Value(Reason.OTHER_PLATFORM.value)),
        *_nothing_to_do(run),
        default=Value(""),
        output_field=CharField(),
    )


def _nothing_to_do(run: Run) -> list[When]:
    """By its last scan, the asset needs no patch of the run. One without a scan finds out itself."""
    patch_ids = [patch["pk"] for patch in run.snapshot["patches"]]
    if not patch_ids:
        return []
    here = AssetPatch.objects.filter(customer_id=run.customer_id, asset_id=OuterRef("pk"), patch_id__in=patch_ids)
    scanned = Q(scanned_at__isnull=False)
    if run.snapshot["type"] == "Install":
        missing = Exists(here.filter(status=PatchStatus.MISSING))
        return [When(scanned & ~Q(missing), then=Value(Reason.NO_PATCH_MISSING.value))]
    replaced = Exists(here.exclude(from_version="").filter(Q(status=PatchStatus.INSTALLED) | Q(broken=True)))
    return [When(scanned & ~Q(replaced), then=Value(Reason.NOTHING_TO_ROLL_BACK.value))]
