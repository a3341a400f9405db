"""Deleting reports."""

from core.errors import NotPermitted
from reports.models import Report, ReportQuerySet
from tenants.models import Role, User


def delete(*, report: Report, user: User) -> None:
    """Forget a report and its content; one that is being written, too. Raises NotPermitted."""
    if report.created_by_id != user.pk and not user.may(Role.ADMIN):
        raise NotPermitted("Only whoever asked for this report, and administrators, may delete it.")
    forget(Report.objects.for_customer(report.customer_id).filter(pk=report.pk))


def forget(reports: ReportQuerySet) -> None:
    """Delete these reports with their content."""
    # Locked first: a worker that is about to keep a page would add chunks after ours were deleted.
    for report in reports.select_for_update(of=("self",)):
        report.delete()
