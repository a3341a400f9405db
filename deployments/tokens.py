"""What queries may ask of jobs and of the hosts of runs: the keys of their rows, by the names they have there."""

from collections.abc import Mapping
from typing import Any

from django.db.models import CharField, IntegerField, OuterRef, Q, QuerySet, Value

from core.query import (
    CountToken,
    DateToken,
    NumbersToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    WallClockToken,
    any_of,
    choice_of,
    flag,
    flag_when,
    never,
)
from deployments import progress
from deployments.models import (
    Combine,
    Job,
    JobAsset,
    JobCalendar,
    JobCoAuthor,
    JobPatch,
    JobTag,
    JobType,
    Part,
    ScheduleType,
    TimezoneType,
)
from deployments.states import HostTaskState, JobState, RunState
from deployments.statuses import CODES
from inventory.models import Platform

# Constants of this API family, as rows have them.
SCHEMA_VERSION = "1.0"
SUB_CATEGORY = "Patch"
CATEGORY = 3
JOB_SOURCE = 3


def _of_job(model: Any, **of: Any) -> QuerySet[Any]:
    # The customer is named again: the indexes of both tables start with it.
    links: QuerySet[Any] = model.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"), **of)
    return links


def _number(constant: int) -> NumberToken:
    return NumberToken(column=Value(constant, IntegerField()))


def _text(constant: str) -> TextToken:
    return TextToken(column=Value(constant, CharField()))


_tags = any_of(_of_job(JobTag, part=Part.INCLUDE))
_required_tags = any_of(_of_job(JobTag, part=Part.MATCH_ALL))
_excluded_tags = any_of(_of_job(JobTag, part=Part.EXCLUDE))
_excluded_assets = any_of(_of_job(JobAsset, part=Part.EXCLUDE))
_newest_run = any_of(progress.newest_run())
_children = Job.objects.filter(customer_id=OuterRef("customer_id"), linked_job_id=OuterRef("pk")).live()
_FALSE = flag_when(never())

_WHAT: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "externalId": TextToken(column="external_id"),
    "customerId": UuidToken(column="customer__public_id"),
    "name": TextToken(column="name"),
    "description": TextToken(column="description"),
    "type": choice_of("type", JobType),
    "platform": choice_of("platform", Platform),
    "status": choice_of("state", (JobState.ENABLED, JobState.DISABLED)),
    "patchCount": CountToken(links=_of_job(JobPatch), by="job_id"),
    "isDynamicPatchesQQL": flag("is_dynamic_patches_qql"),
    "dynamicQQLType": NumberToken(column="dynamic_qql_type"),
    "dynamicPatchesQQL": TextToken(column="dynamic_patches_qql"),
    "additionalQQLS": TextToken(column="additional_dynamic_patches_qql"),
    "remediationQids": NumbersToken(column="remediation_qids"),
    "isVulnContext": flag("is_vuln_context"),
    "customPatchUrlConfigured": flag_when(Q(custom_patch_url_id__isnull=False)),
    "linkedJobId": UuidToken(column="linked_job__public_id"),
    "linkedJobReferenceCount": CountToken(links=_children, by="linked_job_id"),
    "schemaVersion": _text(SCHEMA_VERSION),
    "subCategory": _text(SUB_CATEGORY),
    "category": _number(CATEGORY),
    "jobSource": _number(JOB_SOURCE),
    "mitigationActionCount": _number(0),
    "readOnly": _FALSE,
    "deleted": _FALSE,
    "isPriorityJob": _FALSE,
    "isAssetImported": _FALSE,
}

_WHERE: Mapping[str, Token] = {
    "assetCount": CountToken(links=_of_job(JobAsset, part=Part.INCLUDE), by="job_id"),
    "tags.id": UuidToken(_tags, column="tag__public_id"),
    "tags.name": TextToken(_tags, column="tag__name"),
    "matchAllTags": UuidToken(_required_tags, column="tag__public_id"),
    "exclusionTags": UuidToken(_excluded_tags, column="tag__public_id"),
    "exclusionAssetIds": UuidToken(_excluded_assets, column="asset__public_id"),
    "filterType": choice_of("filter_type", Combine),
    "exclusionFilterType": choice_of("exclusion_filter_type", Combine),
}

_WHEN: Mapping[str, Token] = {
    "scheduleType": choice_of("schedule_type", ScheduleType),
    "isRecurring": flag("recurring"),
    "recurringWeekDays": TextToken(column="recurring_week_days"),
    "dayOfMonth": NumberToken(column="day_of_month"),
    "recurringLastDayOfMonth": flag("recurring_last_day_of_month"),
    "recurringDayOfMonth": NumberToken(column="recurring_day_of_month"),
    "recurringWeekDayOfMonth": NumberToken(column="recurring_week_day_of_month"),
    "monthlyRecurringType": NumberToken(column="monthly_recurring_type"),
    "patchTuesdayPlusXDays": NumberToken(column="patch_tuesday_plus_x_days"),
    "startDateTime": WallClockToken(column="start_local"),
    "nextScheduleDateTime": DateToken(column="due_at"),
    "timezone": TextToken(column="timezone"),
    "timezoneType": choice_of("timezone_type", TimezoneType),
}

_HOW_FAR: Mapping[str, Token] = {
    "lastScheduleDateTime": DateToken(_newest_run, column="scheduled_for"),
    "triggerStatus": choice_of("state", RunState, _newest_run),
    "completionPercent": NumberToken(_newest_run, column=progress.PERCENT),
    "totalAssetCount": NumberToken(_newest_run, column=progress.HOSTS),
    "applicableAssetCount": NumberToken(_newest_run, column=progress.APPLICABLE_HOSTS),
    "assetResultReceivedCount": NumberToken(_newest_run, column=progress.ENDED_HOSTS),
}

_WHO: Mapping[str, Token] = {
    "calendarIds": UuidToken(any_of(_of_job(JobCalendar)), column="calendar__public_id"),
    "coAuthorUserIds": UuidToken(any_of(_of_job(JobCoAuthor)), column="user__public_id"),
    "created.date": DateToken(column="created_at"),
    "created.user.id": UuidToken(column="created_by__public_id"),
    "created.user.name": TextToken(column="created_by__username"),
    "updated.date": DateToken(column="updated_at"),
    "updated.user.id": UuidToken(column="updated_by__public_id"),
    "updated.user.name": TextToken(column="updated_by__username"),
}

JOB_TOKENS: Mapping[str, Token] = {**_WHAT, **_WHERE, **_WHEN, **_HOW_FAR, **_WHO}

# Of the hosts of a run, as `services.results.hosts` has them.
HOST_TOKENS: Mapping[str, Token] = {
    "asset.id": UuidToken(column="asset__public_id"),
    "asset.name": TextToken(column="asset__name"),
    "name": TextToken(column="asset__name"),
    "asset.operatingSystem": TextToken(column="asset__operating_system"),
    "operatingSystem": TextToken(column="asset__operating_system"),
    "status": choice_of("status_", CODES),
    "state": choice_of("state", HostTaskState),
    "reason": TextToken(column="reason"),
    "statusDateTime": DateToken(column="state_changed_at"),
    "startDateTime": DateToken(column="started_at"),
    "endDateTime": DateToken(column="finished_at"),
}
