"""Feeds of starts for calendar programs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.customer_context import enter_through
from core.digests import digest_of, new_secret
from core.errors import NotPermitted
from deployments import schedules
from deployments.models import Feed, Job, Run
from deployments.services.occurrences import planned
from deployments.states import LIVE_JOBS
from tenants.models import Role, User

# What a feed shows at most: so far back and ahead, so many jobs (those that start next), so many starts.
BACK, AHEAD = timedelta(days=30), timedelta(days=180)
MOST_JOBS, MOST_STARTS, MOST_OF_A_JOB = 500, 2_000, 200


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a job: of a run, or planned."""

    job: Job
    start: datetime
    deadline: datetime
    run: Run | None


def create_feed(*, user: User, name: str, job: Job | None) -> tuple[Feed, str]:
    """A new feed of a job, or of all of the customer's jobs; and its secret, which nobody can tell again."""
    secret = new_secret("feed")
    feed = Feed.objects.create(
        customer_id=user.customer_id, name=name, job=job, secret_digest=digest_of(secret), created_by=user
    )
    return feed, secret


def delete_feed(*, feed: Feed, user: User) -> None:
    """Its address answers nothing from now on. Raises NotPermitted: it takes who made it, or an administrator."""
    if not user.may(Role.ADMIN) and feed.created_by_id != user.pk:
        raise NotPermitted("Only who made a feed, and administrators, may delete it.")
    feed.delete()


def find_feed(*, secret: str) -> Feed | None:
    """The feed with this secret; its customer is entered. None where there is none."""
    digest = digest_of(secret)
    customer_id = enter_through("deployments_customer_of_feed", digest)
    if customer_id is None:
        return None
    return Feed.objects.for_customer(customer_id).select_related("job").filter(secret_digest=digest).first()


def starts_of(*, feed: Feed, at: datetime) -> list[Start]:
    """What a feed shows, oldest first: by two queries, however many jobs there are."""
    since, until = at - BACK, at + AHEAD
    found = [*_past(feed, since, at), *_coming(_jobs(feed), since, until)]
    return sorted(found, key=lambda one: (one.start, one.job.pk))[: 2 * MOST_STARTS]


def _past(feed: Feed, since: datetime, at: datetime) -> Iterator[Start]:
    """The newest runs of its job, or of all live ones, whether these start again or not."""
    runs = Run.objects.for_customer(feed.customer_id).filter(scheduled_for__range=(since, at))
    runs = runs.filter(job__state__in=LIVE_JOBS) if feed.job is None else runs.filter(job=feed.job)
    newest = runs.select_related("job").defer("snapshot").order_by("-scheduled_for", "-pk")[:MOST_STARTS]
    return (Start(run.job, run.scheduled_for, run.deadline, run) for run in newest)


def _jobs(feed: Feed) -> Sequence[Job]:
    if feed.job is not None:
        return [feed.job]
    live = Job.objects.for_customer(feed.customer_id).live()
    return list(live.filter(next_run_at__isnull=False).order_by("next_run_at", "pk")[:MOST_JOBS])


def _coming(jobs: Sequence[Job], since: datetime, until: datetime) -> Iterator[Start]:
    """The jobs' own next starts, those first that come first, as many as there is room for."""
    each = max(1, min(MOST_OF_A_JOB, MOST_STARTS // max(1, len(jobs))))
    for job in jobs:
        for start in planned(job, since=since, until=until, most=each):
            yield Start(job, start, schedules.last_deadline_of(job, occurrence=start), None)
