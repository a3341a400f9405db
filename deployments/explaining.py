"""Why a host, or a patch on it, stands as it does in a run: rules looked at in order, until one decides.

Pure: a Situation holds all that is looked at, and it is only what was stored. What a host was like when the run began
is kept as the reason that its host task got then.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from deployments.models import HostTask, JobType, Run, Stage, Step, StepKind
from deployments.reasons import Reason, Standing, StepReason, sentence, step_sentence
from deployments.states import BAD_STEPS, HostTaskState, RunState, StepState
from inventory.models import Asset, Patch


@dataclass(frozen=True, slots=True)
class Queue:
    """What a host that waits in a run with a rollout waits for: its wave, and a place."""

    wave: int
    waves: int
    open_wave: int
    open_state: str
    # Of the open wave: how many hosts have not ended; once they have, until when it soaks.
    to_end: int
    soaks_until: datetime | None
    limit: int | None
    full: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """What is asked about, and all that is known of it. `task` is None of a host that the run did not consider.

    `patch` may be None: then the host as a whole is asked about. `steps` are of the newest attempt.
    """

    run: Run
    asset: Asset
    task: HostTask | None
    patch: Patch | None
    steps: Sequence[Step]
    # The job whose run holds the host, if there is one.
    blocked_by: str | None
    # Of a host that waits: whether its last scan calls for the patch.
    called_for: bool
    at: datetime
    # Of a host that waits in a run with a rollout.
    queue: Queue | None = None

    @property
    def ended_as(self) -> str:
        """The reason of the host's end, or empty."""
        return self.task.reason if self.task else ""

    @property
    def step(self) -> Step | None:
        """The step of the patch that is asked about."""
        return next((step for step in self.steps if self.patch and step.patch_id == self.patch.pk), None)

    def ended_as_one_of(self, *reasons: Reason) -> str:
        """The reason of the host's end if it is one of these, else empty."""
        return self.ended_as if self.ended_as in reasons else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found. `code` is empty where it lets pass, and the next rule is looked at."""

    rule: str
    found: str
    code: str = ""

    @property
    def passed(self) -> bool:
        """Whether it does not decide."""
        return not self.code


Rule = Callable[[Situation], Finding]


def explain(case: Situation) -> list[Finding]:
    """What each rule found, in order; the last one decides."""
    return list(_looked_at(case))


def _looked_at(case: Situation) -> Iterator[Finding]:
    for rule in _RULES:
        finding = rule(case)
        yield finding
        if not finding.passed:
            return


# --- whether there is anything to do ----------------------------------------------------------------------------------


def _run(case: Situation) -> Finding:
    run = case.run
    if case.task is None and run.state in {RunState.PENDING, RunState.AWAITING_APPROVAL, RunState.RESOLVING}:
        return Finding("run", f"The run is {run.state}.", Standing.RUN_NOT_RESOLVED)
    if case.task is None and run.started_at is None:
        return Finding("run", f"The run is {run.state} and never began.", run.reason)
    return Finding("run", "The run has found out its hosts.")


def _targeted(case: Situation) -> Finding:
    if case.task is None:
        named = "neither its id nor one of its tags fitted them when the run began"
        return Finding("targeted", f"The host is not among the run's targets: {named}.", Standing.NOT_TARGETED)
    return Finding("targeted", "The run's targets include the host.")


def _excluded(case: Situation) -> Finding:
    code = case.ended_as_one_of(Reason.EXCLUDED)
    return Finding("excluded", sentence(code) if code else "No exclusion of the job names the host.", code)


def _platform(case: Situation) -> Finding:
    wanted, has = case.run.snapshot["platform"], case.asset.platform
    return Finding(
        "platform", f"The job is for {wanted}, the host is {has}.", case.ended_as_one_of(Reason.OTHER_PLATFORM)
    )


def _in_run(case: Situation) -> Finding:
    patches = case.run.snapshot["patches"]
    if case.patch is None:
        return Finding("patches", f"The run deals with {_many(len(patches), 'patch', 'patches')}.")
    if all(patch["pk"] != case.patch.pk for patch in patches):
        return Finding("patches", "The patch is not in the run's frozen list.", Standing.NOT_IN_RUN)
    return Finding("patches", "The patch is in the run's frozen list.")


def _scanned(case: Situation) -> Finding:
    scanned = case.asset.scanned_at
    if scanned is None:
        return Finding("scanned", "The host was never scanned: it gets all patches, and finds out itself.")
    return Finding("scanned", f"The host's last scan is of {scanned:%Y-%m-%dT%H:%M:%SZ}.")


def _missing(case: Situation) -> Finding:
    code = case.ended_as_one_of(Reason.NO_PATCH_MISSING, Reason.NOTHING_TO_ROLL_BACK)
    if code:
        return Finding("missing", sentence(code), code)
    if case.patch and not _called_for(case):
        return Finding("missing", _not_called_for(case, case.patch), Standing.NOT_CONCERNED)
    if not case.run.snapshot["patches"]:
        return Finding("missing", "The run has actions alone, which every host does.")
    return Finding("missing", "Nothing that was known said that there was nothing to do.")


def _called_for(case: Situation) -> bool:
    if _task(case).state == HostTaskState.PENDING:
        return case.called_for
    return case.step is not None or not case.steps


def _not_called_for(case: Situation, patch: Patch) -> str:
    if patch.package_manager != case.asset.package_manager:
        manager = case.asset.package_manager or "none"
        return f"The patch is for {patch.package_manager}, and the host's package manager is {manager}."
    if case.run.snapshot["type"] == JobType.INSTALL:
        return "By the last scan before the host got its work, the patch was not missing there."
    return "By the last scan before the host got its work, the patch was not there with a known earlier version."


# --- whether the host got its work ------------------------------------------------------------------------------------


def _withdrawn(case: Situation) -> Finding:
    if case.task is not None and case.task.state == HostTaskState.CANCELED:
        return Finding("withdrawn", sentence(case.ended_as), case.ended_as)
    return Finding("withdrawn", "Nobody canceled it before the host began.")


def _start(case: Situation) -> Finding:
    task = _task(case)
    said = f"The host may start from {task.start_at:%Y-%m-%dT%H:%M:%SZ} on"
    if task.state == HostTaskState.PENDING and task.start_at > case.at:
        return Finding("start", f"{said}; that is still to come.", Standing.WAITS_FOR_START)
    return Finding("start", f"{said}.")


def _free(case: Situation) -> Finding:
    if _task(case).state == HostTaskState.PENDING and case.blocked_by is not None:
        return Finding("free", f"The job {case.blocked_by!r} holds the host.", Standing.WAITS_FOR_ANOTHER_JOB)
    return Finding("free", "No other run holds the host.")


def _wave(case: Situation) -> Finding:
    queue = case.queue
    if queue is None:
        return Finding("wave", "It waits for no wave.")
    said = f"The host is in wave {queue.wave} of {queue.waves}"
    if queue.wave <= queue.open_wave:
        return Finding("wave", f"{said}, which is open.")
    until = f"and {_many(queue.to_end, 'of its hosts is', 'of its hosts are')} to end"
    if queue.soaks_until is not None:
        until = f"until {queue.soaks_until:%Y-%m-%dT%H:%M:%SZ}"
    now = f"wave {queue.open_wave} is {queue.open_state}, {until}"
    return Finding("wave", f"{said}; {now}.", Standing.WAITS_FOR_WAVE if case.run.state == RunState.RUNNING else "")


def _place(case: Situation) -> Finding:
    queue = case.queue
    if queue is None or queue.limit is None:
        return Finding("place", "It waits for no place.")
    if queue.full and case.run.state == RunState.RUNNING:
        return Finding("place", f"{queue.limit} hosts are at work, and no more may be.", Standing.WAITS_FOR_PLACE)
    return Finding("place", f"At most {queue.limit} hosts work at once, and there is a place.")


def _contact(case: Situation) -> Finding:
    if code := case.ended_as_one_of(Reason.NEVER_CAME):
        return Finding("contact", sentence(code), code)
    if _task(case).attempt:
        return Finding("contact", f"The host got its work, for the {_nth(_task(case).attempt)} time.")
    if _task(case).is_final:
        return Finding("contact", "The host ended before it asked for its work.", case.ended_as)
    if case.run.state != RunState.RUNNING:
        why = f": {case.run.note}" if case.run.note else ""
        return Finding("contact", f"The run is {case.run.state}{why}.", Standing.WAITS_FOR_RUN)
    return Finding("contact", "The host has not asked for its work since its start.", Standing.WAITS_FOR_HOST)


def _manifest(case: Situation) -> Finding:
    code = case.ended_as_one_of(Reason.MANIFEST_REFUSED, Reason.AGENT_REINSTALLED)
    return Finding("manifest", sentence(code) if code else "The agent took on the work.", code)


# --- how it went ------------------------------------------------------------------------------------------------------


def _pre_actions(case: Situation) -> Finding:
    return _stage(case, "preActions", Stage.PRE, Reason.PRE_ACTION_FAILED)


def _patch(case: Situation) -> Finding:
    """Of one patch, its own end; of a host, whether one of its patches failed it."""
    step = case.step
    if step is None:
        done = [step for step in case.steps if step.kind == StepKind.PATCH]
        code = case.ended_as_one_of(Reason.PATCH_FAILED, Reason.NO_PATCH_APPLIED)
        ended = sum(step.state not in {StepState.PENDING, StepState.RUNNING} for step in done)
        return Finding("patch", f"{ended} of {_many(len(done), 'patch has', 'patches have')} ended.", code)
    said = f"The step {step.title!r} is {step.state}"
    if step.state in {StepState.PENDING, StepState.RUNNING} and not _task(case).is_final:
        return Finding("patch", f"{said}.", Standing.AT_WORK)
    if step.state == StepState.SUCCEEDED:
        newer = step.reason == StepReason.ALREADY_INSTALLED and step.to_version not in {"", _version(case)}
        return Finding("patch", f"{said}: {step_sentence(step.reason)}", Standing.NEWER_VERSION if newer else "")
    return Finding("patch", f"{said}: {step_sentence(step.reason or case.ended_as)}", step.reason or case.ended_as)


def _post_actions(case: Situation) -> Finding:
    return _stage(case, "postActions", Stage.POST, "" if case.patch else Reason.POST_ACTION_FAILED)


def _verified(case: Situation) -> Finding:
    step = case.step
    if step is not None and step.verified is not None:
        if not step.verified:
            return Finding("verified", "The closing scan does not bear it out.", Reason.NOT_VERIFIED)
        there = step.reason == StepReason.ALREADY_INSTALLED
        return Finding("verified", "The closing scan bears it out.", step.reason if there else Reason.VERIFIED)
    if not _task(case).is_final:
        return Finding("verified", "The host has not ended.", Standing.AT_WORK)
    if step is not None:
        return Finding("verified", "The host ended without a closing scan.", Reason.NOT_VERIFIED)
    return Finding("verified", sentence(case.ended_as), case.ended_as)


def _stage(case: Situation, rule: str, stage: Stage, decides: str) -> Finding:
    steps = [step for step in case.steps if step.stage == stage]
    bad = [step for step in steps if step.state in BAD_STEPS]
    if bad:
        told = "; ".join(f"{step.title!r} is {step.state}: {step_sentence(step.reason)}" for step in bad)
        return Finding(rule, told, decides if case.ended_as == decides or case.patch else "")
    return Finding(rule, f"None of {len(steps)} failed." if steps else "There are none.")


def _task(case: Situation) -> HostTask:
    assert case.task is not None  # noqa: S101 - `_targeted` has decided otherwise
    return case.task


def _version(case: Situation) -> str:
    return case.patch.version if case.patch else ""


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _nth(count: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(count, f"{count}th")


_RULES: Sequence[Rule] = (
    _run,
    _targeted,
    _excluded,
    _platform,
    _in_run,
    _scanned,
    _missing,
    _withdrawn,
    _start,
    _free,
    _wave,
    _place,
    _contact,
    _manifest,
    _pre_actions,
    _patch,
    _post_actions,
    _verified,
)
