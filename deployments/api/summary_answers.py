"""What lists of jobs and the history of one answer, for the API's document."""

from typing import Any
from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from deployments.models import Combine, JobType, ScheduleType, TimezoneType, Trigger
from deployments.states import HostTaskState, JobState, RunState
from inventory.models import Platform


class SummaryPerson(Answer):
    """Who did it."""

    id: UUID
    name: str


class SummaryAudit(Answer):
    """Who and when; the date is milliseconds since 1970."""

    user: SummaryPerson
    date: int


class SummaryTag(Answer):
    """A tag."""

    id: UUID
    name: str


class JobSummary(Answer):
    """A job in short. Counts of hosts are of its newest run, and null before the first; lists are never null."""

    id: UUID
    name: str
    co_author_user_ids: list[UUID]
    sub_category: str
    dynamic_qql_type: int = Field(alias="dynamicQQLType")
    match_all_tags: list[UUID]
    type: JobType
    recurring_week_days: str | None
    total_asset_count: int | None = Field(description="Hosts of the newest run, those with nothing to do among them.")
    is_dynamic_patches_qql: bool = Field(alias="isDynamicPatchesQQL")
    asset_count: int = Field(description="Assets that the job names itself, apart from those with its tags.")
    custom_patch_url_configured: bool
    linked_job_reference_count: int = Field(description="Jobs that are linked to this one.")
    created: SummaryAudit
    trigger_status: RunState | None = Field(description="Where the newest run stands; null before the first.")
    recurring_day_of_month: int | None
    job_source: int
    read_only: bool
    tags: list[SummaryTag] = Field(description="Whose hosts are included.")
    exclusion_asset_ids: list[UUID]
    schedule_type: ScheduleType
    day_of_month: int | None
    disabled_patches: list[UUID] | None
    filter_type: Combine
    updated: SummaryAudit | None = Field(description="Null until first changed.")
    additional_qqls: list[str] = Field(alias="additionalQQLS")
    status: JobState
    timezone: str
    exclusion_filter_type: Combine
    next_schedule_date_time: int | None = Field(description="Milliseconds since 1970; null where no start is to come.")
    platform: Platform
    mitigation_action_count: int
    is_priority_job: bool
    customer_id: UUID
    exclusion_tags: list[UUID]
    tagged_asset_count: int | None = Field(
        description="0 of a job without tags; else null, since a run finds out which hosts have them."
    )
    patch_count: int = Field(description="Patches that the job names itself, apart from those of its queries.")
    applicable_asset_count: int | None = Field(description="Hosts of the newest run that have something to do.")
    patch_tuesday_plus_x_days: int | None = Field(alias="patchTuesdayPlusXDays")
    schema_version: str
    recurring_last_day_of_month: bool | None
    recurring_week_day_of_month: int | None
    is_recurring: bool
    last_schedule_date_time: int | None = Field(description="Milliseconds since 1970: the start of the newest run.")
    dynamic_patches_qql: str | None = Field(alias="dynamicPatchesQQL")
    start_date_time: str = Field(description="Wall-clock time, such as `2025-4-14 01:45:48 PM`.")
    timezone_type: TimezoneType
    deleted: bool
    monthly_recurring_type: int | None
    completion_percent: int | None = Field(ge=0, le=100, description="Hosts of the newest run that have ended.")
    category: int
    linked_job_id: UUID | None
    asset_result_received_count: int | None = Field(description="Hosts of the newest run that have ended.")
    is_vuln_context: bool | None
    is_asset_imported: bool
    remediation_qids: list[int] | None


class JobSummaries(RootModel[list[JobSummary]]):
    """A page of jobs in short."""


class Group(Answer):
    """Rows that have the same value."""

    value: Any
    count: int


class Count(Answer):
    """How many rows. `groups` is there where `groupBy` was sent, the largest first."""

    count: int
    groups: list[Group] | None = None


class JobCount(Answer):
    """How many jobs."""

    deployment_jobs: Count


class HistoryRun(Answer):
    """One run of a job. Times and durations are milliseconds, times since 1970."""

    job_run_id: UUID
    job_instance_id: int
    job_start_time: int | None = Field(description="When its hosts could begin; null where it never came to that.")
    job_end_time: int | None
    job_duration: int | None = Field(description="From start to end; null while it is going.")
    execution_frequency: str = Field(description="The job's schedule as a sentence.")
    execution_status: RunState
    complete_history: bool = Field(description="Whether everything is kept of it: the job's `historyStrategy` is FULL.")
    trigger: Trigger
    counts: dict[HostTaskState, int] = Field(description="How many hosts are in each state.")


class History(Answer):
    """What became of a job's runs, and those runs, newest first.

    A run succeeded if it is Completed and no host of it failed, timed out or was missed. It failed if it is Completed
    and one did, or if it is Missed or Canceled. One that was Skipped or Frozen did neither, nor did one that goes on.
    """

    job_history_total: int = Field(description="All runs, those that go on among them.")
    job_history_success_count: int
    job_history_fail_count: int
    job_history_suc_percentage: int = Field(description="Of the runs that succeeded or failed, rounded; 0 of none.")
    job_history_fail_percentage: int = Field(description="The rest of these; 0 of none.")
    job_last_run_status: RunState | None
    job_next_run_time: int | None = Field(description="Milliseconds since 1970.")
    runs: list[HistoryRun]
