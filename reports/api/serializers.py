"""How reports look on the wire, and what is asked of them."""

from typing import Annotated, Any

from django.db.models import QuerySet
from pydantic import Field

from core.instants import milliseconds
from core.paging import ListParameters
from core.shapes import Flag, NotSet, Shape, Text, TextList, WholeNumber, choice, choices
from inventory.models import Platform
from reports import sections
from reports.models import Report, ReportKind, ReportSection
from reports.sections import Column, Section
from reports.states import ReportState

# More than the column holds is no run's number.
_HIGHEST = 2**31 - 1
# What clients of this API family call the rows of a job's report.
_SYNONYMS = {"deploymentjobprogress": ReportSection.HOSTS}
_OF_JOBS = tuple(section.name for section in sections.of_kind(ReportKind.JOB_PROGRESS))
_ROWS = "What a row stands for; the first section of its kind where absent."


class ReportListParameters(ListParameters):
    """Which reports to list."""

    platform: Annotated[
        list[Platform] | None,
        choices(Platform),
        Field(description="Those on Windows or Linux machines alone; those on all are not among them."),
    ] = None


class DownloadParameters(Shape):
    """How to download."""

    bom: Annotated[
        Flag,
        Field(description="Begin with a byte order mark, by which some spreadsheets tell UTF-8."),
    ] = False


class ColumnParameters(Shape):
    """Which columns to list."""

    platform: Annotated[
        Platform | None, Field(description="Those that reports on these machines can have; all where absent.")
    ] = None
    report_section: Annotated[
        ReportSection | None,
        choice(ReportSection, synonyms=_SYNONYMS),
        Field(description="Those of one section; of all where absent."),
    ] = None


class ReportBody(Shape):
    """What is to be in a report. Everything may be left out, and so may the body."""

    name: Annotated[
        Text | None,
        NotSet,
        Field(max_length=256, description="What it is called in lists, and its file; told from its content if absent."),
    ] = None
    columns: Annotated[
        Annotated[TextList, Field(max_length=100)] | None,
        Field(description="Keys of `/report/columns`, in the order of the file; the default ones where absent."),
    ] = None
    query: Annotated[
        Text | None, NotSet, Field(max_length=4096, description="Only these rows, in the query language.")
    ] = None
    platform: Annotated[Platform | None, Field(description="Only these machines; all where absent.")] = None


class AssetsReportBody(ReportBody):
    """What is to be in a report on assets. Everything may be left out, and so may the body."""

    report_section: Annotated[
        ReportSection | None, choice(ReportSection, only=(ReportSection.ASSETS,)), Field(description=_ROWS)
    ] = None


class MissingPatchesReportBody(ReportBody):
    """What is to be in a report on missing patches. Everything may be left out, and so may the body."""

    report_section: Annotated[
        ReportSection | None, choice(ReportSection, only=(ReportSection.MISSING_PATCHES,)), Field(description=_ROWS)
    ] = None


class JobReportBody(ReportBody):
    """What is to be in a report on a job. Everything may be left out, and so may the body."""

    report_section: Annotated[
        ReportSection | None,
        choice(ReportSection, synonyms=_SYNONYMS, only=_OF_JOBS),
        Field(description=_ROWS),
    ] = None
    job_instance_id: Annotated[
        WholeNumber | None, Field(ge=1, le=_HIGHEST, description="Which run; all of them where absent.")
    ] = None


def with_references(reports: QuerySet[Report]) -> QuerySet[Report]:
    """The reports with what `report_row` reads, in one query. A run's snapshot may be large, and is left."""
    related = reports.select_related("job", "run", "created_by")
    names = (
        *("job__public_id", "job__name", "run__instance", "created_by__public_id", "created_by__username"),
        *("created_by__first_name", "created_by__last_name"),
    )
    return related.only(*(one.name for one in Report._meta.concrete_fields), *names)


def report_row(report: Report) -> dict[str, Any]:
    """A row of `GET /v1/reports`."""
    user = report.created_by
    return {
        "id": str(report.public_id),
        "name": report.name,
        "kind": report.kind,
        "reportSection": report.section,
        "format": "CSV",
        "platform": report.platform,
        "status": report.state,
        "jobId": str(report.job.public_id) if report.job else None,
        "jobName": report.job.name if report.job else None,
        "jobInstanceId": report.run.instance if report.run else None,
        "columns": report.columns,
        "query": report.query or None,
        "createdBy": {
            "user": {"id": str(user.public_id), "name": user.username, "fullName": user.full_name},
            "date": milliseconds(report.created_at),
        },
        "startDateTime": milliseconds(report.started_at),
        "endDateTime": milliseconds(report.finished_at),
        "expiryDateTime": milliseconds(report.expires_at),
        "rowCount": report.row_count,
        "size": report.size,
        "sha256": report.sha256 or None,
        "error": report.error or None,
        "downloadUrl": f"{path_of(report)}/download" if report.state == ReportState.READY else None,
    }


def path_of(report: Report) -> str:
    """Where a report is."""
    return f"/pm/v1/reports/{report.public_id}"


def column_row(section: Section, column: Column) -> dict[str, Any]:
    """A row of `GET /v1/report/columns`."""
    return {
        "key": column.key,
        "title": column.title,
        "type": column.type.value,
        "section": section.name.value,
        "kind": ReportKind(section.kind).value,
        "platform": column.platform.value if column.platform else None,
        "default": column.default,
    }
