"""The sweep: gives reports to another worker whose own was not heard of any more, and forgets expired ones."""

from datetime import datetime, timedelta

from core.customer_context import acting_for, scheduling
from reports.models import Report
from reports.services.deleting import forget
from reports.services.queueing import expiry
from reports.services.writing import MAX_ATTEMPTS
from reports.states import ReportState

BATCH = 100
# Whoever began to fetch a report before it expired may come to its end.
_GRACE = timedelta(hours=1)


def sweep(*, at: datetime) -> None:
    """Queue what was left behind, at most so often, and delete what has been kept long enough.

    Each customer's rows are changed in that customer's own context; finding them takes the narrow scheduler role.
    """
    with scheduling():
        silent = Report.objects.filter(state=ReportState.RUNNING, lease_until__lte=at).order_by("lease_until")
        left_behind = list(silent.values_list("customer_id", "pk")[:BATCH])
        old = Report.objects.filter(expires_at__lte=at - _GRACE).order_by("expires_at")
        expired = list(old.values_list("customer_id", "pk")[:BATCH])
    for customer_id, report_id in left_behind:
        with acting_for(customer_id):
            _take_back(report_id, at=at)
    for customer_id, report_id in expired:
        with acting_for(customer_id):
            forget(Report.objects.for_customer(customer_id).filter(pk=report_id, expires_at__lte=at - _GRACE))


def _take_back(report_id: int, *, at: datetime) -> None:
    """From a worker whose lease ran out; where it was renewed meanwhile, the worker goes on."""
    found = Report.objects.filter(pk=report_id, state=ReportState.RUNNING, lease_until__lte=at)
    report = found.select_for_update(skip_locked=True, of=("self",)).first()
    if report is None:
        return
    if report.attempts < MAX_ATTEMPTS:
        report.move_to(ReportState.QUEUED, at=at, data=report.event_data(), started_at=None, lease_until=None)
        return
    report.move_to(
        ReportState.FAILED,
        at=at,
        data=report.event_data(),
        lease_until=None,
        finished_at=at,
        expires_at=expiry(at),
        error=f"It was begun {report.attempts} times, and no worker came to its end.",
    )
    report.chunks.all().delete()
