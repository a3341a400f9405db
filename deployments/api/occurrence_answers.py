"""What lists of occurrences answer, for the API's document."""

from datetime import datetime

from pydantic import Field, RootModel

from core.openapi import Answer
from deployments.models import Trigger
from deployments.reasons import Reason


class JobStart(Answer):
    """A start on machines of one zone."""

    timezone: str
    date_time: datetime
    local_date_time: str
    notes: list[str] = Field(
        description="`gap_shifted`, `fold_first`, `clamped_to_last_day`, `crosses_month`: what is remarkable about it."
    )


class JobOccurrence(Answer):
    """One start of a job: of a run, or planned."""

    scheduled_date_time: datetime = Field(description="With AGENT_TZ, where the first zone on Earth reaches it.")
    deadline: datetime
    status: str = Field(description="The state of its run, or `Planned`.")
    job_instance_id: int | None
    trigger: Trigger | None
    reason: Reason | None
    note: str | None = Field(description="Figures to the reason, or what holds a frozen one back.")
    reason_text: str | None
    notes: list[str] = Field(
        description="Those of its starts; `overlaps`: the window before is open yet; `frozen`: it lies in a freeze."
    )
    starts: list[JobStart] = Field(description="In each zone among the job's machines, of starts by the schedule.")


class JobOccurrences(RootModel[list[JobOccurrence]]):
    """Occurrences, oldest first."""
