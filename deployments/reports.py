"""What an agent reports: the shapes of docs/agent-protocol.md. Bounded, since an agent may lie."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from core.shapes import Flag, Shape, Text
from deployments.reasons import StepReason
from deployments.states import StepState
from inventory.descriptions import Scan

# A little over the agent's own bound, which marks what it cut.
MAX_OUTPUT = 70_000
_Number = Annotated[int, Field(ge=1)]
About = Literal["before", "during", "completed", "reboot", "countdown"]


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


class StepResult(Report):
    """How a step, or a try of it, did."""

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


class StepFinished(StepResult):
    """A step has ended; `tries` where it was tried more than once."""

    kind: Literal["step_finished"]
    tries: Annotated[int, Field(ge=0, le=100)] | None = None


class Remark(Report):
    """What is said beside the steps: an event of the host task, and nothing else changes."""

    def facts(self) -> dict[str, Any]:
        """What it says, as small JSON."""
        said = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {key: value for key, value in said.items() if key not in {"kind", "output", "outputCut"}}


class StepTried(StepResult, Remark):
    """A try of a step failed, and there will be another; `step_finished` comes once, at the very end."""

    kind: Literal["step_tried"]
    try_: Annotated[int, Field(alias="try", ge=1, le=100)]


class Shown(Remark):
    """A message was put before the person."""

    kind: Literal["shown"]
    about: About
    number: _Number | None = None
    minimised: Flag = False
    # Of a countdown: when it is over.
    until: datetime | None = None


class Asked(Remark):
    """A question was put before the person; it stands until `answer_by`."""

    kind: Literal["asked"]
    about: About
    number: _Number | None = None
    deferrals_left: Annotated[int, Field(ge=0, le=1_000)]
    answer_by: datetime


class Answered(Remark):
    """How a question ended; `until` is what was granted. `nobody`: there was no one to ask."""

    kind: Literal["answered"]
    about: About
    number: _Number | None = None
    answer: Literal["now", "defer", "timed_out", "nobody"]
    until: datetime | None = None


class Waiting(Remark):
    """The host waits: for its share of the downloads, the next try, or, in a step, for the package manager's lock, or,
    before it restarts, until `by` for somebody to sign in."""

    kind: Literal["waiting"]
    for_: Annotated[Literal["download", "retry", "lock", "login"], Field(alias="for")]
    number: _Number | None = None
    try_: Annotated[int | None, Field(alias="try", ge=1, le=100)] = None
    until: datetime | None = None
    by: datetime | None = None


class Downloaded(Remark):
    """A patch was fetched, or not, before the work could begin."""

    kind: Literal["downloaded"]
    number: Annotated[int, Field(ge=1)]
    succeeded: Flag
    seconds: Annotated[float, Field(ge=0)] | None = None


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
    Accepted
    | StepStarted
    | StepFinished
    | Rebooting
    | StepTried
    | Shown
    | Asked
    | Answered
    | Waiting
    | Downloaded
    | Scanned
    | Finished
    | Refused,
    Field(discriminator="kind"),
]
# Told to agents as `hears`: kinds that came after the first ones, which an agent does not use unasked.
HEARS = ("answered", "asked", "downloaded", "shown", "step_tried", "waiting")


class ReportsBody(Shape):
    """`POST /agent/v1/reports`."""

    host_task_id: Annotated[int, Field(ge=1)]
    attempt: Annotated[int, Field(ge=1)]
    fence: Annotated[int, Field(ge=1)]
    reports: Annotated[list[AnyReport], Field(min_length=1, max_length=100)]
