"""`ETag` and `If-Match` (RFC 9110) on a job: of its definition and status, not of its progress."""

from rest_framework.request import Request

from core.errors import PreconditionFailed
from deployments.models import Job


def etag(job: Job) -> str:
    """Changes with each change of the definition or the status."""
    return f'"{job.public_id.hex}-{job.revision}"'


def require_match(request: Request, job: Job) -> None:
    """Raises PreconditionFailed where the request names an ETag and the job, whose row is locked, has another."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if etag(job) not in (one.strip() for one in wanted.split(",")):
        raise PreconditionFailed
