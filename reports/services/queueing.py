"""Asking for a report."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from core import events
from core.errors import InvalidInput, Problem, TooManyRequests, rate_limit_headers
from core.query import compile_query
from deployments.models import Job, Run
from inventory.models import Platform
from reports import sections
from reports.models import Report, ReportKind, ReportSection
from reports.sections import Section
from reports.states import FINAL_REPORTS
from tenants.models import User

# Of one customer, those that wait to be written or are being written.
MOST_UNFINISHED = 100
_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants a report on. All but the kind may be left open; `job` goes with the kind about one."""

    kind: ReportKind
    section: ReportSection | None = None
    columns: list[str] = field(default_factory=list)
    query: str = ""
    platform: Platform | None = None
    name: str = ""
    job: Job | None = None
    instance: int | None = None


def queue(*, user: User, wish: Wish, at: datetime) -> Report:
    """Make a report that a worker will write. Raises InvalidInput with all that is wrong with the wish, and
    TooManyRequests where many of the customer's wait already."""
    section, run = _section(wish), _run(wish)
    problems = [*_problems(wish, section, run, at)]
    if problems or section is None:
        raise InvalidInput(problems=problems)
    _require_room(user.customer_id)
    platform = _platform(wish)
    report = Report.objects.create(
        customer_id=user.customer_id,
        name=wish.name or _name(wish, section),
        kind=wish.kind,
        section=section.name,
        job=wish.job,
        run=run,
        platform=platform,
        columns=wish.columns or section.defaults(platform),
        query=wish.query,
        state_changed_at=at,
        created_by=user,
        created_at=at,
        expires_at=expiry(at),
    )
    events.record(kind="report.queued", at=at, data=report.event_data(), **report.event_ids())
    return report


def expiry(at: datetime) -> datetime:
    """Until when a report is kept that was finished, or asked for, at this moment."""
    return at + timedelta(days=settings.REPORT_DAYS)


def _require_room(customer_id: int) -> None:
    """Workers write the reports of all customers: one that asks in a loop must not be all that they do."""
    waiting = Report.objects.for_customer(customer_id).exclude(state__in=FINAL_REPORTS).count()
    if waiting >= MOST_UNFINISHED:
        headers = rate_limit_headers(limit=MOST_UNFINISHED, remaining=0, window=_WAIT_SECONDS, wait=_WAIT_SECONDS)
        raise TooManyRequests(f"{waiting} of your reports are not written yet; wait for one of them.", headers=headers)


def _section(wish: Wish) -> Section | None:
    """The one that is wanted; None where this kind of report has no such section."""
    possible = sections.of_kind(wish.kind)
    return next((one for one in possible if wish.section in {None, one.name}), None)


def _run(wish: Wish) -> Run | None:
    if wish.job is None or wish.instance is None:
        return None
    runs = Run.objects.for_customer(wish.job.customer_id).filter(job=wish.job, instance=wish.instance)
    found: Run | None = runs.only("pk", "instance", "customer_id").first()
    return found


def _platform(wish: Wish) -> Platform | None:
    """Of which machines the report is: a job's own says so, else the caller."""
    return Platform(wish.job.platform) if wish.job else wish.platform


def _problems(wish: Wish, section: Section | None, run: Run | None, at: datetime) -> Iterator[Problem]:
    if section is None:
        known = ", ".join(one.name.value for one in sections.of_kind(wish.kind))
        yield Problem("reportSection", "invalid", f"must be one of {known} in a report of this kind")
    if wish.instance is not None and run is None:
        yield Problem("jobInstanceId", "unknown_id", f"the job has no run {wish.instance}")
    if wish.job is not None and wish.platform not in {None, wish.job.platform}:
        yield Problem("platform", "invalid", f"the job is for {wish.job.platform} machines")
    if section is not None:
        yield from sections.wrong_columns(section, wish.columns, _platform(wish))
        yield from _wrong_query(wish, section, at)


def _wrong_query(wish: Wish, section: Section, at: datetime) -> Iterator[Problem]:
    try:
        compile_query(wish.query, section.tokens, now=at) if wish.query else None
    except InvalidInput as refused:
        yield from refused.problems


def _name(wish: Wish, section: Section) -> str:
    if wish.job is None:
        return "Assets" if wish.kind == ReportKind.ASSETS else "Missing patches"
    run = "all runs" if wish.instance is None else f"run {wish.instance}"
    return f"{wish.job.name}, {run}, {section.name.value}"
