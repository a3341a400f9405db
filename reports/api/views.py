"""Reports, as the wire contract has them. Whoever may read what a report says may ask for it."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.details import NoParameters
from core.idempotency import idempotent
from core.openapi import IDEMPOTENCY_KEY, describe, describe_list, header, query
from core.paging import Listing
from core.parameters import parameters
from core.query import DateToken, NumberToken, TextToken, UuidToken, choice_of
from core.shapes import parse
from deployments.api.views.base import one_of
from deployments.models import Job
from inventory.models import Platform
from reports import sections, services
from reports.api import answers, downloads, serializers
from reports.api.serializers import (
    AssetsReportBody,
    ColumnParameters,
    DownloadParameters,
    JobReportBody,
    MissingPatchesReportBody,
    ReportListParameters,
)
from reports.models import Report, ReportKind, ReportQuerySet, ReportSection
from reports.services import Wish
from reports.states import ReportState
from tenants.models import Role, User

REPORTS = Listing(
    row=answers.Report,
    order=["-id"],
    columns={
        "id": "public_id",
        "name": "name",
        "kind": "kind",
        "reportSection": "section",
        "status": "state",
        "jobName": "job__name",
        "createdBy": "created_at",
        "createdBy.date": "created_at",
        "endDateTime": "finished_at",
        "expiryDateTime": "expires_at",
        "rowCount": "row_count",
        "size": "size",
    },
    tokens={
        "id": UuidToken(column="public_id"),
        "name": TextToken(column="name"),
        "kind": choice_of("kind", ReportKind),
        "reportSection": choice_of("section", ReportSection),
        "status": choice_of("state", ReportState),
        "platform": choice_of("platform", Platform),
        "jobId": UuidToken(column="job__public_id"),
        "jobName": TextToken(column="job__name"),
        "jobInstanceId": NumberToken(column="run__instance"),
        "createdBy.date": DateToken(column="created_at"),
        "createdBy.user.id": UuidToken(column="created_by__public_id"),
        "createdBy.user.name": TextToken(column="created_by__username"),
        "endDateTime": DateToken(column="finished_at"),
        "expiryDateTime": DateToken(column="expires_at"),
        "rowCount": NumberToken(column="row_count"),
        "size": NumberToken(column="size"),
    },
)


class ReportBase(APIView):
    """What all views of reports share."""

    @property
    def user(self) -> User:
        """The caller."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - RolePermission has seen to it
        return user

    def reports(self) -> ReportQuerySet:
        """The caller's customer's reports that are kept still."""
        reports: ReportQuerySet = Report.objects.for_customer(self.user.customer_id)
        return reports.kept(timezone.now())

    def report(self) -> Report:
        """The one that the URL names. Raises Http404."""
        found: Report = get_object_or_404(
            serializers.with_references(self.reports()), public_id=self.kwargs["report_id"]
        )
        return found


@extend_schema(tags=["reports"])
class ReportsView(ReportBase):
    """The reports of a customer."""

    @describe_list("listReports", rows=answers.Reports, parameters=ReportListParameters)
    def get(self, request: Request) -> Response:
        """List reports, the newest first."""
        wanted = parameters(request, ReportListParameters)
        reports = self.reports().filter(platform__in=wanted.platform) if wanted.platform else self.reports()
        rows = serializers.with_references(reports)
        return REPORTS.page(request, rows, wanted, at=timezone.now(), render=serializers.report_row)


@extend_schema(tags=["reports"])
class ReportView(ReportBase):
    """One report."""

    # Whose it is decides.
    writing_role = Role.VIEWER

    @describe("readReport", answer=answers.Report, says="The report.")
    def get(self, request: Request, report_id: UUID) -> Response:
        """Read how far a report is."""
        parameters(request, NoParameters)
        return Response(serializers.report_row(self.report()))

    @describe("deleteReport", answer=answers.ReportDeleted, says="Forgotten.", refuses=[403])
    def delete(self, request: Request, report_id: UUID) -> Response:
        """Delete a report, whether it is written or not. Its author may, and administrators."""
        services.delete(report=self.report(), user=self.user)
        return Response({"deleted": str(report_id)})


@extend_schema(tags=["reports"])
class DownloadView(ReportBase):
    """The file of a report."""

    renderer_classes = (JSONRenderer, downloads.CsvRenderer)

    @describe(
        "downloadReport",
        answer={"text/csv": OpenApiTypes.STR},
        says="The file: CSV as in RFC 4180, in UTF-8, with a line of titles. Cells that a spreadsheet would take for a "
        "formula begin with an apostrophe. Compressed where `Accept-Encoding` names gzip.",
        parameters=[
            *query(DownloadParameters),
            header("Content-Disposition", "`attachment`, with a name for the file."),
        ],
        refuses=[409],
    )
    def get(self, request: Request, report_id: UUID) -> HttpResponseBase:
        """Download a report that is Ready. One that is not is refused with 409, which says how far it is."""
        wanted = parameters(request, DownloadParameters)
        report = self.report()
        services.require_ready(report)
        return downloads.answer(request, report, bom=wanted.bom)


@extend_schema(tags=["reports"])
class ColumnsView(ReportBase):
    """The columns that reports can have."""

    @describe(
        "readReportColumns",
        answer=answers.ReportColumns,
        says="All of them, in the order of the file; not paged.",
        parameters=[*query(ColumnParameters), header("X-Total-Count", "How many rows there are in all.", type=int)],
    )
    def get(self, request: Request) -> Response:
        """List the columns of reports, section by section."""
        wanted = parameters(request, ColumnParameters)
        shown = [
            serializers.column_row(section, column)
            for section in sections.SECTIONS.values()
            if wanted.report_section in {None, section.name}
            for column in section.columns
            if column.fits(wanted.platform)
        ]
        return Response(shown, headers={"X-Total-Count": str(len(shown))})


class QueueingView(ReportBase):
    """Base of views that ask for a report: it changes nothing that it tells of, so a viewer may."""

    reads_by_post = True
    kind: ClassVar[ReportKind]

    def queued(self, body: AssetsReportBody | MissingPatchesReportBody | JobReportBody, **more: Any) -> Response:
        """The report that is now waiting for a worker."""
        wish = Wish(
            kind=self.kind,
            section=body.report_section,
            columns=body.columns or [],
            query=body.query or "",
            platform=body.platform,
            name=body.name or "",
            **more,
        )
        report = services.queue(user=self.user, wish=wish, at=timezone.now())
        return Response(serializers.report_row(report), status=202, headers={"Location": serializers.path_of(report)})


def _body_of(request: Request) -> Any:
    """What was sent; clients that want nothing in particular send no body, and no content type."""
    return {} if request.data is None or isinstance(request.data, QueryDict) else request.data


_QUEUED: dict[str, Any] = {
    "answer": answers.Report,
    "status": 202,
    "says": "The report, which a worker is about to write: read it again until it is Ready.",
    "parameters": [header("Location", "The path of the report.", status=202), IDEMPOTENCY_KEY],
    "refuses": [429],
}


@extend_schema(tags=["reports"])
class JobProgressReportView(QueueingView):
    """Reports on the runs of a job."""

    kind = ReportKind.JOB_PROGRESS

    @describe(
        "reportJobProgress",
        request=JobReportBody,
        examples={
            "Hosts on which the first run failed": {"jobInstanceId": 1, "query": 'status:"Job Failed"'},
            "Every patch on every host": {"reportSection": "patches"},
        },
        **_QUEUED,
    )
    @idempotent
    def post(self, request: Request, job_id: str) -> Response:
        """Ask for a report on all runs of a job, or on one: a row per host, per patch on each, per action on
        each, or per run.

        Those of a deleted job can be reported on as well.
        """
        parameters(request, NoParameters)
        job = one_of(Job.objects.for_customer(self.user.customer_id), job_id)
        body = parse(JobReportBody, _body_of(request))
        return self.queued(body, job=job, instance=body.job_instance_id)


@extend_schema_view(post=extend_schema(operation_id="reportJobProgressAgain"))
class JobProgressReportAgainView(JobProgressReportView):
    """The same by the other spelling of its path."""


@extend_schema(tags=["reports"])
class AssetsReportView(QueueingView):
    """Reports on assets."""

    kind = ReportKind.ASSETS

    @describe(
        "reportAssets",
        request=AssetsReportBody,
        examples={"Machines that wait for a restart": {"query": "rebootRequired:true"}},
        **_QUEUED,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a report on assets; `query` is as in the list of assets."""
        parameters(request, NoParameters)
        return self.queued(parse(AssetsReportBody, _body_of(request)))


@extend_schema(tags=["reports"])
class MissingPatchesReportView(QueueingView):
    """Reports on what is missing where."""

    kind = ReportKind.MISSING_PATCHES

    @describe(
        "reportMissingPatches",
        request=MissingPatchesReportBody,
        examples={"What is critical": {"query": "vendorSeverity:Critical", "columns": ["assetName", "patchTitle"]}},
        **_QUEUED,
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for a report on missing patches, a row for each on each asset; `query` is as in the list of patches."""
        parameters(request, NoParameters)
        return self.queued(parse(MissingPatchesReportBody, _body_of(request)))
