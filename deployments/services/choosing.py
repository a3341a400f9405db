"""Which patches a run deals with: a job's own list, what its query finds at this moment, or its parent's."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from deployments.definition.patches import NO_QUERY, VULNERABILITY_QUERY
from deployments.models import Job
from deployments.services.linking import ancestors
from inventory.models import AssetPatch, Patch, PatchStatus
from inventory.querying import closing_condition, patch_condition
from inventory.targeting import Target, targeted

MOST_PATCHES = 2_000


def chosen_patches(job: Job, *, target: Target, at: datetime) -> list[Patch]:
    """The patches, in the order in which a host gets them.

    A linked job gets those of its parent, or of whom that one follows. A query finds what is missing on the job's
    machines and not superseded, newest first, at most 2,000.
    """
    source = next((one for one in reversed(list(ancestors(job)))), job)
    if source.is_dynamic_patches_qql:
        return list(_found(source, target=target, at=at)[:MOST_PATCHES])
    return list(
        Patch.objects.for_customer(job.customer_id).filter(job_links__job=source).order_by("job_links__position")
    )


def _found(job: Job, *, target: Target, at: datetime) -> QuerySet[Patch]:
    # The customer is named in each part: the indexes start with it.
    hosts = targeted(customer_id=job.customer_id, target=target).values("pk")
    missing = AssetPatch.objects.for_customer(job.customer_id).filter(
        patch_id=OuterRef("pk"), status=PatchStatus.MISSING, asset_id__in=hosts
    )
    wanted = _condition(job.dynamic_qql_type, job.dynamic_patches_qql, at=at) | _condition(
        job.additional_dynamic_qql_type, job.additional_dynamic_patches_qql, at=at
    )
    return (
        Patch.objects.for_customer(job.customer_id)
        .filter(wanted, patch_condition("isSuperseded:false", now=at, field=""), platform=job.platform)
        .filter(Exists(missing))
        .order_by(Coalesce("published_at", "created_at").desc(), "-pk")
    )


def _condition(kind: int, text: str | None, *, at: datetime) -> Q:
    """Of one query; nothing where there is none, everything where a query for patches says nothing."""
    if kind == NO_QUERY:
        return Q(pk__in=[])
    condition = closing_condition if kind == VULNERABILITY_QUERY else patch_condition
    # `pk` is never null: `Q()` alone would vanish from a disjunction instead of making it true.
    return condition(text, now=at, field="dynamicPatchesQQL") or Q(pk__isnull=False)
