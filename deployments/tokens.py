"""What queries may ask of jobs: the keys of their summary rows, by the names they have there."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.query import (
    CountToken,
    DateToken,
    TextToken,
    Token,
    UuidToken,
    WallClockToken,
    Within,
    choice_of,
    flag,
)
from deployments.models import (
    Combine,
    JobAsset,
    JobCoAuthor,
    JobPatch,
    JobTag,
    JobType,
    Part,
    ScheduleType,
    TimezoneType,
)
from deployments.states import JobState
from inventory.models import Platform


def _any(links: QuerySet[Any]) -> Within:
    """The jobs that have one of `links` for which a condition holds."""

    def within(condition: Q) -> Q:
        return Q(Exists(links.filter(condition)))

    return within


def _of_job(model: Any) -> QuerySet[Any]:
    # The customer is named again: the indexes of both tables start with it.
    links: QuerySet[Any] = model.objects.filter(customer_id=OuterRef("customer_id"), job_id=OuterRef("pk"))
    return links


_tags = _any(_of_job(JobTag).filter(part=Part.INCLUDE))
_excluded_tags = _any(_of_job(JobTag).filter(part=Part.EXCLUDE))
_excluded_assets = _any(_of_job(JobAsset).filter(part=Part.EXCLUDE))

JOB_TOKENS: Mapping[str, Token] = {
    "id": UuidToken(column="public_id"),
    "externalId": TextToken(column="external_id"),
    "name": TextToken(column="name"),
    "description": TextToken(column="description"),
    "type": choice_of("type", JobType),
    "platform": choice_of("platform", Platform),
    "status": choice_of("state", (JobState.ENABLED, JobState.DISABLED)),
    "scheduleType": choice_of("schedule_type", ScheduleType),
    "isRecurring": flag("recurring"),
    "startDateTime": WallClockToken(column="start_local"),
    "nextScheduleDateTime": DateToken(column="next_run_at"),
    "timezone": TextToken(column="timezone"),
    "timezoneType": choice_of("timezone_type", TimezoneType),
    "filterType": choice_of("filter_type", Combine),
    "exclusionFilterType": choice_of("exclusion_filter_type", Combine),
    "tags.id": UuidToken(_tags, column="tag__public_id"),
    "tags.name": TextToken(_tags, column="tag__name"),
    "exclusionTags": UuidToken(_excluded_tags, column="tag__public_id"),
    "exclusionAssetIds": UuidToken(_excluded_assets, column="asset__public_id"),
    "coAuthorUserIds": UuidToken(_any(_of_job(JobCoAuthor)), column="user__public_id"),
    "patchCount": CountToken(links=_of_job(JobPatch), by="job_id"),
    "linkedJobId": UuidToken(column="linked_job__public_id"),
    "created.date": DateToken(column="created_at"),
    "created.user.id": UuidToken(column="created_by__public_id"),
    "created.user.name": TextToken(column="created_by__username"),
    "updated.date": DateToken(column="updated_at"),
    "updated.user.id": UuidToken(column="updated_by__public_id"),
    "updated.user.name": TextToken(column="updated_by__username"),
}
