"""A job's definition as clients send it: each field declared once.

Parsing, errors and the OpenAPI text come from here; a field's name in snake case is its column on `Job`. What this
version does not do yet is declared `not_yet`: what changes nothing is accepted, anything else is refused, and nothing
is stored and ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, WithJsonSchema

from actions.kinds import ActionKind, ScriptType
from core.shapes import AlsoNamed, Base64Text, Flag, NotSet, ReadOnly, Shape, Text, UuidList, WholeNumber, choice
from deployments import defaults
from deployments.models import (
    Combine,
    HistoryStrategy,
    JobType,
    MissedRunPolicy,
    ScheduleType,
    TimeoutUnit,
    TimezoneType,
)
from deployments.rules import JOB_RULES, NOTIFICATION_RULES
from deployments.states import JobState
from inventory.models import Platform
from scheduling import local_time, zones

MAX_SCRIPT_BYTES = 512 * 1024
MAX_RECIPIENTS = 100
MAX_ACTIONS = 50
MAX_IDS = 10_000
_SCRIPT_PATH = re.compile(r"(?P<customer>[0-9a-fA-F-]{36})/(?P<action>[0-9a-fA-F-]{36})/Script")
_UNSET: tuple[object, ...] = (None, "", "null", [])
_BASE64: TypeAdapter[bytes] = TypeAdapter(Base64Text)


def not_yet(*harmless: object) -> BeforeValidator:
    """Accepts only null, nothing, and the `harmless` values that change nothing; the value becomes None."""

    def check(value: object) -> None:
        if value not in _UNSET and not any(_same(value, one) for one in harmless):
            words = [str(one) for one in harmless if not isinstance(one, Mapping)]
            instead = f" or send {' or '.join(words)}" if words else ""
            raise ValueError(f"is not supported yet; leave it out{instead}")

    return BeforeValidator(check)


def _same(value: object, harmless: object) -> bool:
    """Whether a value says what `harmless` says: in any spelling, and of an object also in part."""
    if isinstance(value, Mapping) and isinstance(harmless, Mapping):
        return all(key in harmless and (one in _UNSET or _same(one, harmless[key])) for key, one in value.items())
    if isinstance(value, str | bool | int | float) and isinstance(harmless, str | bool | int):
        return _spelling(value) == _spelling(harmless) or (harmless is False and _spelling(value) == "0")
    return type(value) is type(harmless) and value == harmless


def _spelling(value: object) -> str:
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip().casefold()
    # A hyphen before a figure is a minus.
    return re.sub(r"[-_]", "", text) if text[:1].isalpha() else text


def _local_time(value: str) -> str:
    return local_time.parse(value).isoformat(timespec="seconds")


def _zone(value: str) -> str:
    name = zones.canonical_name(value)
    if name is None:
        raise ValueError("must be an IANA time zone, such as Europe/Berlin or UTC")
    return name


def _external_id(value: str | None) -> str | None:
    """One that can stand in a URL: there a slash ends it, and these words name something else."""
    if value is not None and ("/" in value or value in {".", "..", "validate", "preview"}):
        raise ValueError("must not hold a slash, and must not be '.', '..', 'validate' or 'preview'")
    return value


def _recipients(value: object) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError("must be mail addresses, as a list or separated by commas")
    addresses = [part.strip() for part in parts if part.strip()]
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError:
            raise ValueError(f"{address[:64]!r} is not a mail address") from None
    return list(dict.fromkeys(addresses))


@dataclass(frozen=True, slots=True)
class ScriptPath:
    """A stored script, as answers name it: `<customerId>/<actionId>/Script`."""

    customer_id: UUID
    action_id: UUID


def _script(value: object) -> bytes | ScriptPath:
    if isinstance(value, str) and (found := _SCRIPT_PATH.fullmatch(value.strip())):
        return ScriptPath(UUID(found["customer"]), UUID(found["action"]))
    script: bytes = _BASE64.validate_python(value)
    if not 1 <= len(script) <= MAX_SCRIPT_BYTES:
        raise ValueError(f"must be 1 to {MAX_SCRIPT_BYTES} bytes when decoded, but is {len(script)}")
    return script


def _known_id(value: object) -> UUID | None:
    """An id that only the server gives: what cannot be one is nobody's, and ignored."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


class NotificationTypes(Shape):
    """By which ways to tell."""

    email: Annotated[Flag, Field(description="Send mail.")] = False
    webhook: Annotated[Any, not_yet(False), Field(description="Call the customer's webhooks. Not supported yet.")] = (
        None
    )


class NotificationConfigs(Shape):
    """Whom to tell, and when a run counts as complete."""

    recipient_emails: Annotated[
        list[str],
        BeforeValidator(_recipients),
        Field(max_length=MAX_RECIPIENTS, description="Mail addresses, as a list or separated by commas."),
    ] = []
    completed_percentage: Annotated[
        Any,
        not_yet(100),
        Field(description="At what share of ended hosts `onJobComplete` is told. Not supported yet but for 100."),
    ] = None


class NotificationEvents(Shape):
    """What to tell."""

    on_job_start: Annotated[Flag, Field(description="Tell when a run starts.")] = False
    on_job_complete: Annotated[Flag, Field(description="Tell when a run ends.")] = False


class Notification(Shape):
    """Who is told of a run's start and end. `email: false` is no notification."""

    shape_rules: ClassVar = NOTIFICATION_RULES

    notification_types: NotificationTypes = NotificationTypes()
    notification_configs: NotificationConfigs = NotificationConfigs()
    notification_events: NotificationEvents = NotificationEvents()


class ActionParams(Shape):
    """What one action needs to know."""

    action_item: Annotated[Text, Field(min_length=1, max_length=256, description="What the action is called.")]
    timeout: Annotated[
        WholeNumber, Field(ge=1, le=86_400, description="Seconds after which it is ended, with all it started.")
    ] = 180
    remediation_scope: Annotated[bool | None, ReadOnly] = None


class Action(Shape):
    """A pre- or post-action."""

    ignored_keys: ClassVar = frozenset({"downloadProtocol"})

    action: Annotated[ActionKind, choice(ActionKind), Field(description="What to do.")]
    params: ActionParams
    script: Annotated[
        Any,
        BeforeValidator(_script),
        WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
        Field(description="In Base64; or the path of a stored one that you may read."),
    ]
    script_type: Annotated[ScriptType, choice(ScriptType), Field(description="What it is written for.")]
    default_script_type: Annotated[Any, not_yet(), Field(description="A built-in script. Not supported yet.")] = None
    detection_script: Annotated[Any, not_yet(), Field(description="Of Install Software. Not supported yet.")] = None
    detection_script_type: Annotated[Any, not_yet("sh"), Field(description="Of Install Software.")] = None
    action_id: Annotated[
        Any, BeforeValidator(_known_id), Field(description="Kept on PUT and PATCH where the job has such an action.")
    ] = None
    action_type: Annotated[str | None, ReadOnly] = None
    action_linked_to_job: Annotated[bool | None, ReadOnly] = None

    @classmethod
    def prepare(cls, data: object) -> object:
        """`actionItem` may stand beside `action` too."""
        if not isinstance(data, Mapping) or "actionItem" not in data:
            return data
        params = data.get("params")
        if params is not None and not isinstance(params, Mapping):
            return data
        rest = {key: value for key, value in data.items() if key != "actionItem"}
        return {**rest, "params": {"actionItem": data["actionItem"], **(params or {})}}


class JobDefinition(Shape):
    """The body of `POST /pm/v1/deploymentjob`."""

    shape_rules: ClassVar = JOB_RULES
    ignored_keys: ClassVar = frozenset(
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

    name: Annotated[Text, Field(min_length=1, max_length=256, description="What people call it. May repeat.")]
    external_id: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_external_id),
        Field(max_length=256, description="Your own id for it: unique among live jobs, usable wherever a job's id is."),
    ] = None
    description: Annotated[Text | None, Field(max_length=10_000)] = None
    type: Annotated[
        JobType,
        choice(JobType, synonyms={"Uninstall": JobType.ROLLBACK}),
        Field(description="Install the patches, or roll each host back to the version that they replaced."),
    ]
    platform: Annotated[Platform, choice(Platform), Field(description="Which machines.")] = Platform.WINDOWS
    status: Annotated[
        JobState,
        choice(JobState),
        Field(description="Enabled jobs start; enabling an On-demand job starts it at once."),
    ] = JobState.DISABLED

    approved_patches: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Ids of patches.")] = None
    is_dynamic_patches_qql: Annotated[Any, not_yet(False), Field(alias="isDynamicPatchesQQL")] = None
    dynamic_qql_type: Annotated[Any, not_yet(0), Field(alias="dynamicQQLType")] = None
    dynamic_patches_qql: Annotated[Any, not_yet(), Field(alias="dynamicPatchesQQL")] = None
    additional_dynamic_qql_type: Annotated[Any, not_yet(0), Field(alias="additionalDynamicQQLType")] = None
    additional_dynamic_patches_qql: Annotated[Any, not_yet(), Field(alias="additionalDynamicPatchesQQL")] = None

    asset_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Assets to include.")] = None
    asset_tag_ids: Annotated[
        UuidList | None, AlsoNamed("tagIds"), Field(max_length=MAX_IDS, description="Include assets with these tags.")
    ] = None
    filter_type: Annotated[
        Combine, choice(Combine), Field(description="Whether an asset needs one of the tags, or all.")
    ] = Combine.ANY
    match_all_tag_ids: Annotated[
        UuidList | None, Field(max_length=MAX_IDS, description="Assets must carry all of these besides.")
    ] = None
    exclusion_asset_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Taken away last.")] = None
    exclusion_tag_ids: Annotated[UuidList | None, Field(max_length=MAX_IDS, description="Taken away last.")] = None
    exclusion_filter_type: Annotated[
        Combine, choice(Combine), Field(description="Whether an asset is taken away by one of the tags, or by all.")
    ] = Combine.ANY
    co_author_user_ids: Annotated[
        UuidList | None, Field(max_length=1_000, description="People who may edit the job beside its author.")
    ] = None

    schedule_type: Annotated[ScheduleType, choice(ScheduleType), Field(description="When it starts.")]
    start_date_time: Annotated[
        Text | None,
        NotSet,
        AfterValidator(lambda value: None if value is None else _local_time(value)),
        Field(description="Wall-clock time, such as `2025-4-14 01:45:48 PM`. Required unless On-demand."),
    ] = None
    recurring: Annotated[Flag | None, Field(description="Follows scheduleType where absent.")] = None
    recurring_week_days: Annotated[Any, not_yet()] = None
    day_of_month: Annotated[Any, not_yet()] = None
    recurring_last_day_of_month: Annotated[Any, not_yet(False)] = None
    recurring_day_of_month: Annotated[Any, not_yet()] = None
    recurring_week_day_of_month: Annotated[Any, not_yet()] = None
    monthly_recurring_type: Annotated[Any, not_yet(0)] = None
    patch_tuesday_plus_x_days: Annotated[Any, not_yet(), Field(alias="patchTuesdayPlusXDays")] = None
    recurrence_interval: Annotated[Any, not_yet()] = None
    do_not_run_until: Annotated[Any, not_yet()] = None
    timezone_type: Annotated[
        TimezoneType, choice(TimezoneType), Field(description="Whose clock the schedule is read by.")
    ] = TimezoneType.SPECIFIC
    timezone: Annotated[Text, NotSet, AfterValidator(_zone), Field(description="An IANA name.")] = "UTC"
    timeout: Annotated[
        WholeNumber, Field(description="The patch window: 1 to 168 HOURS, 1 to 10080 MINUTES, or -1 for none.")
    ] = -1
    timeout_unit: Annotated[TimeoutUnit, choice(TimeoutUnit)] = TimeoutUnit.HOURS
    missed_run_policy: Annotated[Any, not_yet(MissedRunPolicy.RUN_WITHIN.value)] = None
    missed_run_within: Annotated[Any, not_yet("PT4H")] = None

    pre_deployment: Annotated[Any, not_yet(defaults.pre_deployment())] = None
    during_deployment: Annotated[Any, not_yet(defaults.during_deployment())] = None
    post_deployment: Annotated[Any, not_yet(defaults.post_deployment())] = None
    suppress_reboots: Annotated[Any, not_yet(False)] = None
    reboot_option: Annotated[Any, not_yet(defaults.post_deployment()["rebootOption"])] = None
    reboot_countdown: Annotated[Any, not_yet(defaults.post_deployment()["rebootCountdown"])] = None
    on_complete: Annotated[Any, not_yet(defaults.post_deployment()["onComplete"])] = None
    reboot_honor_on_user_login: Annotated[Any, not_yet(False)] = None
    always_show_completed_prompt: Annotated[Any, not_yet(False)] = None
    minimize_window: Annotated[Any, not_yet(False)] = None
    opportunistic_downloads: Annotated[Any, not_yet(False)] = None
    continue_on_patch_failure: Annotated[Any, not_yet(False)] = None
    download_randomize_time: Annotated[Any, not_yet(0)] = None
    download_randomize_time_unit: Annotated[Any, not_yet("HOURS", "MINUTES")] = None
    enable_reattempt_failed_patches: Annotated[Any, not_yet(False)] = None
    reattempt_failed_patches: Annotated[Any, not_yet(False)] = None
    no_of_reattempts: Annotated[Any, not_yet()] = None
    exponential_backoff_interval: Annotated[Any, not_yet()] = None

    pre_deploy_actions: Annotated[
        list[Action] | None, Field(max_length=MAX_ACTIONS, description="Done in order, before the patches.")
    ] = None
    post_deploy_actions: Annotated[
        list[Action] | None, Field(max_length=MAX_ACTIONS, description="Done in order, after the patches.")
    ] = None
    linked_job_id: Annotated[Any, not_yet()] = None
    chained_job_rule: Annotated[Any, not_yet()] = None
    notification: Annotated[Notification | None, Field(description="Who is told of start and end.")] = None
    custom_patch_url_id: Annotated[Any, not_yet(), Field(alias="customPatchURLId")] = None
    remediation_qids: Annotated[Any, not_yet()] = None
    is_vuln_context: Annotated[Any, not_yet(False)] = None
    history_strategy: Annotated[Any, not_yet(HistoryStrategy.FULL.value)] = None
    retention_period: Annotated[Any, not_yet(90)] = None
    rollout: Annotated[Any, not_yet()] = None
    calendar_ids: Annotated[Any, not_yet()] = None
    requires_approval: Annotated[Any, not_yet(False)] = None
