"""A job's life: created, changed, enabled, run, deleted. The first commit wins: each change locks the job's row."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime

from django.db import transaction
from django.db.models import F

from core import events
from core.errors import MISSING, Conflict, InvalidInput, Problem
from core.shapes import check
from deployments import schedules
from deployments.definition import JobDefinition
from deployments.models import HostTask, Job, Part, Run, ScheduleType, TimezoneType, Trigger
from deployments.reasons import Reason
from deployments.services.approvals import require_approved, void
from deployments.services.clocks import clocks, next_start
from deployments.services.definitions import check_definition, late, store
from deployments.services.editors import require_editor
from deployments.services.freezing import refuse_held
from deployments.services.host_tasks import cancel_hosts
from deployments.services.runs import close, delete_if_waiting, open_run
from deployments.services.thaws import look_again
from deployments.services.ticks import settle_as_missed
from deployments.states import HostTaskState, JobState, RunState
from inventory.models import Platform
from scheduling import windows
from tenants.models import User

_NOT_BEGUN = [RunState.PENDING, RunState.FROZEN, RunState.AWAITING_APPROVAL]
_RUN_ONCE_STAYS = "Non-recurring jobs cannot be disabled once enabled by user"


def create(*, customer_id: int, user: User, body: object, at: datetime) -> Job:
    """Store a job with its targets and actions; start it if it is due. Raises InvalidInput with all problems."""
    checked = check_definition(customer_id=customer_id, user=user, body=body, at=at)
    job = Job(customer_id=customer_id, state=JobState.DISABLED, state_changed_at=at, created_by=user, created_at=at)
    store(job=job, checked=checked, at=at)
    events.record(kind="job.created", at=at, data={"by": str(user.public_id)}, **job.event_ids())
    if checked.definition.status == JobState.ENABLED:
        _enable(job, at=at)
    return job


def replace(*, job: Job, user: User, body: object, at: datetime) -> Job:
    """Put another definition in the place of a job's. What the body does not say is reset, except the status.

    Raises InvalidInput with all problems, NotPermitted, and Conflict for a run-once job that has been enabled.
    """
    job = lock(job)
    require_editor(job, user)
    _refuse_edit_of_started(job, body)
    checked = check_definition(customer_id=job.customer_id, user=user, body=_keeping_status(body, job), at=at, job=job)
    _refuse_leaving_children(job, checked.definition.platform)
    before = copy(job)
    store(job=job, checked=checked, at=at)
    void(job, at=at)
    _note_change(job, user=user, at=at)
    events.record(kind="job.changed", at=at, data={"by": str(user.public_id)}, **job.event_ids())
    if schedules.starts_differ(before, job):
        _reschedule(job, before=before, at=at)
    elif job.timezone_type == TimezoneType.AGENT:
        # Its machines may be others now: the tick is to look at once.
        Job.objects.filter(pk=job.pk).update(due_at=F("next_run_at"))
    # It may name other calendars, or have another missed-run policy.
    look_again(customer_id=job.customer_id, job=job)
    if checked.definition.status != job.state:
        _switch(job, JobState(checked.definition.status), at=at)
    return job


def supersede(*, customer_id: int, user: User, body: object, at: datetime) -> tuple[Job, bool]:
    """Put a definition in the place of the live job with its external id; where there is none, create it (True).

    Raises as `create` and `replace` do, and InvalidInput for a body without an external id.
    """
    fields, problems = check(JobDefinition, body)
    name = fields.get("external_id")
    if name is None:
        if not {"", "externalId"} & {one.field for one in problems}:
            problems.append(Problem("externalId", "required", "is required where replace is true", MISSING))
        raise InvalidInput(problems=problems)
    # Locked: one that is being deleted is gone once it is our turn.
    earlier = Job.objects.for_customer(customer_id).live().filter(external_id=name).select_for_update(of=("self",))
    if not (job := earlier.first()):
        try:
            with transaction.atomic():
                return create(customer_id=customer_id, user=user, body=body, at=at), True
        except Conflict:
            # Another request was first.
            if not (job := earlier.first()):
                raise
    return replace(job=job, user=user, body=body, at=at), False


def set_status(*, job: Job, state: JobState, user: User, at: datetime) -> None:
    """Enable or disable a job; a second time changes nothing.

    Raises NotPermitted where this user may not edit it, Conflict where it may not be switched (any more).
    """
    job = lock(job)
    require_editor(job, user)
    if job.state == state:
        return
    _switch(job, state, at=at)
    _note_change(job, user=user, at=at)


def run_now(*, job: Job, user: User, at: datetime) -> Run:
    """Open a run outside of the schedule. Also of a disabled job, if it could be enabled. Raises Conflict otherwise."""
    job = lock(job)
    require_editor(job, user)
    _require_runnable(job)
    refuse_held(job, at=at)
    require_approved(job, at=at)
    return open_run(job=job, trigger=Trigger.USER, scheduled_for=at, at=at)


def delete(*, job: Job, user: User, at: datetime) -> bool:
    """Delete a job: at once (True), or once the run that is going has ended (False). Cancels what has not begun."""
    job = lock(job)
    require_editor(job, user)
    if job.children.live().exists():
        raise Conflict("Other jobs are linked to this one. Delete them first.")
    if job.state != JobState.DELETING:
        job.move_to(JobState.DELETING, at=at, next_run_at=None, due_at=None, deleted_by=user, deleted_at=at)
    _cancel_what_has_not_begun(job, reason=Reason.JOB_DELETED, at=at)
    delete_if_waiting(job_id=job.pk, at=at)
    return Job.objects.get(pk=job.pk).state == JobState.DELETED


def lock(job: Job) -> Job:
    """The job as it is now, its row locked until the transaction ends."""
    return Job.objects.select_for_update(of=("self",)).get(pk=job.pk)


def _keeping_status(body: object, job: Job) -> object:
    """What a definition does not say is reset, except the status: the whole is then judged as one of that status."""
    if not isinstance(body, Mapping) or body.get("status") not in (None, "", "null"):
        return body
    return {**body, "status": job.state}


def _refuse_leaving_children(job: Job, platform: Platform) -> None:
    if platform != job.platform and job.children.live().exists():
        raise Conflict("Other jobs are linked to this one, so its platform stays.")


def _switch(job: Job, state: JobState, *, at: datetime) -> None:
    if state == JobState.ENABLED:
        _require_runnable(job)
        _enable(job, at=at)
    elif job.is_run_once:
        raise Conflict(_RUN_ONCE_STAYS)
    else:
        since = min(at, job.due_at or at)
        job.move_to(JobState.DISABLED, at=at, next_run_at=None, due_at=None, disabled_since=since)
        _cancel_what_has_not_begun(job, reason=Reason.JOB_DISABLED, at=at)


def _refuse_edit_of_started(job: Job, body: object) -> None:
    if job.is_run_once and job.state == JobState.ENABLED:
        wanted = str(body.get("status", "")) if isinstance(body, Mapping) else ""
        disables = wanted.strip().casefold() == JobState.DISABLED.casefold()
        raise Conflict(_RUN_ONCE_STAYS if disables else "Non-recurring jobs cannot be edited once enabled by user")


def _reschedule(job: Job, *, before: Job, at: datetime) -> None:
    """From now on by the new schedule. What was due by the old one just now is noted as missed."""
    if job.state == JobState.ENABLED:
        settle_as_missed(before, reason=Reason.JOB_CHANGED, at=at)
        job.last_instance = before.last_instance
        job.next_run_at = job.due_at = next_start(job, after=at)
    # The starts that a disabled job missed were those of its old schedule.
    job.disabled_since = job.disabled_since and at
    job.save(update_fields=["next_run_at", "due_at", "last_instance", "disabled_since"])


def _note_change(job: Job, *, user: User, at: datetime) -> None:
    """Who changed it, and the next revision: readers of the one before find that out by its ETag."""
    job.updated_by, job.updated_at = user, at
    job.revision += 1
    job.save(update_fields=["updated_by", "updated_at", "revision"])


def _require_runnable(job: Job) -> None:
    """Raises InvalidInput where the job has nothing to do, or nowhere to do it."""
    problems = []
    if not (job.is_dynamic_patches_qql or job.linked_job_id or job.patch_links.exists() or job.actions.exists()):
        message = "the job needs at least one patch, query, linked job or action"
        problems.append(Problem("approvedPatches", "required", message, MISSING))
    included = {"part": Part.INCLUDE}
    if not (job.asset_links.filter(**included).exists() or job.tag_links.filter(**included).exists()):
        problems.append(Problem("assetIds", "required", "the job needs at least one asset or tag", MISSING))
    if problems:
        raise InvalidInput(problems=problems)


def _enable(job: Job, *, at: datetime) -> None:
    """On-demand starts now, unless its parent starts it. Once waits for its time, or starts now inside its window."""
    if job.schedule_type == ScheduleType.ON_DEMAND:
        job.move_to(JobState.ENABLED, at=at)
        if not job.chained_job_rule:
            open_run(job=job, trigger=Trigger.ENABLED, scheduled_for=at, at=at)
        return
    if job.schedule_type != ScheduleType.ONCE:
        start = _first_start(job, at=at)
        job.move_to(JobState.ENABLED, at=at, disabled_since=None, disabled_until=at, next_run_at=start, due_at=start)
        return
    if problems := late(job, at=at):
        raise InvalidInput(problems=problems)
    start = schedules.once_at(job)
    if schedules.first_start_of(job, start, clocks(job)) >= at:
        job.move_to(JobState.ENABLED, at=at, next_run_at=start, due_at=start)
        return
    job.move_to(JobState.ENABLED, at=at, disabled_until=at)
    open_run(job=job, trigger=Trigger.SCHEDULE, scheduled_for=start, at=at)


def _first_start(job: Job, *, at: datetime) -> datetime | None:
    """Of a recurring job that is being enabled: the first start that it missed while it was disabled, or the next."""
    since = max(job.disabled_since or at, at - windows.LONGEST)
    return next_start(job, after=since - schedules.A_MOMENT if since < at else at)


def _cancel_what_has_not_begun(job: Job, *, reason: Reason, at: datetime) -> None:
    """Runs that have not resolved, and hosts that have not started."""
    for run in Run.objects.filter(job=job, state__in=_NOT_BEGUN).order_by("pk").select_for_update(no_key=True):
        run.move_to(RunState.CANCELED, at=at, reason=reason, finished_at=at, resumes_at=None)
    going = Run.objects.filter(job=job).open()
    cancel_hosts(HostTask.objects.filter(run__in=going, state=HostTaskState.PENDING), reason=reason, at=at)
    for run in going:
        close(run_id=run.pk, at=at)
