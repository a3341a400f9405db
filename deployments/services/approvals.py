"""Approval: of a job that requires it, nothing runs before somebody else has let exactly that plan run."""

from datetime import datetime

from core import events
from core.errors import Conflict, NotPermitted
from deployments.models import Approval, Job, Run, Trigger
from deployments.reasons import Reason
from deployments.services.plan_hashes import plan_hash
from deployments.services.previews import preview
from deployments.services.thaws import is_overtaken
from deployments.states import RunState
from tenants.models import User


def approve(*, job: Job, user: User, wanted: str, at: datetime) -> Approval:
    """Let a plan of a job run, by its hash: that of its preview now, or of a run that waits. Such runs begin.

    Raises NotPermitted for the job's author and for who changed it last, Conflict where there is nothing to approve or
    the plan is another by now.
    """
    job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if not job.requires_approval:
        raise Conflict("This job needs no approval.")
    if user.pk in {job.created_by_id, job.updated_by_id}:
        raise NotPermitted("Somebody else must approve it: you made the job, or its last change.")
    waiting = _waiting(job)
    if wanted not in {run.plan_hash for run in waiting} and wanted != (current := preview(job=job, at=at).plan_hash):
        raise Conflict(f"The plan is another one by now. Look at the preview again; its planHash is {current}.")
    job.approvals.filter(voided_at=None).update(voided_at=at)
    approval = Approval.objects.create(
        customer_id=job.customer_id,
        job=job,
        plan_hash=wanted,
        approved_by=user,
        approved_at=at,
        author_id=job.created_by_id,
        editor_id=job.updated_by_id,
    )
    data = {"by": str(user.public_id), "planHash": wanted}
    events.record(kind="job.approved", at=at, data=data, **job.event_ids())
    for run in waiting:
        _let_go(run, at=at)
    return approval


def void(job: Job, *, at: datetime) -> None:
    """After an edit nothing of a job is approved any more; where it needs no approval now, runs that wait begin."""
    job.approvals.filter(voided_at=None).update(voided_at=at)
    if not job.requires_approval:
        for run in _waiting(job):
            _let_go(run, at=at)


def is_approved(job: Job, digest: str) -> bool:
    """Whether nothing stands in the way of this plan of a job."""
    return not job.requires_approval or job.approvals.filter(voided_at=None, plan_hash=digest).exists()


def require_approved(job: Job, *, at: datetime) -> None:
    """Raises Conflict, with what is to be approved, where a run of the job would have to wait."""
    if job.requires_approval and not is_approved(job, digest := preview(job=job, at=at).plan_hash):
        raise Conflict(f"The plan of this job is not approved. Its planHash is {digest}.")


def hold_unapproved(run: Run, *, at: datetime) -> bool:
    """Whether a run about to resolve, with its snapshot, must wait for an approval; then it does.

    A retry is of a plan that was let run.
    """
    if not run.job.requires_approval or run.trigger == Trigger.RETRY:
        return False
    digest = plan_hash(run)
    if is_approved(run.job, digest):
        return False
    run.move_to(RunState.AWAITING_APPROVAL, at=at, plan_hash=digest, told_as="awaiting_approval")
    return True


def _waiting(job: Job) -> list[Run]:
    runs = Run.objects.filter(job=job, state=RunState.AWAITING_APPROVAL)
    return list(runs.select_for_update(of=("self",), no_key=True).order_by("instance"))


def _let_go(run: Run, *, at: datetime) -> None:
    """It resolves, and with another plan than the approved one it waits again."""
    if run.deadline <= at or is_overtaken(run):
        run.move_to(RunState.MISSED, at=at, reason=Reason.NOT_APPROVED, finished_at=at)
    else:
        run.move_to(RunState.PENDING, at=at, told_as="opened")
