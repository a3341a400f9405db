"""When a job started, and when it will."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import InvalidInput, Problem
from core.openapi import describe, header, query
from core.parameters import parameters
from core.shapes import Shape, WholeNumber
from deployments.api import occurrence_answers
from deployments.api.occurrences import occurrence_rows
from deployments.api.views.base import JobView
from deployments.services.occurrences import occurrences

BACK, AHEAD = timedelta(days=30), timedelta(days=90)
_LONGEST = timedelta(days=366 * 10)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class OccurrenceParameters(Shape):
    """Which occurrences."""

    since: Annotated[
        datetime | None,
        Field(alias="from", description="From this start on; 30 days ago, or before an earlier `to`, where absent."),
    ] = None
    until: Annotated[
        datetime | None,
        Field(alias="to", description="Before this start; 90 days after `from` or now, the later, where absent."),
    ] = None
    page_size: Annotated[WholeNumber, Field(ge=1, le=1_000, description="At most so many.")] = 100


@extend_schema(tags=["deployment jobs"])
class OccurrencesView(JobView):
    """The occurrences of a job."""

    @describe(
        "readJobOccurrences",
        answer=occurrence_answers.JobOccurrences,
        says="Oldest first: none missing, none twice.",
        refuses=[404],
        parameters=[
            *query(OccurrenceParameters),
            header("Link", "The address of these, as `first`; and where there are more, of what follows, as `next`."),
        ],
    )
    def get(self, request: Request, job_id: str) -> Response:
        """List when a job started or should have, with what became of it, and when it will start."""
        wanted = parameters(request, OccurrenceParameters)
        since, until = _between(wanted, at=timezone.now())
        job = self.job()
        found = occurrences(job=job, since=since, until=until, most=wanted.page_size + 1)
        shown, following = found[: wanted.page_size], found[wanted.page_size :]
        pages = {"first": since} | ({"next": following[0].start} if following else {})
        links = [_link(request, name, begins, until, wanted.page_size) for name, begins in pages.items()]
        return Response(occurrence_rows(job, shown), headers={"Link": ", ".join(links)})


def _between(wanted: OccurrenceParameters, *, at: datetime) -> tuple[datetime, datetime]:
    since = wanted.since or _moved(min(wanted.until or at, at), -BACK)
    until = wanted.until or _moved(max(since, at), AHEAD)
    if not (since < until and until - since <= _LONGEST):
        message = f"must be later than from, by {_LONGEST.days} days at most"
        raise InvalidInput(problems=[Problem("to", "invalid", message)])
    return since, until


def _moved(at: datetime, by: timedelta) -> datetime:
    """So much earlier or later, as far as time is reckoned."""
    try:
        return at + by
    except OverflowError:
        return _FIRST if by < timedelta(0) else _LAST


def _link(request: Request, name: str, since: datetime, until: datetime, size: int) -> str:
    # To the microsecond: a run by hand may begin in the same second as the one before it.
    span = {"from": since.isoformat(), "to": until.isoformat(), "pageSize": size}
    return f'<{request.build_absolute_uri(request.path)}?{urlencode(span)}>; rel="{name}"'
