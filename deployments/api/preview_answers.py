"""What a preview answers, for the API's document."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from core.openapi import Answer
from deployments.reasons import Reason
from inventory.models import Severity


class PlannedPatch(Answer):
    """A patch of the plan."""

    id: UUID
    title: str
    vendor_severity: Severity


class PlannedHost(Answer):
    """A machine that the job's targets include: what it would get and when, or why nothing."""

    asset_id: UUID
    name: str
    timezone: str | None
    applicable: bool
    reason: Reason | None
    reason_text: str | None
    start_date_time: datetime
    start_before: datetime = Field(description="How late it may begin, by the missed-run policy.")
    deadline: datetime
    patches: list[UUID]
    wave: int | None = Field(description="In which wave of the job's next run it is; null where there is none.")


class PlannedWave(Answer):
    """A wave, and how many machines it gets. One without machines is none."""

    number: int
    asset_count: int
    soak_minutes: int


class PlannedStarts(Answer):
    """The coming starts on machines of one zone; each note says what makes a start differ from the plain rule."""

    timezone: str
    starts: list["PlannedStart"]


class PlannedStart(Answer):
    """One start."""

    date_time: datetime
    local_date_time: str
    notes: list[str]


class OverlappingJob(Answer):
    """Another enabled job whose next window meets this one's on machines of both; there the later one waits."""

    job_id: UUID
    name: str
    start_date_time: datetime
    deadline: datetime
    asset_count: int


class HittingFreeze(Answer):
    """A freeze of a calendar that a shown start lies in."""

    calendar: str
    summary: str | None
    start_date_time: datetime
    end_date_time: datetime


class Remedy(Answer):
    """Which patches of the plan close a vulnerability that the job was made for."""

    qid: int
    patches: list[UUID]


class Preview(Answer):
    """The plan of a job: what it would do if its next run began as planned, by what is known now. Hosts are paged."""

    plan_hash: str = Field(description="Changes with anything that would be done, or where.")
    approved: bool | None = Field(description="Whether this plan may run; null where that takes no approval.")
    schedule: str = Field(description="The schedule as a sentence.")
    start_date_time: datetime
    deadline: datetime
    patch_count: int
    patches: list[PlannedPatch]
    asset_count: int
    applicable_asset_count: int
    reasons: dict[Reason, int] = Field(description="How many machines have nothing to do, by reason.")
    assets: list[PlannedHost]
    waves: list[PlannedWave] | None
    occurrences: list[PlannedStarts]
    freezes: list[HittingFreeze] = Field(description="Of the calendars that hold the job back: what a start lies in.")
    overlaps: list[OverlappingJob]
    remedies: list[Remedy]
