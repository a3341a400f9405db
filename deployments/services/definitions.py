"""A job's definition: checked as a whole, and stored with everything that it names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from core.errors import Conflict, InvalidInput, Problem
from core.shapes import check
from deployments.definition import Action, JobDefinition, Notification, ScriptPath
from deployments.models import (
    Job,
    JobAction,
    JobAsset,
    JobCoAuthor,
    JobPatch,
    JobTag,
    Part,
    ScheduleType,
    Stage,
)
from deployments.services.editors import may_edit
from deployments.states import JobState
from inventory.models import Asset, Patch, Tag
from scheduling import local_time, zones
from scheduling.windows import deadline
from tenants.models import CustomerOwned, User

# Field of the definition → the table that its ids name.
_REFERENCES: Mapping[str, type[CustomerOwned]] = {
    "approved_patches": Patch,
    "asset_ids": Asset,
    "exclusion_asset_ids": Asset,
    "asset_tag_ids": Tag,
    "match_all_tag_ids": Tag,
    "exclusion_tag_ids": Tag,
    "co_author_user_ids": User,
}
_STAGES = {"pre_deploy_actions": Stage.PRE, "post_deploy_actions": Stage.POST}
_LISTS = (*_REFERENCES, *_STAGES)
# Stored by code of their own; every other field that has a column of its name is stored there.
_NOT_COLUMNS = {*_LISTS, "status", "start_date_time", "notification"}
_COLUMNS = {column.name: column for column in Job._meta.concrete_fields}


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition without problems, our ids for its references, and the stored actions that its script paths name."""

    definition: JobDefinition
    references: Mapping[str, Mapping[UUID, int]]
    actions: Mapping[UUID, JobAction]


def check_definition(*, customer_id: int, user: User, body: object, at: datetime) -> Checked:
    """Read a body. Raises InvalidInput with every problem, those of its references included."""
    checked, problems = check(JobDefinition, body)
    fields: dict[str, Any] = checked
    references = _resolve(customer_id, fields, problems)
    actions = _actions_of_paths(customer_id, user, fields, problems)
    definition = JobDefinition.model_construct(_fields_set=set(fields), **fields)
    if not problems:
        problems += _late_problems(definition, at=at)
    if problems:
        raise InvalidInput(problems=problems)
    return Checked(definition, references, actions)


def store(*, job: Job, checked: Checked, at: datetime) -> None:
    """Write a definition into a job, new or not, and into the tables beside it: whatever it does not say is reset.

    Raises Conflict where its external id is another live job's.
    """
    definition = checked.definition
    for name in JobDefinition.model_fields.keys() & _COLUMNS.keys() - _NOT_COLUMNS:
        value = getattr(definition, name)
        setattr(job, name, _COLUMNS[name].get_default() if value is None else value)
    job.start_local = _start_local(job, definition, at=at)
    job.notification = _notification(definition.notification)
    job.sent_empty = {_wire(name): [] for name in _LISTS if getattr(definition, name) == []}
    _save(job)
    _link(job, checked)


def _save(job: Job) -> None:
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as taken:
        if "one_live_job_per_external_id" not in str(taken):
            raise
        message = f"a live job has the external id {job.external_id!r} already"
        raise Conflict(message, problems=[Problem(field="externalId", code="taken", message=message)]) from taken


def _resolve(customer_id: int, fields: Mapping[str, Any], problems: list[Problem]) -> dict[str, dict[UUID, int]]:
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


def _unknown(name: str, ids: Iterable[UUID], known: Mapping[UUID, int]) -> list[Problem]:
    return [
        Problem(field=f"{_wire(name)}[{index}]", code="unknown_id", message=f"no such id: {one}")
        for index, one in enumerate(ids)
        if one not in known
    ]


def _actions_of_paths(
    customer_id: int, user: User, fields: Mapping[str, Any], problems: list[Problem]
) -> dict[UUID, JobAction]:
    """The stored actions whose scripts a body names by path. One that its sender may not read is like one unknown."""
    paths = [
        (f"{_wire(name)}[{index}].script", action.script)
        for name in _STAGES
        for index, action in enumerate(fields.get(name) or ())
        if isinstance(action.script, ScriptPath)
    ]
    if not paths:
        return {}
    rows = JobAction.objects.for_customer(customer_id).select_related("job__customer")
    stored = rows.filter(public_id__in={path.action_id for _, path in paths})
    found = {row.public_id: row for row in stored if may_edit(row.job, user)}
    problems += [
        Problem(field=field, code="unknown_script", message="must be a script in Base64, or the path of one of yours")
        for field, path in paths
        if path.action_id not in found or found[path.action_id].job.customer.public_id != path.customer_id
    ]
    return found


def _late_problems(definition: JobDefinition, *, at: datetime) -> list[Problem]:
    """What only the clock can tell: a Once job whose window is over cannot be enabled."""
    if definition.status != JobState.ENABLED or definition.schedule_type != ScheduleType.ONCE:
        return []
    start = zones.instant(local_time.parse(str(definition.start_date_time)), definition.timezone)
    if at < deadline(start=start, timeout=definition.timeout, unit=definition.timeout_unit):
        return []
    message = "lies in the past, and the patch window that began then is over"
    return [Problem(field="startDateTime", code="past", message=message)]


def _start_local(job: Job, definition: JobDefinition, *, at: datetime) -> str:
    """As sent; an On-demand job shows the moment of its creation, whatever was sent."""
    if definition.schedule_type != ScheduleType.ON_DEMAND:
        return str(definition.start_date_time)
    there = job.created_at.astimezone(ZoneInfo(definition.timezone))
    return there.replace(tzinfo=None, microsecond=0).isoformat(timespec="seconds")


def _wire(name: str) -> str:
    return JobDefinition.model_fields[name].alias or name


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


def _link(job: Job, checked: Checked) -> None:
    """Write the rows that a job names, and its actions, in place of those before: one statement per table."""
    definition = checked.definition

    def links(model: type[models.Model], column: str, name: str, **more: Any) -> list[Any]:
        ids = checked.references[name]
        return [
            model(customer_id=job.customer_id, job=job, position=position, **{column: ids[one]}, **more)
            for position, one in enumerate(getattr(definition, name) or ())
        ]

    _put(job, JobPatch, links(JobPatch, "patch_id", "approved_patches"))
    _put(
        job,
        JobAsset,
        links(JobAsset, "asset_id", "asset_ids", part=Part.INCLUDE)
        + links(JobAsset, "asset_id", "exclusion_asset_ids", part=Part.EXCLUDE),
    )
    _put(
        job,
        JobTag,
        links(JobTag, "tag_id", "asset_tag_ids", part=Part.INCLUDE)
        + links(JobTag, "tag_id", "match_all_tag_ids", part=Part.MATCH_ALL)
        + links(JobTag, "tag_id", "exclusion_tag_ids", part=Part.EXCLUDE),
    )
    _put(job, JobCoAuthor, links(JobCoAuthor, "user_id", "co_author_user_ids"))
    _put(job, JobAction, _actions(job, checked))


def _put(job: Job, model: Any, rows: list[Any]) -> None:
    model.objects.for_customer(job.customer_id).filter(job=job).delete()
    model.objects.bulk_create(rows)


def _actions(job: Job, checked: Checked) -> list[JobAction]:
    """The rows of a definition's actions. An id that was one of this job's before is kept."""
    before = set(JobAction.objects.filter(job=job).values_list("public_id", flat=True))
    rows = []
    for name, stage in _STAGES.items():
        for position, action in enumerate(getattr(checked.definition, name) or ()):
            row = _action(job, checked, action)
            row.stage, row.position = stage, position
            if action.action_id in before:
                before.remove(action.action_id)
                row.public_id = action.action_id
            rows.append(row)
    return rows


def _action(job: Job, checked: Checked, action: Action) -> JobAction:
    script = action.script
    return JobAction(
        customer_id=job.customer_id,
        job=job,
        action=action.action,
        params={
            "actionItem": action.params.action_item,
            "timeout": action.params.timeout,
            "remediationScope": False,
        },
        script=checked.actions[script.action_id].script if isinstance(script, ScriptPath) else script,
        script_type=action.script_type,
    )
