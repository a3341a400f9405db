"""What a running step has printed so far: taken piece by piece, each once, and bounded."""

from dataclasses import dataclass
from datetime import datetime

from agents.models import Agent, LiveOutput
from deployments.models import HostTask, Step
from deployments.states import FINAL_HOST_TASKS, StepState

# Characters kept from the beginning, and as many from the end.
HALF = 32 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a step's output. `offset` and `size` count the bytes that the program printed, before they were text."""

    number: int
    offset: int
    size: int
    text: str


def take_output(*, agent: Agent, task_id: int, attempt: int, fence: int, piece: Piece, at: datetime) -> int | None:
    """Add a piece to the output that a step is seen to have. Returns up to which byte it is known.

    None where the host task is not this agent's (any more) or the step has ended: then its report has the output. A
    piece that comes after a gap leaves out what is in between, which is said.
    """
    task = (
        HostTask.objects.for_customer(agent.customer_id)
        .exclude(state__in=FINAL_HOST_TASKS)
        .filter(pk=task_id, asset=agent.asset, attempt=attempt, fence=fence)
        # As reports do: of two pieces one waits.
        .select_for_update(of=("self",))
        .first()
    )
    if task is None:
        return None
    step = (
        Step.objects.for_customer(agent.customer_id)
        .filter(host_task=task, attempt=attempt, number=piece.number)
        .only("pk", "state")
        .first()
    )
    if step is None or step.state not in {StepState.PENDING, StepState.RUNNING}:
        return None
    if step.state == StepState.PENDING:
        # The report of its start is still on its way; what is sent again then counts.
        return 0
    live, _ = LiveOutput.objects.for_customer(agent.customer_id).get_or_create(
        step=step, defaults={"customer_id": agent.customer_id, "began_at": at}
    )
    if piece.offset + piece.size > live.received:
        _add(live, piece)
        live.save(update_fields=["received", "head", "tail", "is_cut"])
        Step.objects.for_customer(agent.customer_id).filter(pk=step.pk, state=StepState.RUNNING).update(
            output=live.text, output_cut=live.is_cut
        )
    return live.received


def forget_output(*, agent: Agent, task_id: int, attempt: int, numbers: set[int]) -> None:
    """These steps have ended: their reports have their output."""
    LiveOutput.objects.for_customer(agent.customer_id).filter(
        step__host_task_id=task_id, step__attempt=attempt, step__number__in=numbers
    ).delete()


def _add(live: LiveOutput, piece: Piece) -> None:
    if piece.offset > live.received:
        live.is_cut = True
    elif piece.offset < live.received:
        # An agent sends on from what it was answered, so a piece that overlaps is one whose answer was lost, with more
        # behind it: that comes again by itself.
        return
    room = 0 if live.is_cut else HALF - len(live.head)
    live.head += piece.text[:room]
    live.tail += piece.text[room:]
    if len(live.tail) > HALF:
        live.tail = live.tail[-HALF:]
        live.is_cut = True
    live.received = piece.offset + piece.size
