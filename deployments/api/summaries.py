"""Rows of `GET /deploymentjobs/summary`. Shape only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from core.instants import milliseconds
from deployments import progress
from deployments.models import Job, JobAsset, JobCoAuthor, JobPatch, JobTag, Part
from deployments.progress import Progress
from deployments.states import JobState
from deployments.tokens import CATEGORY, JOB_SOURCE, SCHEMA_VERSION, SUB_CATEGORY
from scheduling import local_time
from tenants.models import User

# What a row does not show, and what may be long.
_UNUSED = (
    "description",
    "pre_deployment",
    "during_deployment",
    "post_deployment",
    "reattempt_failed_patches",
    "chained_job_rule",
    "notification",
    "rollout",
    "sent_empty",
)


def counted(links: QuerySet[Any], by: str) -> Coalesce:
    """How many of `links` there are, which OuterRef correlates by the key `by`."""
    return Coalesce(Subquery(links.order_by().values(by).annotate(count_=Count("pk")).values("count_")), 0)


PATCHES = counted(JobPatch.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk")), "job_id")
ASSETS = counted(
    JobAsset.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"), part=Part.INCLUDE), "job_id"
)
CHILDREN = counted(
    Job.objects.filter(customer_id=OuterRef("customer_id"), linked_job_id=OuterRef("pk")).live(), "linked_job_id"
)


def with_summaries(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with what `summary_rows` reads of them: a fixed number of queries however many jobs there are."""
    excluded = JobAsset.objects.filter(part=Part.EXCLUDE).select_related("asset").only("job_id", "asset__public_id")
    people = JobCoAuthor.objects.select_related("user").only("job_id", "user__public_id")
    tags = JobTag.objects.select_related("tag").only("job_id", "part", "tag__public_id", "tag__name")
    return (
        jobs.select_related("customer", "created_by", "updated_by", "linked_job")
        .defer(*_UNUSED, *(f"linked_job__{name}" for name in _UNUSED))
        .prefetch_related(
            Prefetch("asset_links", excluded.order_by("position"), to_attr="excluded_"),
            Prefetch("co_author_links", people.order_by("position"), to_attr="people_"),
            Prefetch("tag_links", tags.order_by("position"), to_attr="tags_"),
        )
        .annotate(patches_=PATCHES, assets_=ASSETS, children_=CHILDREN)
    )


def summary_rows(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The jobs in short; they are of `with_summaries`."""
    newest = progress.newest(jobs)
    return [_row(job, newest.get(job.pk)) for job in jobs]


def _row(job: Any, newest: Progress | None) -> dict[str, Any]:
    return {
        "id": str(job.public_id),
        "name": job.name,
        "customerId": str(job.customer.public_id),
        "schemaVersion": SCHEMA_VERSION,
        "type": job.type,
        "platform": job.platform,
        "status": JobState.ENABLED.value if job.state == JobState.ENABLED else JobState.DISABLED.value,
        "deleted": False,
        **_what(job),
        **_where(job),
        **_when(job),
        **_how_far(newest),
        "created": _by(job.created_by, job.created_at),
        "updated": None if job.updated_at is None else _by(job.updated_by, job.updated_at),
        "coAuthorUserIds": [str(link.user.public_id) for link in job.people_],
        "linkedJobId": str(job.linked_job.public_id) if job.linked_job else None,
        "linkedJobReferenceCount": job.children_,
        **_constant(),
    }


def _what(job: Any) -> dict[str, Any]:
    more = job.additional_dynamic_patches_qql
    return {
        "patchCount": job.patches_,
        "isDynamicPatchesQQL": job.is_dynamic_patches_qql,
        "dynamicQQLType": job.dynamic_qql_type,
        "dynamicPatchesQQL": job.dynamic_patches_qql,
        "additionalQQLS": [more] if more else [],
        "remediationQids": job.remediation_qids,
        "isVulnContext": job.is_vuln_context,
        "customPatchUrlConfigured": job.custom_patch_url_id is not None,
    }


def _where(job: Any) -> dict[str, Any]:
    tags = {part: [link.tag for link in job.tags_ if link.part == part] for part in Part}
    included = tags[Part.INCLUDE]
    return {
        "assetCount": job.assets_,
        "tags": [{"id": str(tag.public_id), "name": tag.name} for tag in included],
        # Which hosts have the tags, a run finds out.
        "taggedAssetCount": None if included else 0,
        "matchAllTags": [str(tag.public_id) for tag in tags[Part.MATCH_ALL]],
        "exclusionTags": [str(tag.public_id) for tag in tags[Part.EXCLUDE]],
        "exclusionAssetIds": [str(link.asset.public_id) for link in job.excluded_],
        "filterType": job.filter_type,
        "exclusionFilterType": job.exclusion_filter_type,
    }


def _when(job: Job) -> dict[str, Any]:
    return {
        "scheduleType": job.schedule_type,
        "isRecurring": job.recurring,
        "startDateTime": local_time.wire(local_time.parse(job.start_local)),
        "timezoneType": job.timezone_type,
        "timezone": job.timezone,
        "recurringWeekDays": job.recurring_week_days,
        "dayOfMonth": job.day_of_month,
        "recurringLastDayOfMonth": job.recurring_last_day_of_month,
        "recurringDayOfMonth": job.recurring_day_of_month,
        "recurringWeekDayOfMonth": job.recurring_week_day_of_month,
        "monthlyRecurringType": job.monthly_recurring_type,
        "patchTuesdayPlusXDays": job.patch_tuesday_plus_x_days,
        "nextScheduleDateTime": milliseconds(job.due_at),
    }


def _how_far(newest: Progress | None) -> dict[str, Any]:
    return {
        "triggerStatus": newest and newest.run.state,
        "completionPercent": newest and newest.percent,
        "totalAssetCount": newest and newest.hosts,
        "applicableAssetCount": newest and newest.applicable,
        "assetResultReceivedCount": newest and newest.ended,
        "lastScheduleDateTime": newest and milliseconds(newest.run.scheduled_for),
    }


def _by(user: User, at: datetime) -> dict[str, Any]:
    return {"user": {"id": str(user.public_id), "name": user.username}, "date": milliseconds(at)}


def _constant() -> dict[str, Any]:
    """Keys of this API family that say nothing here, always present."""
    return {
        "category": CATEGORY,
        "subCategory": SUB_CATEGORY,
        "jobSource": JOB_SOURCE,
        "readOnly": False,
        "isPriorityJob": False,
        "isAssetImported": False,
        "mitigationActionCount": 0,
        "disabledPatches": None,
    }
