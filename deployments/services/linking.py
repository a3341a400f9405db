"""Which job another follows: found, and held to what must be true between the two."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from core.errors import Problem
from deployments.models import Job, JobAction, Stage
from inventory.models import Platform


def parent_of(
    customer_id: int, fields: Mapping[str, Any], problems: list[Problem], *, child: Job | None = None
) -> Job | None:
    """The live job that a body's `linkedJobId` names, or None; adds what is wrong with it and with its rules."""
    wanted = fields.get("linked_job_id")
    if wanted is None:
        return None
    _lock_links(customer_id)
    parent: Job | None = Job.objects.for_customer(customer_id).live().named(wanted).first()
    if parent is None:
        problems.append(Problem("linkedJobId", "unknown_id", f"no such id: {wanted}"))
        return None
    problems += _wrong_parent(parent, fields, child)
    problems += _wrong_actions(parent, fields)
    return parent


def ancestors(job: Job) -> Iterator[Job]:
    """The job's parent, that one's parent, and so on."""
    seen = {job.pk}
    while job.linked_job is not None and job.linked_job_id not in seen:
        job = job.linked_job
        seen.add(job.pk)
        yield job


def _lock_links(customer_id: int) -> None:
    """Until the transaction ends nobody else links jobs of this customer: two at once could close a loop."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('links', %s))", [customer_id])


def _wrong_parent(parent: Job, fields: Mapping[str, Any], child: Job | None) -> Iterator[Problem]:
    if child is not None and child.pk in {parent.pk, *(one.pk for one in ancestors(parent))}:
        itself = "the job itself" if child.pk == parent.pk else "a job that follows this one"
        yield Problem("linkedJobId", "loop", f"must not be {itself}")
    if fields.get("platform", Platform.WINDOWS) != parent.platform:
        yield Problem(
            "linkedJobId", "excludes", f"is a job for {parent.platform}; both must be for one platform", "1907"
        )


def _wrong_actions(parent: Job, fields: Mapping[str, Any]) -> Iterator[Problem]:
    known = JobAction.objects.filter(job=parent, stage=Stage.POST).order_by("position")
    ids = list(known.values_list("public_id", flat=True))
    for number, rule in enumerate(fields.get("chained_job_rule") or ()):
        for place, one in enumerate(rule.action_ids):
            if _unknown(one, ids):
                field = f"chainedJobRule[{number}].actionIds[{place}]"
                message = f"no such post-action of the linked job, which has {len(ids)}: {one}"
                yield Problem(field, "unknown_id", message)


def _unknown(one: UUID | int, ids: list[UUID]) -> bool:
    return one not in ids if isinstance(one, UUID) else one > len(ids)
