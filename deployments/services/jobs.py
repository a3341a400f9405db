"""A job's life: created, enabled, run, deleted. The first commit wins: each change locks the job's row."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from core import events
from core.errors import Conflict, InvalidInput, NotPermitted, Problem
from core.shapes import check
from deployments.definition import Action, JobDefinition, Notification
from deployments.models import (
    HostTask,
    Job,
    JobAction,
    JobAsset,
    JobCoAuthor,
    JobPatch,
    JobTag,
    Part,
    Run,
    ScheduleType,
    Stage,
    Trigger,
)
from deployments.reasons import Reason
from deployments.services.host_tasks import end
from deployments.services.runs import close, delete_if_waiting, open_run
from deployments.states import HostTaskState, JobState, RunState
from inventory.models import Asset, Patch, Tag
from scheduling import local_time, zones
from scheduling.windows import deadline
from tenants.models import CustomerOwned, Role, User

# Field of the definition → the table that its ids name.
_REFERENCES: dict[str, type[CustomerOwned]] = {
    "approved_patches": Patch,
    "asset_ids": Asset,
    "exclusion_asset_ids": Asset,
    "asset_tag_ids": Tag,
    "match_all_tag_ids": Tag,
    "exclusion_tag_ids": Tag,
    "co_author_user_ids": User,
}
_LISTS = (*_REFERENCES, "pre_deploy_actions", "post_deploy_actions")
# Read from the definition by code of their own; every other field is a column of the same name.
_NOT_COLUMNS = {*_LISTS, "status", "start_date_time", "notification"}
_RUN_ONCE_STAYS = "Non-recurring jobs cannot be disabled once enabled by user"


def create(*, customer_id: int, user: User, body: object, at: datetime) -> Job:
    """Store a job with its targets and actions; start it if it is due. Raises InvalidInput with all problems."""
    checked, problems = check(JobDefinition, body)
    fields: dict[str, Any] = checked
    references = _resolve(customer_id, fields, problems)
    if not problems:
        problems += _late_problems(fields, at=at)
    if problems:
        raise InvalidInput(problems=problems)
    definition = _definition(fields)
    job = _insert(customer_id=customer_id, user=user, definition=definition, at=at)
    _link(job, definition, references)
    events.record(kind="job.created", at=at, data={"by": str(user.public_id)}, **job.event_ids())
    if definition.status == JobState.ENABLED:
        _enable(job, at=at)
    return job


def set_status(*, job: Job, state: JobState, user: User, at: datetime) -> None:
    """Enable or disable a job; a second time changes nothing.

    Raises NotPermitted where this user may not edit it, Conflict where it may not be switched (any more).
    """
    job = lock(job)
    require_editor(job, user)
    if job.state == state:
        return
    if state == JobState.DISABLED:
        if job.is_run_once:
            raise Conflict(_RUN_ONCE_STAYS)
        job.move_to(JobState.DISABLED, at=at, next_run_at=None, updated_by=user, updated_at=at)
        return
    _require_runnable(job)
    Job.objects.filter(pk=job.pk).update(updated_by=user, updated_at=at)
    _enable(job, at=at)


def run_now(*, job: Job, user: User, at: datetime) -> Run:
    """Open a run outside of the schedule. Also of a disabled job, if it could be enabled. Raises Conflict otherwise."""
    job = lock(job)
    require_editor(job, user)
    _require_runnable(job)
    return open_run(job=job, trigger=Trigger.USER, scheduled_for=at, at=at)


def delete(*, job: Job, user: User, at: datetime) -> bool:
    """Delete a job: at once (True), or once the run that is going has ended (False). Cancels what has not begun."""
    job = lock(job)
    require_editor(job, user)
    if job.children.live().exists():
        raise Conflict("Other jobs are linked to this one. Delete them first.")
    if job.state != JobState.DELETING:
        job.move_to(JobState.DELETING, at=at, next_run_at=None, deleted_by=user, deleted_at=at)
    _cancel_what_has_not_begun(job, at=at)
    delete_if_waiting(job_id=job.pk, at=at)
    return Job.objects.get(pk=job.pk).state == JobState.DELETED


def lock(job: Job) -> Job:
    """The job as it is now, its row locked until the transaction ends."""
    return Job.objects.select_for_update(of=("self",)).get(pk=job.pk)


def require_editor(job: Job, user: User) -> None:
    """Raises NotPermitted unless this user wrote the job, co-authors it, or administers the customer."""
    if user.may(Role.ADMIN) or job.created_by_id == user.pk or job.co_author_links.filter(user=user).exists():
        return
    raise NotPermitted("Only the job's author, its co-authors and administrators may change it.")


def _resolve(customer_id: int, fields: dict[str, Any], problems: list[Problem]) -> dict[str, dict[UUID, int]]:
    """Our ids for the ones in a body. One that is unknown and one of another customer get the same problem."""
    found: dict[str, dict[UUID, int]] = {}
    for model in dict.fromkeys(_REFERENCES.values()):
        names = [name for name, kind in _REFERENCES.items() if kind is model]
        wanted = {one for name in names for one in fields.get(name) or ()}
        known = _ids(model, customer_id, wanted)
        for name in names:
            found[name] = known
            problems += _unknown(name, fields.get(name) or (), known)
    return found


def _ids(model: Any, customer_id: int, wanted: set[UUID]) -> dict[UUID, int]:
    if not wanted:
        return {}
    rows = model.objects.for_customer(customer_id).filter(public_id__in=wanted)
    return dict(rows.values_list("public_id", "pk"))


def _unknown(name: str, ids: Iterable[UUID], known: dict[UUID, int]) -> list[Problem]:
    wire = JobDefinition.model_fields[name].alias or name
    return [
        Problem(field=f"{wire}[{index}]", code="unknown_id", message=f"no such id: {one}")
        for index, one in enumerate(ids)
        if one not in known
    ]


def _late_problems(fields: dict[str, Any], *, at: datetime) -> list[Problem]:
    """What only the clock can tell: a Once job whose window is over cannot be enabled."""
    definition = _definition(fields)
    if definition.status != JobState.ENABLED or definition.schedule_type != ScheduleType.ONCE:
        return []
    start = zones.instant(local_time.parse(str(definition.start_date_time)), definition.timezone)
    if at < deadline(start=start, timeout=definition.timeout, unit=definition.timeout_unit):
        return []
    message = "lies in the past, and the patch window that began then is over"
    return [Problem(field="startDateTime", code="past", message=message)]


def _definition(fields: dict[str, Any]) -> JobDefinition:
    return JobDefinition.model_construct(_fields_set=set(fields), **fields)


def _insert(*, customer_id: int, user: User, definition: JobDefinition, at: datetime) -> Job:
    columns = {
        name: value
        for name in definition.model_fields_set - _NOT_COLUMNS
        if (value := getattr(definition, name)) is not None and _is_column(name)
    }
    columns["timezone_type"], columns["timezone"] = definition.timezone_type, definition.timezone
    columns["platform"] = definition.platform
    job = Job(
        customer_id=customer_id,
        state=JobState.DISABLED,
        state_changed_at=at,
        start_local=definition.start_date_time or _now_there(at, definition.timezone),
        notification=_notification(definition.notification),
        sent_empty={_wire(name): [] for name in _LISTS if getattr(definition, name) == []},
        created_by=user,
        created_at=at,
        **columns,
    )
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError as taken:
        if "one_live_job_per_external_id" not in str(taken):
            raise
        message = f"a live job has the external id {definition.external_id!r} already"
        raise Conflict(message, problems=[Problem(field="externalId", code="taken", message=message)]) from taken
    return job


def _is_column(name: str) -> bool:
    return any(column.name == name for column in Job._meta.concrete_fields)


def _wire(name: str) -> str:
    return JobDefinition.model_fields[name].alias or name


def _now_there(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0).isoformat(timespec="seconds")


def _notification(notification: Notification | None) -> dict[str, Any] | None:
    """As stored: null unless mail is wanted."""
    if notification is None or not notification.notification_types.email:
        return None
    return {
        "notificationTypes": {"email": True},
        "notificationConfigs": {
            "recipientEmails": notification.notification_configs.recipient_emails,
            "completedPercentage": None,
        },
        "notificationEvents": {
            "onJobStart": notification.notification_events.on_job_start,
            "onJobComplete": notification.notification_events.on_job_complete,
        },
    }


def _link(job: Job, definition: JobDefinition, references: dict[str, dict[UUID, int]]) -> None:
    """Write the rows that a job names, and its actions: one statement per table."""

    def links(model: type[models.Model], column: str, name: str, **more: Any) -> list[Any]:
        return [
            model(customer_id=job.customer_id, job=job, position=position, **{column: references[name][one]}, **more)
            for position, one in enumerate(getattr(definition, name) or ())
        ]

    JobPatch.objects.bulk_create(links(JobPatch, "patch_id", "approved_patches"))
    JobAsset.objects.bulk_create(
        links(JobAsset, "asset_id", "asset_ids", part=Part.INCLUDE)
        + links(JobAsset, "asset_id", "exclusion_asset_ids", part=Part.EXCLUDE)
    )
    JobTag.objects.bulk_create(
        links(JobTag, "tag_id", "asset_tag_ids", part=Part.INCLUDE)
        + links(JobTag, "tag_id", "match_all_tag_ids", part=Part.MATCH_ALL)
        + links(JobTag, "tag_id", "exclusion_tag_ids", part=Part.EXCLUDE)
    )
    JobCoAuthor.objects.bulk_create(links(JobCoAuthor, "user_id", "co_author_user_ids"))
    JobAction.objects.bulk_create(
        [
            *_actions(job, definition.pre_deploy_actions, Stage.PRE),
            *_actions(job, definition.post_deploy_actions, Stage.POST),
        ]
    )


def _actions(job: Job, actions: list[Action] | None, stage: Stage) -> list[JobAction]:
    return [
        JobAction(
            customer_id=job.customer_id,
            job=job,
            stage=stage,
            position=position,
            action=action.action,
            params={
                "actionItem": action.params.action_item,
                "timeout": action.params.timeout,
                "remediationScope": False,
            },
            script=action.script,
            script_type=action.script_type,
        )
        for position, action in enumerate(actions or ())
    ]


def _require_runnable(job: Job) -> None:
    """Raises InvalidInput where the job has nothing to do, or nowhere to do it."""
    problems = []
    if not (job.patch_links.exists() or job.actions.exists()):
        problems.append(Problem("approvedPatches", "required", "the job needs at least one patch or action", "1903"))
    included = {"part": Part.INCLUDE}
    if not (job.asset_links.filter(**included).exists() or job.tag_links.filter(**included).exists()):
        problems.append(Problem("assetIds", "required", "the job needs at least one asset or tag", "1903"))
    if problems:
        raise InvalidInput(problems=problems)


def _enable(job: Job, *, at: datetime) -> None:
    """On-demand starts now. Once waits for its time, or starts now while its window is open."""
    if job.schedule_type == ScheduleType.ON_DEMAND:
        job.move_to(JobState.ENABLED, at=at)
        open_run(job=job, trigger=Trigger.ENABLED, scheduled_for=at, at=at)
        return
    start = zones.instant(local_time.parse(job.start_local), job.timezone)
    if at >= deadline(start=start, timeout=job.timeout, unit=job.timeout_unit):
        message = "lies in the past, and the patch window that began then is over"
        raise InvalidInput(problems=[Problem(field="startDateTime", code="past", message=message)])
    job.move_to(JobState.ENABLED, at=at, next_run_at=start)


def _cancel_what_has_not_begun(job: Job, *, at: datetime) -> None:
    """Runs that have not resolved, and hosts that have not started."""
    for run in Run.objects.filter(job=job, state=RunState.PENDING).select_for_update():
        run.move_to(RunState.CANCELED, at=at, reason=Reason.JOB_DELETED, finished_at=at)
    waiting = HostTask.objects.filter(run__job=job, state=HostTaskState.PENDING).select_related("run")
    for task in waiting.select_for_update(of=("self",)):
        end(task, state=HostTaskState.CANCELED, reason=Reason.JOB_DELETED, at=at)
    for run in Run.objects.filter(job=job).open():
        close(run_id=run.pk, at=at)
