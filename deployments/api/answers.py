"""What the views of jobs and runs answer, for the API's document. Tests hold real answers against it."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from deployments.api.action_answers import AnsweredAction
from deployments.definition.linking import ChainCondition, ChainField
from deployments.models import (
    Combine,
    HaltEnding,
    HistoryStrategy,
    JobType,
    MissedRunPolicy,
    ScheduleType,
    TimeoutUnit,
    TimezoneType,
    Trigger,
)
from deployments.reasons import Reason
from deployments.states import HostTaskState, JobState, RunState, StepState, WaveState
from inventory.models import Platform


class Person(Answer):
    """Who did it."""

    id: UUID
    name: str
    full_name: str


class Audit(Answer):
    """Who and when; the date is milliseconds since 1970."""

    user: Person | None
    date: int | None


class ToldDeferment(Answer):
    """How often, and for how long, the person at the machine may put off."""

    count: int
    interval: int
    interval_unit: str


class ToldMessage(Answer):
    """A message to the person at the machine."""

    user_message: str
    description: str


class ToldDeferrableMessage(ToldMessage):
    """One that may be put off."""

    deferment: ToldDeferment


class CountdownMessage(ToldMessage):
    """One with a countdown."""

    interval: int
    interval_unit: str


class CompletedMessage(ToldMessage):
    """The last one."""

    always_show_completed_prompt: bool


class AfterDeployment(Answer):
    """What follows the patches on a machine."""

    suppress_reboots: bool
    reboot_option: ToldDeferrableMessage
    reboot_countdown: CountdownMessage
    on_complete: CompletedMessage
    reboot_honor_on_user_login: bool


class MailOnly(Answer):
    """By which ways is told."""

    email: bool


class MailConfigs(Answer):
    """Whom to tell: addresses, separated by commas."""

    recipient_emails: str
    completed_percentage: str | None


class ToldEvents(Answer):
    """What is told."""

    on_job_start: bool
    on_job_complete: bool


class JobNotification(Answer):
    """Who is told of a run's start and end."""

    notification_types: MailOnly
    notification_configs: MailConfigs
    notification_events: ToldEvents


class ToldReattempts(Answer):
    """How failed patches are tried again."""

    no_of_reattempts: int
    exponential_backoff_interval: int


class ChainedRule(Answer):
    """When a child may start. `actionIds` are those that were sent: ids, or numbers from 1."""

    field: ChainField
    action_ids: list[UUID | int]
    threshold: int
    condition: ChainCondition


class ToldWave(Answer):
    """Some hosts of a run: by percent, count or tags; the others are null."""

    percent: int | None
    count: int | None
    tag_ids: list[UUID] | None
    soak_minutes: int


class ToldRollout(Answer):
    """In which waves hosts begin, how many at once, and what halts the run."""

    waves: list[ToldWave] | None
    max_concurrent: int | None
    halt_on_failure_percent: int | None
    halt_min_sample: int | None


class NamedJob(Answer):
    """Another job."""

    id: UUID
    name: str


class Job(Answer):
    """The full job. Every key is always there; null where there is nothing."""

    id: UUID
    customer_id: UUID
    schema_version: str
    name: str
    description: str | None
    type: JobType
    platform: Platform
    status: JobState
    approved_patches: list[UUID] | None
    patch_count: int
    is_dynamic_patches_qql: bool = Field(alias="isDynamicPatchesQQL")
    dynamic_qql_type: int = Field(alias="dynamicQQLType")
    dynamic_patches_qql: str | None = Field(alias="dynamicPatchesQQL")
    additional_dynamic_qql_type: int = Field(alias="additionalDynamicQQLType")
    additional_dynamic_patches_qql: str | None = Field(alias="additionalDynamicPatchesQQL")
    asset_ids: list[UUID] | None
    asset_tag_ids: list[UUID] | None
    filter_type: Combine
    match_all_tag_ids: list[UUID] | None
    exclusion_asset_ids: list[UUID] | None
    exclusion_tag_ids: list[UUID] | None
    exclusion_filter_type: Combine
    co_author_user_ids: list[UUID] | None
    schedule_type: ScheduleType
    start_date_time: str = Field(description="Wall-clock time, such as `2025-4-14 01:45:48 PM`.")
    recurring: bool
    recurring_week_days: str | None
    day_of_month: int | None
    recurring_last_day_of_month: bool | None
    recurring_day_of_month: int | None
    recurring_week_day_of_month: int | None
    monthly_recurring_type: int | None
    patch_tuesday_plus_x_days: int | None = Field(alias="patchTuesdayPlusXDays")
    timezone_type: TimezoneType
    timezone: str
    timeout: int
    timeout_unit: TimeoutUnit
    pre_deployment: ToldDeferrableMessage
    during_deployment: ToldMessage
    post_deployment: AfterDeployment
    minimize_window: bool
    opportunistic_downloads: bool
    continue_on_patch_failure: bool
    download_randomize_time: int | None
    download_randomize_time_unit: str | None
    enable_reattempt_failed_patches: bool
    reattempt_failed_patches: ToldReattempts | None
    pre_deploy_actions: list[AnsweredAction] | None
    post_deploy_actions: list[AnsweredAction] | None
    linked_job_id: UUID | None
    chained_job_rule: list[ChainedRule] | None
    notification: JobNotification | None
    custom_patch_url_id: int | None = Field(alias="customPatchURLId")
    remediation_qids: list[int] | None
    is_vuln_context: bool | None
    created_by: Audit
    updated_by: Audit
    deleted_by: Audit
    job_category: int
    job_source: int
    sub_category: str
    read_only: bool
    is_asset_imported: bool
    tagged_asset_count: int | None
    applicable_asset_count: int | None
    asset_count: int | None
    total_asset_count: int | None
    asset_result_received_count: int | None
    job_trigger_status: RunState | None = Field(
        description="The state of its newest run. The counts beside it are of that run's hosts, null until it has some."
    )
    completion_percent: int | None
    linked_to_job: NamedJob | None = Field(description="The parent: `linkedJobId` and its name.")
    linked_jobs: list[NamedJob] | None = Field(description="The live jobs that are linked to this one.")
    job_start_countdown: dict[str, Any] | None
    password_action: dict[str, Any] | None
    host_isolation_config: dict[str, Any] | None
    quarantine_asset_request_notification: dict[str, Any] | None
    disabled_patches: list[UUID] | None
    asset_detections_qql: str | None = Field(alias="assetDetectionsQQL")
    external_id: str | None
    recurrence_interval: str | None
    do_not_run_until: datetime | None
    missed_run_policy: MissedRunPolicy
    missed_run_within: str
    history_strategy: HistoryStrategy
    retention_period: int
    rollout: ToldRollout | None
    calendar_ids: list[UUID] | None
    requires_approval: bool


class Jobs(RootModel[list[Job]]):
    """A page of jobs."""


class ValidationProblem(Answer):
    """One thing that is wrong with a body."""

    field: str
    code: str
    message: str


class Validation(Answer):
    """What would become of a body. `job` is null where it is not valid."""

    valid: bool
    errors: list[ValidationProblem]
    warnings: list[str]
    job: Job | None


class JobDeleted(Answer):
    """It is gone."""

    deleted: UUID


class JobQueued(Answer):
    """It goes when the run that is going has ended."""

    queued_for_deletion: UUID = Field(alias="queued_for_deletion")


class Switched(Answer):
    """How it went with one job; `error` says why where it did not."""

    id: str
    name: str | None
    status: str = Field(json_schema_extra={"enum": ["success", "failure"]})
    error: str | None = None


class SwitchedJobs(RootModel[list[Switched]]):
    """One item for each id, in order."""


class RunOpened(Answer):
    """The run that was opened."""

    job_instance_id: int


class Approved(Answer):
    """Who let which plan run, and when (milliseconds since 1970)."""

    plan_hash: str
    approved_by: str
    approved_date: int


class RunChanged(Answer):
    """A run, and where it stands."""

    job_instance_id: int
    state: RunState


class Occurrence(Answer):
    """One run in a list."""

    job_instance_id: int
    scheduled_date_time: datetime | None
    timezone_type: TimezoneType


class Occurrences(RootModel[list[Occurrence]]):
    """A page of runs."""


class Run(Answer):
    """One run. `counts` has one number for each state that a host is in; dates are milliseconds since 1970."""

    job_id: UUID
    job_instance_id: int
    state: RunState
    reason: Reason | None
    note: str | None = Field(description="Figures to the reason, or what or who holds the run back.")
    trigger: Trigger
    plan_hash: str | None = Field(description="What would be done where, if it had to wait to be approved.")
    retry_of: int | None = Field(description="The `jobInstanceId` of the run whose failed hosts this one tries again.")
    scheduled_date_time: datetime | None
    deadline: datetime | None
    start_date_time: int | None
    end_date_time: int | None
    total_asset_count: int
    completion_percent: int = Field(ge=0, le=100)
    counts: dict[HostTaskState, int]
    rollout: "RunRollout | None" = Field(description="Its waves and halts; null of a run without.")


class RunWave(Answer):
    """Hosts of a run that begin together. Dates are milliseconds since 1970."""

    number: int
    of: int = Field(description="How many waves the run has; one without hosts is none.")
    state: WaveState
    asset_count: int
    soak_minutes: int
    open_date_time: int | None
    end_date_time: int | None = Field(description="When the last of its hosts had ended, or was lost.")
    soak_end_date_time: int | None = Field(description="When the next wave may open.")
    close_date_time: int | None
    counts: dict[HostTaskState, int]


class RunHalt(Answer):
    """A halt, and what became of it. Dates are milliseconds since 1970."""

    halt_date_time: int
    wave: int = Field(description="Which was open.")
    why: str
    failed: int
    sampled: int
    end_date_time: int | None
    ending: HaltEnding | None
    ended_by: str | None


class RunRollout(Answer):
    """How a run stands with its rollout."""

    max_concurrent: int | None
    halt_on_failure_percent: int | None
    halt_min_sample: int | None
    failed: int = Field(description="Hosts that failed, timed out or are lost, since it began or was last resumed.")
    sampled: int = Field(description="Hosts that were tried since then: what `failed` is a share of.")
    waves: list[RunWave]
    halts: list[RunHalt]


class RunHost(Answer):
    """One host of a run. Dates are milliseconds since 1970."""

    asset_id: UUID
    name: str
    state: HostTaskState
    status: str
    status_code: int
    reason: Reason | None
    reason_text: str | None
    start_date_time: int | None
    end_date_time: int | None
    status_date_time: int | None
    start_before: int = Field(description="Who has not begun by then misses the start, unless another job holds it up.")
    attempt: int
    wave: int | None = Field(description="In which wave it is; null where it has nothing to do, or there are none.")


class RunHosts(RootModel[list[RunHost]]):
    """A page of hosts."""


class RunStep(Answer):
    """One step of a host."""

    number: int
    kind: str
    stage: str | None
    title: str
    patch_id: UUID | None
    action_id: UUID | None
    state: StepState
    reason: str | None
    exit_code: int | None
    output: str
    output_cut: bool
    from_version: str | None
    to_version: str | None
    start_date_time: int | None
    end_date_time: int | None
    verified: bool | None
    tries: int = Field(description="How often it was tried; 0 where it was not begun, and more than 1 after retries.")


class Said(Answer):
    """What the person at a host was told, asked and answered, what the host waited for, and which tries failed."""

    kind: Literal["shown", "asked", "answered", "waiting", "step_tried", "downloaded"]
    date_time: int = Field(description="By the host's clock, in milliseconds since 1970.")
    about: (
        Literal["before", "during", "completed", "reboot", "countdown", "download", "retry", "lock", "login"] | None
    ) = Field(description="The message; of `waiting`, what for.")
    answer: Literal["now", "defer", "timed_out", "nobody"] | None = Field(
        description="Of `answered`. `nobody`: no one was signed in who could be asked."
    )
    deferrals_left: int | None = Field(description="Of `asked`: how often the person may put off.")
    until_date_time: int | None = Field(description="Until when the question stands, or the host waits.")
    number: int | None = Field(description="The step, where it is about one.")
    try_: int | None = Field(alias="try", description="Of `step_tried`, which it was; of `waiting`, which comes.")
    reason: str | None = Field(description="Of `step_tried`: why it failed.")


class RunHostSteps(RunHost):
    """One host of a run, step by step."""

    steps: list[RunStep]
    said: list[Said] = Field(description="In order.")
