"""Jobs that require approval: nothing of them runs before somebody else has let exactly that plan run."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.models import Event
from deployments import services
from deployments.models import Approval, HostTask, Job, Run
from scheduling import local_time
from tenants.models import Role
from tests import factories
from tests.factories import Person


@pytest.fixture
def grace(ada: Person) -> Person:
    """Who approves."""
    return factories.person(customer=ada.customer, role=Role.APPROVER, username="grace")


def _job(ada: Person, **changes: Any) -> Job:
    """An On-demand job that asks for an approval, not enabled yet."""
    host = factories.asset(ada.customer)
    body = {"requiresApproval": True, "assetIds": [str(host.public_id)], "preDeployActions": [factories.script()]}
    return factories.job(ada, at=timezone.now(), **body | changes)


def _enabled(ada: Person, **changes: Any) -> Job:
    """One whose run has been opened, and has got as far as it may."""
    job = _job(ada, status="Enabled", **changes)
    _resolve(job)
    return job


def _resolve(job: Job) -> None:
    for run in Run.objects.filter(job=job):
        services.resolve(run_id=run.pk, at=timezone.now())


def _preview(who: Person, job: Job) -> dict[str, Any]:
    answer = who.post(f"deploymentjob/{job.public_id}/preview", {})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def _approve(who: Person, job: Job, plan_hash: str = "") -> Any:
    return who.post(f"deploymentjob/{job.public_id}/approve", {"planHash": plan_hash or _preview(who, job)["planHash"]})


def _states() -> list[str]:
    return list(Run.objects.order_by("pk").values_list("state", flat=True))


# --- a run that waits -------------------------------------------------------------------------------------------------


def test_enable__nobody_has_approved__the_run_waits_and_tells_its_plan(ada: Person) -> None:
    job = _enabled(ada)

    shown = ada.get(f"deploymentjob/{job.public_id}/runs/1").json()

    assert shown["state"] == "AwaitingApproval"
    assert shown["planHash"] == _preview(ada, job)["planHash"]
    assert not HostTask.objects.exists()
    assert Event.objects.filter(kind="run.awaiting_approval").count() == 1


def test_approve__a_run_waits__begins(ada: Person, grace: Person) -> None:
    job = _enabled(ada)

    answer = _approve(grace, job)
    _resolve(job)

    assert answer.status_code == 202
    assert answer.json() == {
        "planHash": _preview(ada, job)["planHash"],
        "approvedBy": "grace",
        "approvedDate": int(Approval.objects.get().approved_at.timestamp() * 1000),
    }
    assert _states() == ["Running"]
    event = Event.objects.get(kind="job.approved")
    assert event.data["by"] == str(grace.user.public_id)


def test_approve__before_anything_is_due__the_run_does_not_wait(ada: Person, grace: Person) -> None:
    job = _job(ada)

    before = _preview(ada, job)["approved"]
    _approve(grace, job)
    services.set_status(job=job, state="Enabled", user=ada.user, at=timezone.now())
    _resolve(job)

    assert (before, _preview(ada, job)["approved"]) == (False, True)
    assert _states() == ["Running"]


def test_approve__plan_has_changed_since__the_run_waits_for_the_new_one(ada: Person, grace: Person) -> None:
    tag = factories.tag(ada.customer, "tills")
    factories.asset(ada.customer, tags=(tag,))
    job = _job(ada, assetIds=None, assetTagIds=[str(tag.public_id)], filterType="Any")
    _approve(grace, job)
    factories.asset(ada.customer, tags=(tag,))

    services.set_status(job=job, state="Enabled", user=ada.user, at=timezone.now())
    _resolve(job)
    waits = _states()
    _approve(grace, job)
    _resolve(job)

    assert (waits, _states()) == (["AwaitingApproval"], ["Running"])


def test_approve__hash_of_another_plan__conflicts_and_tells_the_right_one(ada: Person, grace: Person) -> None:
    job = _enabled(ada)

    answer = _approve(grace, job, "0" * 64)

    assert answer.status_code == 409
    assert _preview(ada, job)["planHash"] in answer.json()["message"]
    assert _states() == ["AwaitingApproval"]


def test_sweep__nobody_approved_in_the_window__the_run_is_missed(ada: Person) -> None:
    _enabled(ada, timeout=1)

    services.sweep(at=timezone.now() + timedelta(hours=1, minutes=1))

    assert Run.objects.values_list("state", "reason").get() == ("Missed", "not_approved")


def test_approve__several_runs_wait__the_newest_begins(ada: Person, grace: Person) -> None:
    now = timezone.now().replace(microsecond=0)
    start = local_time.wire((now - timedelta(minutes=1)).replace(tzinfo=None))
    changes = {"scheduleType": "Daily", "startDateTime": start, "status": "Enabled", "missedRunPolicy": "AtNextContact"}
    host = factories.asset(ada.customer)
    body = {"requiresApproval": True, "assetIds": [str(host.public_id)], "preDeployActions": [factories.script()]}
    job = factories.job(ada, at=now - timedelta(hours=1), **body | changes)
    services.tick()
    _resolve(job)
    earlier = Run.objects.get()
    Run.objects.filter(pk=earlier.pk).update(scheduled_for=earlier.scheduled_for - timedelta(days=1))
    Job.objects.filter(pk=job.pk).update(next_run_at=earlier.scheduled_for, due_at=earlier.scheduled_for)
    services.tick()
    _resolve(job)
    assert _states() == ["AwaitingApproval", "AwaitingApproval"]

    _approve(grace, job)

    assert _states() == ["Missed", "Pending"]


@pytest.mark.parametrize("how", ["disable", "delete", "cancel"])
def test_waiting_run__job_is_taken_away__is_canceled(ada: Person, how: str) -> None:
    host = factories.asset(ada.customer)
    start = local_time.wire((timezone.now() - timedelta(minutes=1)).replace(tzinfo=None))
    daily = {"scheduleType": "Daily", "startDateTime": start, "status": "Enabled"}
    body = {"requiresApproval": True, "assetIds": [str(host.public_id)], "preDeployActions": [factories.script()]}
    job = factories.job(ada, at=timezone.now() - timedelta(hours=1), **body | daily)
    services.tick()
    _resolve(job)
    assert _states() == ["AwaitingApproval"]

    if how == "disable":
        services.set_status(job=job, state="Disabled", user=ada.user, at=timezone.now())
    elif how == "delete":
        assert ada.delete(f"deploymentjob/{job.public_id}").status_code == 200
    else:
        assert ada.post(f"deploymentjob/{job.public_id}/runs/1/cancel").status_code == 202

    assert _states() == ["Canceled"]


# --- what voids it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"name": "another"}, {"description": "words"}, {"coAuthorUserIds": []}])
def test_edit__after_the_approval__voids_it(ada: Person, grace: Person, change: dict[str, Any]) -> None:
    job = _job(ada)
    _approve(grace, job)

    assert ada.patch(f"deploymentjob/{job.public_id}", change).status_code == 200

    assert _preview(ada, job)["approved"] is False
    assert Approval.objects.get().voided_at is not None


def test_edit__needs_no_approval_any_more__waiting_runs_begin(ada: Person) -> None:
    host = factories.asset(ada.customer)
    start = local_time.wire((timezone.now() - timedelta(minutes=1)).replace(tzinfo=None))
    daily = {"scheduleType": "Daily", "startDateTime": start, "status": "Enabled"}
    body = {"requiresApproval": True, "assetIds": [str(host.public_id)], "preDeployActions": [factories.script()]}
    job = factories.job(ada, at=timezone.now() - timedelta(hours=1), **body | daily)
    services.tick()
    _resolve(job)

    answer = ada.patch(f"deploymentjob/{job.public_id}", {"requiresApproval": False})
    _resolve(job)

    assert answer.status_code == 200
    assert _states() == ["Running"]
    assert _preview(ada, job)["approved"] is None


# --- /run and retries -------------------------------------------------------------------------------------------------


def test_run_now__not_approved__conflicts_and_approved__runs(ada: Person, grace: Person) -> None:
    job = _job(ada)

    refused = ada.post(f"deploymentjob/{job.public_id}/run")
    _approve(grace, job)
    accepted = ada.post(f"deploymentjob/{job.public_id}/run")
    _resolve(job)

    assert (refused.status_code, accepted.status_code) == (409, 202)
    assert "not approved" in refused.json()["message"]
    assert _states() == ["Running"]


def test_retry__of_a_run_that_was_approved__does_not_wait(ada: Person, grace: Person) -> None:
    job = _enabled(ada)
    _approve(grace, job)
    _resolve(job)
    run = Run.objects.get()
    services.sweep(at=run.deadline + timedelta(minutes=1))
    services.close(run_id=run.pk, at=timezone.now())

    answer = ada.post(f"deploymentjob/{job.public_id}/runs/1/retry-failed")
    _resolve(job)

    assert answer.status_code == 202
    assert _states() == ["Completed", "Running"]


# --- who --------------------------------------------------------------------------------------------------------------


def test_approve__author_or_last_editor__is_refused(ada: Person, grace: Person) -> None:
    boss = factories.person(customer=ada.customer, role=Role.ADMIN)
    job = _job(ada)
    assert boss.patch(f"deploymentjob/{job.public_id}", {"description": "words"}).status_code == 200

    answers = [_approve(who, job) for who in (ada, boss, grace)]

    assert [answer.status_code for answer in answers] == [403, 403, 202]
    assert "Somebody else" in answers[0].json()["message"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_approve__not_an_approver__is_refused(ada: Person, role: Role) -> None:
    bob = factories.person(customer=ada.customer, role=role)

    assert _approve(bob, _job(ada)).status_code == 403


def test_database__approval_of_ones_own_plan__is_refused(ada: Person, grace: Person) -> None:
    job = _job(ada)
    columns = {"customer_id": ada.customer.pk, "job": job, "plan_hash": "0" * 64, "approved_at": timezone.now()}

    for author, editor in ((ada, None), (grace, ada)):
        with pytest.raises(IntegrityError, match="nobody_approves_a_plan_of_their_own"), transaction.atomic():
            Approval.objects.create(approved_by=ada.user, author=author.user, editor=editor and editor.user, **columns)


@pytest.mark.parametrize("body", [{}, {"planHash": None}, {"planHash": "abc"}, {"planHash": "G" * 64}, {"hash": "x"}])
def test_approve__no_hash__says_what_would_be_right(grace: Person, ada: Person, body: dict[str, Any]) -> None:
    answer = grace.post(f"deploymentjob/{_job(ada).public_id}/approve", body)

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} <= {"planHash", "hash"}


def test_approve__job_needs_none__conflicts(ada: Person, grace: Person) -> None:
    job = _job(ada, requiresApproval=False)

    assert _approve(grace, job).status_code == 409
