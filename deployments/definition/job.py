"""A job's definition as clients send it: each field declared once.

Parsing, errors, the OpenAPI text and the fields' documentation come from here; a field's name in snake case is its
column on `Job`. What this version does not do yet is declared `not_yet`: what changes nothing is accepted, anything
else is refused, and nothing is stored and ignored.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from core.errors import EXCLUDES, MISSING
from core.shapes import Flag, NotSet, Report, Shape, Text, UuidList, Values, choice
from core.shapes.annotations import unwrapped
from deployments.definition.actions import MAX_ACTIONS, Action, actions_fit_the_job
from deployments.definition.conduct import CONDUCT_RULES, RETRIES, ConductFields, gathered_reattempts
from deployments.definition.messages import TOP_LEVEL, OnComplete, gathered
from deployments.definition.notification import Notification
from deployments.definition.patches import PATCH_RULES, PatchFields, query_type
from deployments.definition.rollout import ROLLOUT_RULES, Rollout
from deployments.definition.schedule import SCHEDULE_RULES, ScheduleFields
from deployments.definition.targets import TargetFields
from deployments.definition.values import OnlyOn, not_yet
from deployments.models.choices import HistoryStrategy, JobType
from deployments.states import JobState
from inventory.models import Platform

# Keys of answers that only the server sets and that are no fields.
_ANSWERED = frozenset(
    {
        "id",
        "customerId",
        "schemaVersion",
        "patchCount",
        "taggedAssetCount",
        "applicableAssetCount",
        "assetCount",
        "totalAssetCount",
        "assetResultReceivedCount",
        "createdBy",
        "updatedBy",
        "deletedBy",
        "jobCategory",
        "jobSource",
        "subCategory",
        "readOnly",
        "isAssetImported",
        "jobTriggerStatus",
        "completionPercent",
        "linkedToJob",
        "linkedJobs",
        "linkedJobReferenceCount",
        "jobStartCountdown",
        "passwordAction",
        "hostIsolationConfig",
        "quarantineAssetRequestNotification",
        "disabledPatches",
        "assetDetectionsQQL",
    }
)
MAX_CALENDARS = 100
_HOSTS = ("asset_ids", "asset_tag_ids")


def _external_id(value: str | None) -> str | None:
    """One that can stand in a URL: there a slash ends it, and these words name something else."""
    if value is not None and ("/" in value or value in {".", "..", "validate", "preview"}):
        raise ValueError("must not hold a slash, and must not be '.', '..', 'validate' or 'preview'")
    return value


class NameFields(Shape):
    """The fields of a job that say what it is."""

    name: Annotated[Text, NotSet, Field(min_length=1, max_length=256, description="What people call it. May repeat.")]
    external_id: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_external_id),
        Field(max_length=256, description="Your own id for it: unique among live jobs, usable wherever a job's id is."),
    ] = None
    description: Annotated[
        Text | None, Field(max_length=10_000, description="For people; stands in the mails that tell of the job.")
    ] = None
    type: Annotated[
        JobType,
        choice(JobType, synonyms={"Uninstall": JobType.ROLLBACK}),
        Field(description="Install the patches, or roll each host back to the version that they replaced."),
    ]
    platform: Annotated[Platform, choice(Platform), Field(description="Which machines.")] = Platform.WINDOWS
    status: Annotated[
        JobState,
        choice(JobState, only=(JobState.DISABLED, JobState.ENABLED)),
        Field(description="Enabled jobs start; enabling an On-demand job starts it at once."),
    ] = JobState.DISABLED


def _fields_fit_the_platform(values: Values, report: Report) -> None:
    """What has a meaning on one platform alone may only hold its default on the other."""
    platform = values.get("platform")
    for name, only_on, default in _ONE_PLATFORM if platform else ():
        if only_on != platform and values.sound(name) and values.get(name) not in (None, default):
            report.add(name, "excludes", f"is only for platform {only_on}; leave it out", EXCLUDES)
    after = values.get("post_deployment")
    prompt_is_only_on = _only_on(OnComplete, "always_show_completed_prompt")
    if (
        after is not None
        and platform not in (None, prompt_is_only_on)
        and after.on_complete.always_show_completed_prompt
    ):
        where = "postDeployment.onComplete.alwaysShowCompletedPrompt"
        report.add(where, "excludes", f"is only for platform {prompt_is_only_on}; leave it out", EXCLUDES)


def _enabled_job_can_run(values: Values, report: Report) -> None:
    if values.get("status") != JobState.ENABLED:
        return
    if values.sound(*_WORK) and not (any(values.get(name) for name in _NAMED_WORK) or query_type(values)):
        message = "an enabled job needs at least one patch (approvedPatches), query, linked job or action"
        report.add("approved_patches", "required", message, MISSING)
    if values.sound(*_HOSTS) and not any(values.get(name) for name in _HOSTS):
        message = "an enabled job needs at least one asset (assetIds) or tag (assetTagIds)"
        report.add("asset_ids", "required", message, MISSING)


_NAMED_WORK = ("approved_patches", "linked_job_id", "pre_deploy_actions", "post_deploy_actions")
_WORK = (*_NAMED_WORK, "is_dynamic_patches_qql", "dynamic_qql_type", "dynamic_patches_qql")


class JobDefinition(ConductFields, ScheduleFields, TargetFields, PatchFields, NameFields):
    """The body of `POST /pm/v1/deploymentjob`."""

    shape_rules: ClassVar = (
        *SCHEDULE_RULES,
        *PATCH_RULES,
        _fields_fit_the_platform,
        actions_fit_the_job,
        *CONDUCT_RULES,
        *ROLLOUT_RULES,
        _enabled_job_can_run,
    )
    ignored_keys: ClassVar = _ANSWERED

    pre_deploy_actions: Annotated[
        list[Action] | None, Field(max_length=MAX_ACTIONS, description="Done in order, before the patches.")
    ] = None
    post_deploy_actions: Annotated[
        list[Action] | None, Field(max_length=MAX_ACTIONS, description="Done in order, after the patches.")
    ] = None
    notification: Annotated[Notification | None, Field(description="Who is told of start and end.")] = None
    history_strategy: Annotated[Any, not_yet(HistoryStrategy.FULL.value)] = None
    retention_period: Annotated[Any, not_yet(90)] = None
    rollout: Annotated[
        Rollout | None,
        Field(description="In waves, and so many at once; halted where too much fails. Null: all at once."),
    ] = None
    calendar_ids: Annotated[
        UuidList | None,
        Field(
            max_length=MAX_CALENDARS,
            description="Calendars whose freezes hold the job back, beside the global ones of the customer.",
        ),
    ] = None
    requires_approval: Annotated[
        Flag, Field(description="Nothing runs before somebody else has approved the plan, by the hash of its preview.")
    ] = False

    @classmethod
    def prepare(cls, data: object) -> object:
        """What may stand in several places, in one."""
        return gathered(gathered_reattempts(data)) if isinstance(data, Mapping) else data


def as_sent(field: str, body: object) -> str:
    """The path of a field as the body has it, where the body does not have it in the place that it is read from."""
    if not isinstance(body, Mapping):
        return field
    for place, keys in _PLACES.items():
        within = body.get(place)
        head = field.removeprefix(f"{place}.")
        key, _, rest = head.partition(".")
        if head == field or key not in keys or key not in body:
            continue
        nested = within.get(key) if isinstance(within, Mapping) else None
        if not _holds(nested, rest.partition(".")[0]):
            return head
    return field


def _holds(value: object, key: str) -> bool:
    """Whether something was said there: of an object, by that key."""
    return key in value if isinstance(value, Mapping) and key else value is not None


_PLACES = {"postDeployment": TOP_LEVEL, "reattemptFailedPatches": RETRIES}


def _only_on(shape: type[Shape], name: str) -> Platform | None:
    info = shape.model_fields[name]
    _, marks = unwrapped(info.annotation, info.metadata)
    return next((mark.platform for mark in marks if isinstance(mark, OnlyOn)), None)


_ONE_PLATFORM = tuple(
    (name, only_on, info.default)
    for name, info in JobDefinition.model_fields.items()
    if (only_on := _only_on(JobDefinition, name)) is not None
)
