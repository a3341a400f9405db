"""Writing a report: page after page, each in a short transaction of its own, however long the whole takes.

A transaction that lasted as long as the file would keep the database from tidying up, and a row's lease in it would be
seen by nobody. So the rows of one file are of slightly different moments; none is left out, and none comes twice,
because pages go by key.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from core.customer_context import acting_for
from core.errors import Conflict
from reports import cells, sections
from reports.models import Report, ReportChunk, ReportSection
from reports.sections import Column
from reports.services.queueing import expiry
from reports.states import FINAL_REPORTS, ReportState
from reports.streams import Deflating

log = logging.getLogger(__name__)

# Much longer than a page takes, which is when it is renewed.
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3


class LeaseLost(Exception):
    """Somebody deleted the report, or gave it to another worker, while this one was writing it."""


@dataclass(slots=True)
class _Draft:
    """A file that is being written, as far as it is."""

    report: Report
    columns: list[Column]
    stream: Deflating = field(default_factory=Deflating)
    chunks: int = 0
    rows: int = 0

    def store(self, pieces: Iterable[bytes]) -> None:
        """Keep pieces of the stream, each as the next chunk."""
        made = [
            ReportChunk(customer_id=self.report.customer_id, report=self.report, number=self.chunks + place, data=piece)
            for place, piece in enumerate(pieces)
        ]
        ReportChunk.objects.bulk_create(made)
        self.chunks += len(made)


def write(*, customer_id: int, report_id: int) -> bool:
    """Write one report. True where nothing is left to do of it, False where another worker is at it.

    Outside of any transaction. The claim is a lease, and each page renews it: a worker that dies, or that is too slow,
    loses the report to the sweep, and what it wrote until then is written anew.
    """
    with acting_for(customer_id):
        report = Report.objects.for_customer(customer_id).filter(pk=report_id).first()
        if report is None or report.state in FINAL_REPORTS:
            return True
        if not _claim(report, at=timezone.now()):
            return False
    try:
        _write(report)
    except LeaseLost:
        log.warning("report %s was taken away from this worker", report_id)
        return False
    return True


def _claim(report: Report, *, at: datetime) -> bool:
    """Take it, and begin it anew. False where somebody else was first."""
    if report.state != ReportState.QUEUED:
        return False
    try:
        report.move_to(
            ReportState.RUNNING,
            at=at,
            data=report.event_data(),
            started_at=at,
            lease_until=at + LEASE,
            attempts=report.attempts + 1,
        )
    except Conflict:
        return False
    ReportChunk.objects.for_customer(report.customer_id).filter(report=report).delete()
    return True


def _write(report: Report) -> None:
    draft = _Draft(report, [sections.SECTIONS[ReportSection(report.section)].by_key[key] for key in report.columns])
    with acting_for(report.customer_id):
        draft.store(draft.stream.take(cells.lines([[one.title for one in draft.columns]])))
    pages = _pages(draft)
    while _write_page(draft, pages):
        pass


def _pages(draft: _Draft) -> Iterator[list[object]]:
    section = sections.SECTIONS[ReportSection(draft.report.section)]
    return section.pages(draft.report, frozenset(one.needs for one in draft.columns))


def _write_page(draft: _Draft, pages: Iterator[list[object]]) -> bool:
    """Read a page, and keep what it adds to the file, or the end of it. False after the end."""
    with acting_for(draft.report.customer_id):
        page = next(pages, None)
        if page is None:
            _finish(draft, at=timezone.now())
            return False
        _renew(draft.report, at=timezone.now())
        values = [one.value for one in draft.columns]
        draft.store(draft.stream.take(cells.lines([value(row) for value in values] for row in page)))
        draft.rows += len(page)
        return True


def _renew(report: Report, *, at: datetime) -> None:
    """Hold on to the report, whose row is locked until the page is kept. Raises LeaseLost."""
    mine = Report.objects.for_customer(report.customer_id).filter(
        pk=report.pk, state=ReportState.RUNNING, attempts=report.attempts
    )
    if not mine.update(lease_until=at + LEASE):
        raise LeaseLost


def _finish(draft: _Draft, *, at: datetime) -> None:
    _renew(draft.report, at=at)
    draft.store(draft.stream.finish())
    draft.report.move_to(
        ReportState.READY,
        at=at,
        data=draft.report.event_data(),
        lease_until=None,
        finished_at=at,
        expires_at=expiry(at),
        row_count=draft.rows,
        size=draft.stream.size,
        stored_size=draft.stream.stored_size,
        chunk_count=draft.chunks,
        sha256=draft.stream.sha256,
    )
