"""What the views of reports answer."""

from typing import Literal
from uuid import UUID

from pydantic import Field, RootModel

from core.openapi import Answer
from inventory.models import Platform
from reports.models import ReportKind, ReportSection
from reports.sections import ColumnType
from reports.states import ReportState


class ReportCreator(Answer):
    """A person."""

    id: UUID
    name: str
    full_name: str


class ReportCreation(Answer):
    """Who asked for it, and when, in milliseconds since 1970."""

    user: ReportCreator
    date: int


class Report(Answer):
    """A report. All times are milliseconds since 1970."""

    id: UUID
    name: str
    kind: ReportKind
    report_section: ReportSection = Field(description="What a row of the file stands for.")
    format: Literal["CSV"]
    platform: Platform | None = Field(description="Of which machines; null for all.")
    status: ReportState
    job_id: UUID | None
    job_name: str | None
    job_instance_id: int | None = Field(description="Which run of the job; null for all of them.")
    columns: list[str] = Field(description="Keys of the columns, in the order of the file.")
    query: str | None = Field(description="Only the rows that it finds; null for all.")
    created_by: ReportCreation
    start_date_time: int | None = Field(description="When a worker began to write it.")
    end_date_time: int | None
    expiry_date_time: int = Field(description="From when on it is gone.")
    row_count: int | None = Field(description="Without the line of titles; null until it is Ready.")
    size: int | None = Field(description="In bytes, as it is downloaded without compression.")
    sha256: str | None = Field(description="Of these bytes, without a byte order mark.")
    error: str | None = Field(description="Why it Failed.")
    download_url: str | None = Field(description="The path to fetch it from, once it is Ready.")


class Reports(RootModel[list[Report]]):
    """A page of reports."""


class ReportColumn(Answer):
    """A column that a report can have."""

    key: str = Field(description="What `columns` of a report calls it.")
    title: str = Field(description="What the first line of the file calls it.")
    type: ColumnType
    section: ReportSection
    kind: ReportKind = Field(description="Which reports have this section.")
    platform: Platform | None = Field(description="The only machines that it says anything of; null for all.")
    default: bool = Field(description="Whether a report has it that names no columns.")


class ReportColumns(RootModel[list[ReportColumn]]):
    """All columns, in the order of the file."""


class ReportDeleted(Answer):
    """What is gone."""

    deleted: UUID
