"""What the steps of a host task add up to. Pure, but for the rows it reads."""

from collections.abc import Sequence

from deployments.models import Stage, Step, StepKind
from deployments.reasons import Reason
from deployments.states import BAD_STEPS, HostTaskState, StepState

_WINDOW_OVER = "window_over"

Outcome = tuple[HostTaskState, Reason]


def outcome(steps: Sequence[Step]) -> Outcome:
    """The final state of a host whose agent is done, and its one reason.

    What went wrong first counts. A patch that the agent calls done is believed only if the closing scan showed it.
    """
    return _bad_pre_action(steps) or _window(steps) or _bad_patch(steps) or _bad_post_action(steps) or _good(steps)


def _bad_pre_action(steps: Sequence[Step]) -> Outcome | None:
    bad = any(step.state in BAD_STEPS for step in steps if step.stage == Stage.PRE)
    return (HostTaskState.FAILED, Reason.PRE_ACTION_FAILED) if bad else None


def _window(steps: Sequence[Step]) -> Outcome | None:
    over = any(step.reason == _WINDOW_OVER for step in steps)
    return (HostTaskState.TIMED_OUT, Reason.WINDOW_OVER) if over else None


def _bad_patch(steps: Sequence[Step]) -> Outcome | None:
    patches = [step for step in steps if step.kind == StepKind.PATCH]
    if any(step.state in BAD_STEPS for step in patches):
        return HostTaskState.FAILED, Reason.PATCH_FAILED
    if any(step.state == StepState.SUCCEEDED and not step.verified for step in patches):
        return HostTaskState.FAILED, Reason.NOT_VERIFIED
    return None


def _bad_post_action(steps: Sequence[Step]) -> Outcome | None:
    bad = any(step.state in BAD_STEPS for step in steps if step.stage == Stage.POST)
    return (HostTaskState.FAILED, Reason.POST_ACTION_FAILED) if bad else None


def _good(steps: Sequence[Step]) -> Outcome:
    patches = [step for step in steps if step.kind == StepKind.PATCH]
    if patches and all(step.state in {StepState.NOT_APPLICABLE, StepState.SKIPPED} for step in patches):
        return HostTaskState.NOT_APPLICABLE, Reason.NO_PATCH_APPLIED
    if any(step.state in {StepState.PENDING, StepState.RUNNING} for step in steps):
        return HostTaskState.FAILED, Reason.NOT_VERIFIED
    return HostTaskState.SUCCEEDED, Reason.VERIFIED
