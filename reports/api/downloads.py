"""A report's content as an HTTP answer, streamed."""

import re
from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.renderers import BaseRenderer

from reports import services
from reports.cells import BOM
from reports.models import Report
from reports.streams import inflated

CSV = "text/csv; charset=utf-8"
_LONGEST_NAME = 100
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?P<q>[0-9.]+)\s*)?(?:,|$)", re.IGNORECASE)


class CsvRenderer(BaseRenderer):
    """Lets `Accept: text/csv` be asked for; what is answered so is streamed, and never rendered."""

    media_type = "text/csv"
    format = "csv"


def answer(request: HttpRequest, report: Report, *, bom: bool) -> StreamingHttpResponse:
    """The file. As the gzip stream that is stored, where the client takes that."""
    packed = services.content(customer_id=report.customer_id, report_id=report.pk, chunks=report.chunk_count or 0)
    # A byte order mark would have to come before what is packed already.
    as_stored = not bom and _takes_gzip(request.headers.get("Accept-Encoding", ""))
    plain_size = (report.size or 0) + (len(BOM) if bom else 0)
    response = StreamingHttpResponse(packed if as_stored else _plain(packed, bom=bom), content_type=CSV)
    if as_stored:
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(report.stored_size if as_stored else plain_size)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file_name(report))
    response["Vary"] = "Accept-Encoding, Authorization, Cookie"
    response["Cache-Control"] = "private, no-store"
    return response


def file_name(report: Report) -> str:
    """A name that any system takes, whatever the report is called."""
    words = re.sub(r"[^\w.()-]+", "_", report.name)[:_LONGEST_NAME].strip("._ ")
    return f"{words or 'report'}_{report.created_at:%Y-%m-%d}.csv"


def _plain(packed: Iterator[bytes], *, bom: bool) -> Iterator[bytes]:
    if bom:
        yield BOM
    yield from inflated(packed)


def _takes_gzip(accepted: str) -> bool:
    found = _GZIP.search(accepted)
    return found is not None and (found["q"] is None or found["q"].strip("0.") != "")
