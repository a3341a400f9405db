"""Who may change a job, and read its scripts."""

from django.db.models import Q

from core.errors import NotPermitted
from deployments.models import Job, JobCoAuthor, JobQuerySet
from tenants.models import Role, User


def may_edit(job: Job, user: User) -> bool:
    """Its author, its co-authors and the customer's administrators; none of them who may only read."""
    if not user.may(Role.OPERATOR):
        return False
    if user.may(Role.ADMIN) or job.created_by_id == user.pk:
        return True
    return bool(job.co_author_links.filter(user=user).exists())


def editable(user: User) -> JobQuerySet:
    """All live jobs that `may_edit` is true of."""
    jobs: JobQuerySet = Job.objects.for_customer(user.customer_id).live()
    if user.may(Role.ADMIN):
        return jobs
    if not user.may(Role.OPERATOR):
        return jobs.none()
    shared = JobCoAuthor.objects.for_customer(user.customer_id).filter(user=user).values("job")
    return jobs.filter(Q(created_by=user) | Q(pk__in=shared))


def require_editor(job: Job, user: User) -> None:
    """Raises NotPermitted unless this user may edit the job."""
    if not may_edit(job, user):
        raise NotPermitted("Only the job's author, its co-authors and administrators may change it.")
