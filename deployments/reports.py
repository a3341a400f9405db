"""What an agent reports: the shapes of docs/agent-protocol.md. Bounded, since an agent may lie."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from core.shapes import Flag, Shape, Text
from deployments.reasons import StepReason
from deployments.states import StepState
from inventory.descriptions import Scan

# A little over the agent's own bound, which marks what it cut.
MAX_OUTPUT = 70_000


class Report(Shape):
    """One report; `sequence` counts from 1 within an attempt."""

    sequence: Annotated[int, Field(ge=1, le=1_000_000)]
    at: datetime
    kind: str


class Accepted(Report):
    """The manifest was verified and journaled."""

    kind: Literal["accepted"]


class StepStarted(Report):
    """A step begins."""

    kind: Literal["step_started"]
    number: Annotated[int, Field(ge=1)]


class StepFinished(Report):
    """A step has ended."""

    kind: Literal["step_finished"]
    number: Annotated[int, Field(ge=1)]
    state: Literal["succeeded", "failed", "skipped", "not_applicable", "interrupted"]
    reason: StepReason
    exit_code: int | None = None
    output: Annotated[Text, Field(max_length=MAX_OUTPUT)] = ""
    output_cut: Flag = False
    from_version: Annotated[Text, Field(max_length=255)] | None = None
    to_version: Annotated[Text, Field(max_length=255)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None

    @property
    def step_state(self) -> StepState:
        """In our own word."""
        return StepState["NOT_APPLICABLE" if self.state == "not_applicable" else self.state.upper()]


class Rebooting(Report):
    """The machine is about to restart, in this step or, where that is the closing scan, before it."""

    kind: Literal["rebooting"]
    number: Annotated[int, Field(ge=1)]


class Scanned(Report):
    """The closing scan."""

    kind: Literal["scanned"]
    scan: Scan


class Finished(Report):
    """All is done and nothing follows."""

    kind: Literal["finished"]
    # What was done takes effect with the machine's next restart, which was not made.
    reboot_pending: Flag = False


class Refused(Report):
    """The manifest was not accepted, and nothing was done."""

    kind: Literal["refused"]
    reason: Literal["bad_signature", "wrong_agent", "old_attempt", "expired", "bad_digest", "unsupported"]


AnyReport = Annotated[
    Accepted | StepStarted | StepFinished | Rebooting | Scanned | Finished | Refused, Field(discriminator="kind")
]


class ReportsBody(Shape):
    """`POST /agent/v1/reports`."""

    host_task_id: Annotated[int, Field(ge=1)]
    attempt: Annotated[int, Field(ge=1)]
    fence: Annotated[int, Field(ge=1)]
    reports: Annotated[list[AnyReport], Field(min_length=1, max_length=100)]
