"""What people do to a run: cancel it, let it stand still and go on, and try again what failed."""

from datetime import datetime
from typing import Any

from core.errors import Conflict
from deployments.models import HaltEnding, Run, Trigger
from deployments.progress import BAD_HOSTS
from deployments.reasons import Reason
from deployments.services.editors import require_editor
from deployments.services.facts import count_host_tasks, facts
from deployments.services.freezing import refuse_held
from deployments.services.halts import end_halt
from deployments.services.host_tasks import cancel_hosts
from deployments.services.jobs import lock
from deployments.services.runs import delete_if_waiting, open_run
from deployments.services.waves import end_waves, wait_anew
from deployments.states import LIVE_JOBS, RunState
from tenants.models import User


def cancel(*, run: Run, user: User, at: datetime) -> Run:
    """End a run now. Hosts that are at work are told so, and begin no further step.

    Raises NotPermitted where this user may not edit the job, Conflict where the run has ended.
    """
    run = _locked(run, user)
    data = (facts(run) if run.snapshot else {}) | _by(user)
    cancel_hosts(run.host_tasks.all(), reason=Reason.RUN_CANCELED, at=at)
    counts = count_host_tasks(run)
    data |= {"counts": counts, "shareTold": run.share_told_at is not None}
    changes: dict[str, Any] = {"reason": Reason.RUN_CANCELED, "finished_at": at, "counts": counts, "resumes_at": None}
    run.move_to(RunState.CANCELED, at=at, note=_note(user), data=data, **changes)
    end_waves(run, at=at)
    end_halt(run, ending=HaltEnding.CANCELED, by=user, at=at)
    delete_if_waiting(job_id=run.job_id, at=at)
    return run


def pause(*, run: Run, user: User, at: datetime) -> Run:
    """Let no further host of a run begin; those at work go on. Windows do not wait. Raises as `cancel`."""
    run = _locked(run, user)
    run.move_to(RunState.PAUSED, at=at, note=_note(user), data=_by(user))
    return run


def resume(*, run: Run, user: User, at: datetime) -> Run:
    """Let a run that stands still go on. Raises as `cancel`.

    What failed before a halted run was resumed does not count against it any more.
    """
    run = _locked(run, user)
    halted = run.state == RunState.HALTED
    changes = {"sample_from": at} if halted else {}
    run.move_to(RunState.RUNNING, at=at, note="", told_as="resumed", data=_by(user), **changes)
    if halted:
        end_halt(run, ending=HaltEnding.RESUMED, by=user, at=at)
        wait_anew(run, at=at)
    return run


def retry_failed(*, run: Run, user: User, at: datetime) -> Run:
    """Open another run, with the same snapshot, for the hosts on which this one failed.

    Raises NotPermitted, and Conflict where the run is still going, or failed nowhere, or the job may not start.
    """
    run = _locked(run, user)
    if run.job.state not in LIVE_JOBS:
        raise Conflict("The job has been deleted.")
    if not run.is_final:
        raise Conflict(f"This run is {run.state}. What failed can be tried again when it has ended.")
    if not run.host_tasks.filter(state__in=BAD_HOSTS).exists():
        raise Conflict("This run failed on no host.")
    refuse_held(run.job, at=at)
    return open_run(job=run.job, trigger=Trigger.RETRY, scheduled_for=at, at=at, retry_of=run)


def _locked(run: Run, user: User) -> Run:
    """The run as it is now; the job is locked first, as everywhere."""
    job = lock(run.job)
    require_editor(job, user)
    run = Run.objects.select_for_update(of=("self",), no_key=True).get(pk=run.pk)
    run.job = job
    return run


def _by(user: User) -> dict[str, str]:
    return {"by": str(user.public_id)}


def _note(user: User) -> str:
    return f"by {user.username}"
