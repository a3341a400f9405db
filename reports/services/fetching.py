"""Reading a report's content back."""

from collections.abc import Iterator

from core.customer_context import acting_for
from core.errors import Conflict
from reports.models import Report, ReportChunk
from reports.states import ReportState


class ContentGone(Exception):
    """The report was deleted while somebody was fetching it: the answer must break off, not end."""


def require_ready(report: Report) -> None:
    """Raises Conflict, with how far the report is, unless it can be fetched."""
    if report.state == ReportState.FAILED:
        raise Conflict(f"This report is Failed: {report.error}")
    if report.state != ReportState.READY:
        raise Conflict(f"This report is {report.state}; it can be downloaded when it is Ready.")


def content(*, customer_id: int, report_id: int, chunks: int) -> Iterator[bytes]:
    """The gzip stream, chunk by chunk, each read in a transaction of its own.

    A web server asks for the next one whenever the client has taken the one before: long after the request's own
    transaction, and whose customer's it was, have ended. Raises ContentGone.
    """
    for number in range(chunks):
        with acting_for(customer_id):
            mine = ReportChunk.objects.for_customer(customer_id).filter(report_id=report_id, number=number)
            data = mine.values_list("data", flat=True).first()
        if data is None:
            raise ContentGone(f"report {report_id}")
        yield bytes(data)
