"""A job's definition: checked as a whole, and stored with everything that it names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, models, transaction

from calendars.models import Calendar
from core.errors import EXCLUDES, Conflict, InvalidInput, Problem
from core.shapes import Shape, check
from deployments import schedules
from deployments.definition import JobDefinition, Notification, ScriptPath, as_sent
from deployments.definition.actions import STAGES, script_paths
from deployments.definition.patches import VULNERABILITY_QUERY, query_type
from deployments.definition.rollout import tags_of, wave_tags
from deployments.definition.schedule import RUN_ONCE
from deployments.models import (
    Job,
    JobAction,
    JobAsset,
    JobCalendar,
    JobCoAuthor,
    JobPatch,
    JobTag,
    Part,
    ScheduleType,
)
from deployments.services.actions import action_rows, stored_scripts
from deployments.services.linking import parent_of
from deployments.states import JobState
from inventory.models import Asset, CustomPatchUrl, Patch, Platform, Tag
from inventory.querying import closing_condition, patch_condition
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
    "calendar_ids": Calendar,
}
_LISTS = (*_REFERENCES, *STAGES)
# Stored by code of their own; every other field that has a column of its name is stored there.
_NOT_COLUMNS = {*_LISTS, "status", "start_date_time", "notification", "recurring", "is_dynamic_patches_qql"}
_OVER = "lies in the past, and the patch window that began then is over"
_COLUMNS = {column.name: column for column in Job._meta.concrete_fields}


@dataclass(frozen=True, slots=True)
class Checked:
    """A definition without problems, our ids for its references, and the stored scripts that it names by path."""

    definition: JobDefinition
    references: Mapping[str, Mapping[UUID, int]]
    scripts: Mapping[ScriptPath, bytes]
    parent: Job | None
    patch_url: CustomPatchUrl | None


def check_definition(*, customer_id: int, user: User, body: object, at: datetime, job: Job | None = None) -> Checked:
    """Read a body. Raises InvalidInput with every problem, those of its references included.

    `job` is the one whose definition it is to replace, if any.
    """
    paths: list[tuple[str, ScriptPath]] = []
    tags: list[tuple[str, UUID]] = []
    gather = [
        lambda _, report: paths.extend(script_paths(report)),
        lambda _, report: tags.extend(wave_tags(report)),
    ]
    checked, problems = check(JobDefinition, body, gather)
    fields: dict[str, Any] = checked
    references = _resolve(customer_id, _with_sound_ids(fields, body), tags, problems)
    scripts = stored_scripts(user, paths, problems)
    problems += _patches_of_the_other_platform(customer_id, fields, references.get("approved_patches", {}))
    parent = parent_of(customer_id, fields, problems, child=job)
    patch_url = _patch_url(customer_id, fields, problems)
    problems += _wrong_queries(fields, at=at)
    definition = JobDefinition.model_construct(_fields_set=set(fields), **fields)
    if not problems:
        problems += _late_problems(definition, at=at)
    if problems:
        raise InvalidInput(problems=[replace(one, field=as_sent(one.field, body)) for one in problems])
    return Checked(definition, references, scripts, parent, patch_url)


def store(*, job: Job, checked: Checked, at: datetime) -> None:
    """Write a definition into a job, new or not, and into the tables beside it: whatever it does not say is reset.

    Raises Conflict where its external id is another live job's.
    """
    definition = checked.definition
    for name in JobDefinition.model_fields.keys() & _COLUMNS.keys() - _NOT_COLUMNS:
        value = _stored(getattr(definition, name))
        setattr(job, name, _COLUMNS[name].get_default() if value is None else value)
    _store_what_follows(job, definition)
    job.linked_job, job.custom_patch_url = checked.parent, checked.patch_url
    job.start_local = _start_local(job, definition, at=at)
    job.notification = _notification(definition.notification)
    job.sent_empty = {_wire(name): [] for name in _LISTS if getattr(definition, name) == []}
    _save(job)
    _link(job, checked)


def _stored(value: object) -> Any:
    """As a column takes it: shapes as the JSON that clients see."""
    if isinstance(value, Shape):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, list):
        return [_stored(one) for one in value]
    return value


def _store_what_follows(job: Job, definition: JobDefinition) -> None:
    """What a client may leave to the other fields that it sent."""
    sent = vars(definition)
    job.recurring = definition.schedule_type not in RUN_ONCE
    job.dynamic_qql_type = query_type(sent)
    job.additional_dynamic_qql_type = query_type(sent, "additional_")
    job.is_dynamic_patches_qql = job.dynamic_qql_type != 0
    if definition.enable_reattempt_failed_patches is None:
        job.enable_reattempt_failed_patches = definition.reattempt_failed_patches is not None
    if definition.schedule_type != ScheduleType.WEEKLY:
        # Seven noughts are how clients say nothing here.
        job.recurring_week_days = None


def _save(job: Job) -> None:
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as taken:
        if "one_live_job_per_external_id" not in str(taken):
            raise
        message = f"a live job has the external id {job.external_id!r} already"
        raise Conflict(message, problems=[Problem(field="externalId", code="taken", message=message)]) from taken


def _with_sound_ids(fields: Mapping[str, Any], body: object) -> dict[str, Any]:
    """The fields; a list of ids that holds something else too has None there, so that the others are judged as well."""
    sent = body if isinstance(body, Mapping) else {}
    lists = {name: sent.get(_wire(name)) for name in _REFERENCES if name not in fields}
    sound = {name: [_uuid(one) for one in ids] for name, ids in lists.items() if isinstance(ids, list)}
    return {**fields, **sound}


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _resolve(
    customer_id: int, fields: Mapping[str, Any], tags: Iterable[tuple[str, UUID]], problems: list[Problem]
) -> dict[str, dict[UUID, int]]:
    """Our ids for the ones in a body. One that is unknown and one of another customer get the same problem.

    `tags` are those of waves, each with where it stands; they are found under `asset_tag_ids`.
    """
    found: dict[str, dict[UUID, int]] = {}
    for model in dict.fromkeys(_REFERENCES.values()):
        names = [name for name, kind in _REFERENCES.items() if kind is model]
        wanted = {one for name in names for one in fields.get(name) or () if one is not None}
        known = _ids(model, customer_id, wanted | ({tag for _, tag in tags} if model is Tag else set()))
        for name in names:
            found[name] = known
            problems += _unknown(name, fields.get(name) or (), known)
    problems += [_no_such_id(field, tag) for field, tag in tags if tag not in found["asset_tag_ids"]]
    return found


def _ids(model: Any, customer_id: int, wanted: set[UUID]) -> dict[UUID, int]:
    if not wanted:
        return {}
    rows = model.objects.for_customer(customer_id).filter(public_id__in=wanted)
    return dict(rows.values_list("public_id", "pk"))


def _unknown(name: str, ids: Iterable[UUID], known: Mapping[UUID, int]) -> list[Problem]:
    return [
        _no_such_id(f"{_wire(name)}[{index}]", one)
        for index, one in enumerate(ids)
        if one is not None and one not in known
    ]


def _no_such_id(field: str, identifier: UUID) -> Problem:
    return Problem(field=field, code="unknown_id", message=f"no such id: {identifier}")


def _patches_of_the_other_platform(
    customer_id: int, fields: Mapping[str, Any], known: Mapping[UUID, int]
) -> list[Problem]:
    sent = fields.get("approved_patches") or []
    platform = fields.get("platform", Platform.WINDOWS)
    pks = [known[one] for one in sent if one in known]
    if not pks:
        return []
    others = Patch.objects.for_customer(customer_id).filter(pk__in=pks).exclude(platform=platform)
    wrong = dict(others.values_list("public_id", "platform"))
    return [
        Problem(f"approvedPatches[{index}]", "excludes", f"is for {wrong[one]}, but the job for {platform}", EXCLUDES)
        for index, one in enumerate(sent)
        if one in wrong
    ]


def _patch_url(customer_id: int, fields: Mapping[str, Any], problems: list[Problem]) -> CustomPatchUrl | None:
    """The base URL that a body's `customPatchURLId` names, or None; adds a problem where there is none."""
    number = fields.get("custom_patch_url_id")
    if number is None:
        return None
    # Numbers beyond the column's are nobody's.
    found = CustomPatchUrl.objects.for_customer(customer_id).filter(number=number).first() if number < 2**31 else None
    if found is None:
        problems.append(Problem("customPatchURLId", "unknown_id", f"no such id: {number}"))
    return found


def _wrong_queries(fields: Mapping[str, Any], *, at: datetime) -> list[Problem]:
    """What is wrong with the queries of a body, told now and not when the job runs."""
    found: list[Problem] = []
    for prefix in ("", "additional_"):
        name = f"{prefix}dynamic_patches_qql"
        compiled = closing_condition if query_type(fields, prefix) == VULNERABILITY_QUERY else patch_condition
        try:
            compiled(fields.get(name), now=at, field=_wire(name))
        except InvalidInput as wrong:
            found += wrong.problems
    return found


def _late_problems(definition: JobDefinition, *, at: datetime) -> list[Problem]:
    """What only the clock can tell: a Once job whose window is over cannot be enabled."""
    if definition.status != JobState.ENABLED or definition.schedule_type != ScheduleType.ONCE:
        return []
    scheduled = Job(
        start_local=str(definition.start_date_time), **{name: getattr(definition, name) for name in _WINDOW}
    )
    return late(scheduled, at=at)


_WINDOW = ("schedule_type", "timezone_type", "timezone", "timeout", "timeout_unit")


def late(job: Job, *, at: datetime) -> list[Problem]:
    """The problem of a Once job whose window is over; none of any other."""
    over = at >= schedules.last_deadline_of(job, occurrence=schedules.once_at(job))
    return [Problem(field="startDateTime", code="past", message=_OVER)] if over else []


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
            "completedPercentage": notification.notification_configs.completed_percentage,
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
        + links(JobTag, "tag_id", "exclusion_tag_ids", part=Part.EXCLUDE)
        + _wave_tags(job, checked),
    )
    _put(job, JobCoAuthor, links(JobCoAuthor, "user_id", "co_author_user_ids"))
    _put(job, JobCalendar, links(JobCalendar, "calendar_id", "calendar_ids"))
    _put(job, JobAction, action_rows(job, vars(definition), checked.scripts))


def _wave_tags(job: Job, checked: Checked) -> list[JobTag]:
    """Rows for the tags of waves, which keep them from being deleted: the waves themselves stand in `rollout`."""
    known = checked.references["asset_tag_ids"]
    return [
        JobTag(customer_id=job.customer_id, job=job, tag_id=known[tag], part=Part.WAVE, position=position)
        for position, tag in enumerate(tags_of(checked.definition.rollout))
    ]


def _put(job: Job, model: Any, rows: list[Any]) -> None:
    model.objects.for_customer(job.customer_id).filter(job=job).delete()
    model.objects.bulk_create(rows)
