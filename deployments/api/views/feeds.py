"""Feeds: made and taken away by those who sign in, read by whoever has the address."""

import hashlib
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import InvalidInput, Problem
from core.instants import milliseconds
from core.openapi import describe, describe_list, header
from core.paging import PageParameters, page
from core.parameters import parameters
from core.shapes import NotSet, Shape, Text, parse
from deployments.api import feed_answers
from deployments.api.ics import CONTENT_TYPE, calendar_text
from deployments.api.views.base import CREATED, JobView, one_of
from deployments.models import Feed, Job
from deployments.services import feeds


class FeedBody(Shape):
    """A feed."""

    name: Annotated[Text | None, NotSet, Field(max_length=200, description="What calendar programs show it as.")] = None
    job_id: Annotated[
        Text | None, NotSet, Field(max_length=256, description="Of this job alone, by id or external id; else of all.")
    ] = None


class FeedBase(JobView):
    """What the views of feeds share."""

    def feeds(self) -> QuerySet[Feed]:
        """The caller's customer's."""
        return Feed.objects.for_customer(self.user().customer_id).select_related("job", "created_by")


@extend_schema(tags=["feeds"])
class FeedsView(FeedBase):
    """Feeds of the customer."""

    @describe_list("listFeeds", rows=feed_answers.Feeds, parameters=PageParameters)
    def get(self, request: Request) -> Response:
        """List feeds, newest first. Their addresses are not told again."""
        return page(request, self.feeds().order_by("-id"), render=_row, wanted=parameters(request, PageParameters))

    @describe(
        "createFeed",
        request=FeedBody,
        answer=feed_answers.NewFeed,
        status=201,
        says="The feed and its address, which is told this once.",
        refuses=[403, 413, 415],
        parameters=[header("Location", "The path of the new feed.", status=201)],
        examples={"All jobs": {"name": "Patching"}},
    )
    def post(self, request: Request) -> Response:
        """Make a feed of starts, past and coming, that calendar programs can subscribe to.

        It takes no `Idempotency-Key`: its first answer would be kept, and with it the secret.
        """
        body = parse(FeedBody, request.data)
        job = self._named(body.job_id)
        name = body.name or (job.name if job else "Deployment jobs")
        feed, secret = feeds.create_feed(user=self.user(), name=name, job=job)
        url = request.build_absolute_uri(f"/feeds/{secret}.ics")
        return Response(
            _row(feed) | {"url": url}, status=CREATED, headers={"Location": f"/pm/v1/feeds/{feed.public_id}"}
        )

    def _named(self, name: str | None) -> Job | None:
        if name is None:
            return None
        try:
            return one_of(self.live_jobs(), name)
        except Http404:
            raise InvalidInput(problems=[Problem("jobId", "unknown_id", f"no such id: {name}")]) from None


@extend_schema(tags=["feeds"])
class FeedView(FeedBase):
    """One feed."""

    @describe("readFeed", answer=feed_answers.Feed, says="The feed.")
    def get(self, request: Request, feed_id: str) -> Response:
        """Read a feed."""
        return Response(_row(get_object_or_404(self.feeds(), public_id=feed_id)))

    @describe("deleteFeed", answer=feed_answers.FeedDeleted, says="Deleted.", refuses=[403])
    def delete(self, request: Request, feed_id: str) -> Response:
        """Delete a feed: its address answers 404 from now on."""
        feeds.delete_feed(feed=get_object_or_404(self.feeds(), public_id=feed_id), user=self.user())
        return Response({"deleted": str(feed_id)})


# It changes nothing for anybody, so a POST is the wrong method, not a forgery.
@csrf_exempt
@require_safe
def feed_text(request: HttpRequest, secret: str) -> HttpResponse:
    """What calendar programs read. Whoever has the address may; a wrong one is 404."""
    feed = feeds.find_feed(secret=secret)
    if feed is None:
        raise Http404
    text = calendar_text(feed, feeds.starts_of(feed=feed, at=timezone.now()))
    etag = quote_etag(hashlib.sha256(text).hexdigest())
    headers = {"ETag": etag, "Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex"}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers=headers)
    name = {"Content-Disposition": 'inline; filename="deployment-jobs.ics"'}
    return HttpResponse(text, content_type=CONTENT_TYPE, headers=headers | name)


def _row(feed: Feed) -> dict[str, Any]:
    return {
        "id": str(feed.public_id),
        "name": feed.name,
        "jobId": str(feed.job.public_id) if feed.job else None,
        "createdBy": {"id": str(feed.created_by.public_id), "name": feed.created_by.username},
        "createdAt": milliseconds(feed.created_at),
    }
