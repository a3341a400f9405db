"""Linked jobs: a child gets its parent's patches, and starts once enough of its hosts did what it waits for."""

from typing import Any
from uuid import UUID

import pytest

from deployments import services
from deployments.models import HostTask, Job, JobAsset, Run, Step
from tests import factories
from tests.factories import NOW, Person, later

CONDITION = "Post Actions were successfully executed"


def _rule(*actions: Any, threshold: int = 80) -> dict[str, Any]:
    return {"field": "postDeployAction", "actionIds": list(actions), "threshold": threshold, "condition": CONDITION}


def _parent(ada: Person, **changes: Any) -> Job:
    return factories.job(
        ada, **{"name": "parent", "postDeployActions": [factories.script("one"), factories.script("two")]} | changes
    )


def _child(ada: Person, parent: Job, *rules: dict[str, Any], **changes: Any) -> Job:
    host = factories.asset(ada.customer)
    body = {
        "name": "child",
        "linkedJobId": str(parent.public_id),
        "chainedJobRule": list(rules) or None,
        "assetIds": [str(host.public_id)],
        "status": "Enabled",
    }
    return factories.job(ada, **body | changes)


def _ended(ada: Person, parent: Job, outcomes: list[tuple[str, ...]], *, state: str = "Completed") -> Run:
    """A run of the parent on a host for each outcome: the states of its post-actions on that host."""
    run = services.open_run(job=parent, trigger="user", scheduled_for=NOW, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    ids = [UUID(action["actionId"]) for action in run.snapshot["actions"]]
    for outcome in outcomes:
        _host(ada, run, outcome, ids)
    Run.objects.filter(pk=run.pk).update(state=state, reason="done", finished_at=NOW, started_at=NOW)
    run.refresh_from_db()
    return run


def _host(ada: Person, run: Run, outcome: tuple[str, ...], ids: list[UUID]) -> None:
    task = HostTask.objects.create(
        customer=ada.customer,
        run=run,
        asset=factories.asset(ada.customer),
        state="Succeeded" if outcome else "NotApplicable",
        state_changed_at=NOW,
        reason="verified",
        start_at=NOW,
        start_before=NOW,
        deadline=NOW,
        finished_at=NOW,
        attempt=1,
    )
    for number, state in enumerate(outcome):
        Step.objects.create(
            customer=ada.customer,
            host_task=task,
            attempt=1,
            number=number + 1,
            kind="action",
            stage="postdeploy",
            title="post",
            action_id=ids[number],
            state=state,
        )


GOOD, BAD, NOTHING = ("Succeeded", "Succeeded"), ("Succeeded", "Failed"), ()


@pytest.mark.parametrize(
    ("outcomes", "rules", "started"),
    [
        ([GOOD] * 4 + [BAD], [_rule(1, 2)], True),
        ([GOOD] * 79 + [BAD] * 21, [_rule(1, 2)], False),
        ([GOOD] * 80 + [BAD] * 20, [_rule(1, 2)], True),
        # The first action was done everywhere.
        ([BAD] * 3, [_rule(1, threshold=100)], True),
        ([BAD] * 3, [_rule(2, threshold=1)], False),
        # All rules must hold.
        ([BAD] * 3, [_rule(1), _rule(2, threshold=1)], False),
        # Hosts that had nothing to do do not count.
        ([GOOD] + [NOTHING] * 9, [_rule(1, 2, threshold=100)], True),
        ([NOTHING] * 3, [_rule(1, threshold=1)], False),
        ([], [_rule(1, threshold=1)], False),
    ],
)
def test_start_children__by_the_share_of_the_parents_hosts(
    ada: Person, outcomes: list[tuple[str, ...]], rules: list[dict[str, Any]], started: bool
) -> None:
    parent = _parent(ada)
    child = _child(ada, parent, *rules)
    run = _ended(ada, parent, outcomes)

    services.start_children(run_id=run.pk, at=NOW)

    opened = child.runs.get()
    assert (opened.trigger, opened.parent_run_id) == ("parent", run.pk)
    assert (opened.state, opened.reason) == (("Pending", "") if started else ("Skipped", "parent_share"))
    assert started == (opened.note == "")


def test_start_children__told_twice__starts_once(ada: Person) -> None:
    parent = _parent(ada)
    child = _child(ada, parent, _rule(1))
    run = _ended(ada, parent, [GOOD])

    for _ in range(2):
        services.start_children(run_id=run.pk, at=NOW)
    next_run = _ended(ada, parent, [GOOD])
    services.start_children(run_id=next_run.pk, at=NOW)

    assert sorted(child.runs.values_list("parent_run_id", flat=True)) == [run.pk, next_run.pk]


def test_start_children__share_out_of_reach__says_the_figures(ada: Person) -> None:
    parent = _parent(ada)
    child = _child(ada, parent, _rule(1, 2))
    run = _ended(ada, parent, [GOOD, BAD])

    services.start_children(run_id=run.pk, at=NOW)

    assert child.runs.get().note == f"run {run.instance} of the linked job: 1 of 2 hosts; 80 % are needed"


def test_sweep__share_is_reached_before_the_run_has_ended__starts_the_child_then_and_once(ada: Person) -> None:
    parent = _parent(ada)
    first, second = _child(ada, parent, _rule(1, 2)), _child(ada, parent, _rule(1, 2, threshold=100), name="second")
    run = _ended(ada, parent, [GOOD] * 4 + [BAD])
    Run.objects.filter(pk=run.pk).update(state="Running", reason="", finished_at=None, children_wait=True)
    HostTask.objects.filter(run=run).update(state="Pending", reason="", finished_at=None, deadline=later(hours=1))
    HostTask.objects.filter(run=run).update(start_before=later(hours=1))

    for _ in range(2):
        services.sweep(at=NOW)

    assert first.runs.values_list("state", "parent_run").get() == ("Pending", run.pk)
    assert not second.runs.exists()
    run.refresh_from_db()
    assert run.children_wait
    services.start_children(run_id=run.pk, at=NOW)
    assert first.runs.count() == 1
    assert second.runs.get().state == "Skipped"


def test_resolve__children_wait_for_it__is_looked_at_until_all_have_started(ada: Person) -> None:
    parent, lonely = _parent(ada), _parent(ada, name="without children")
    _child(ada, parent, _rule(1))
    host = factories.asset(ada.customer)
    for job in (parent, lonely):
        JobAsset.objects.create(customer=ada.customer, job=job, asset=host, part="include", position=0)
        run = services.open_run(job=job, trigger="user", scheduled_for=NOW, at=NOW)
        services.resolve(run_id=run.pk, at=NOW)

    assert dict(Run.objects.values_list("job__name", "children_wait")) == {"parent": True, "without children": False}


@pytest.mark.parametrize("changes", [{"status": "Disabled"}, {"chainedJobRule": None}])
def test_start_children__disabled_or_without_a_rule__is_left_alone(ada: Person, changes: dict[str, Any]) -> None:
    parent = _parent(ada)
    child = _child(ada, parent, _rule(1), **changes)
    before = child.runs.count()
    run = _ended(ada, parent, [GOOD])

    services.start_children(run_id=run.pk, at=NOW)

    assert child.runs.count() == before


def test_enable__on_demand_child_with_a_rule__waits_for_its_parent(ada: Person) -> None:
    child = _child(ada, _parent(ada), _rule(1))

    assert child.state == "Enabled"
    assert not child.runs.exists()


@pytest.mark.parametrize(("outcomes", "state"), [([GOOD], "Running"), ([BAD], "Skipped"), (None, "Skipped")])
def test_resolve__scheduled_child__is_held_back_by_its_rule(
    ada: Person, outcomes: list[tuple[str, ...]] | None, state: str
) -> None:
    parent = _parent(ada)
    start = {"scheduleType": "Once", "startDateTime": "2031-01-01 00:00:00", "timeout": -1}
    child = _child(ada, parent, _rule(1, 2), **start)
    if outcomes is not None:
        _ended(ada, parent, outcomes)
    run = services.open_run(job=child, trigger="schedule", scheduled_for=NOW, at=NOW)

    services.resolve(run_id=run.pk, at=NOW)

    run.refresh_from_db()
    assert (run.state, bool(run.note)) == (state, state == "Skipped")


def test_resolve__started_by_its_parent__gets_that_runs_patches(ada: Person) -> None:
    patch, later = factories.patch(ada.customer), factories.patch(ada.customer, "later")
    parent = _parent(ada, approvedPatches=[str(patch.public_id)])
    child = _child(ada, parent, _rule(1))
    run = _ended(ada, parent, [GOOD])
    parent.patch_links.all().update(patch=later)

    services.start_children(run_id=run.pk, at=NOW)
    services.resolve(run_id=child.runs.get().pk, at=NOW)

    assert [one["patchId"] for one in child.runs.get().snapshot["patches"]] == [str(patch.public_id)]


def test_resolve__linked_without_a_rule__gets_the_patches_of_the_first_ancestor_as_they_are_now(ada: Person) -> None:
    patch = factories.patch(ada.customer)
    parent = _parent(ada, approvedPatches=[str(patch.public_id)])
    child = _child(ada, parent, status="Disabled", postDeployActions=[factories.script()])
    grandchild = _child(ada, child, name="grandchild")

    services.resolve(run_id=grandchild.runs.get().pk, at=NOW)

    assert [one["patchId"] for one in grandchild.runs.get().snapshot["patches"]] == [str(patch.public_id)]


def test_delete__job_with_children__conflicts(ada: Person) -> None:
    parent = _parent(ada)
    _child(ada, parent)

    answer = ada.delete(f"deploymentjob/{parent.public_id}")

    assert answer.status_code == 409


def test_replace__job_with_children__keeps_its_platform(ada: Person) -> None:
    parent = _parent(ada)
    _child(ada, parent)

    answer = ada.patch(f"deploymentjob/{parent.public_id}", {"platform": "Windows", "postDeployActions": []})

    assert answer.status_code == 409


def test_linked_jobs__parent_and_live_children__name_each_other(ada: Person) -> None:
    parent = _parent(ada)
    children = [_child(ada, parent, name=name, status="Disabled") for name in ("first", "second", "gone")]
    ada.delete(f"deploymentjob/{children[2].public_id}")

    told = ada.get(f"deploymentjob/{parent.public_id}").json()
    child = ada.get(f"deploymentjob/{children[0].public_id}").json()

    assert told["linkedJobs"] == [{"id": str(one.public_id), "name": one.name} for one in children[:2]]
    assert (told["linkedToJob"], child["linkedJobs"]) == (None, None)
    assert child["linkedToJob"] == {"id": str(parent.public_id), "name": parent.name}
