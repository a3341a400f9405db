"""From a pending run to host tasks: who is considered, what each is to do, and that it stays so."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.models import Event
from deployments import services
from deployments.models import HostTask, Job, Run
from inventory import services as inventory
from inventory.models import Asset, AssetPatch, Platform
from tests import factories
from tests.factories import NOW, Person


def _run(ada: Person, **changes: Any) -> Run:
    """The pending run of a new On-demand job."""
    job = factories.job(ada, **{"status": "Enabled", "timeout": 2} | changes)
    return Run.objects.get(job=job)


def _ids(*rows: Any) -> list[str]:
    return [str(row.public_id) for row in rows]


def _resolved(run: Run) -> dict[str, tuple[str, str]]:
    """Host → its state and reason."""
    services.resolve(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    return {task.asset.name: (task.state, task.reason) for task in run.host_tasks.select_related("asset")}


def test_resolve__install__tells_of_every_host_considered(ada: Person) -> None:
    web, gone = factories.tag(ada.customer, "web"), factories.tag(ada.customer, "gone")
    needs, has, unscanned, excluded, tagged_out = (
        factories.asset(ada.customer, name, tags=tags, scanned_at=scanned)
        for name, tags, scanned in [
            ("needs", (web,), NOW),
            ("has", (web,), NOW),
            ("unscanned", (web,), None),
            ("excluded", (web,), NOW),
            ("tagged out", (web, gone), NOW),
        ]
    )
    windows = factories.asset(ada.customer, "windows", tags=(web,), platform=Platform.WINDOWS)
    factories.asset(ada.customer, "not asked")
    by_id = factories.asset(ada.customer, "by id")
    patch, other = factories.patch(ada.customer), factories.patch(ada.customer, "other")
    factories.missing(patch, needs, excluded, tagged_out, by_id, windows)
    factories.installed(patch, has)
    factories.missing(other, has)

    run = _run(
        ada,
        approvedPatches=_ids(patch),
        assetTagIds=_ids(web),
        assetIds=_ids(by_id),
        exclusionAssetIds=_ids(excluded),
        exclusionTagIds=_ids(gone),
    )

    assert _resolved(run) == {
        "needs": ("Pending", ""),
        "by id": ("Pending", ""),
        "unscanned": ("Pending", ""),
        "has": ("NotApplicable", "no_patch_missing"),
        "windows": ("NotApplicable", "other_platform"),
        "excluded": ("Skipped", "excluded"),
        "tagged out": ("Skipped", "excluded"),
    }
    assert run.state == "Running"
    assert windows.pk and unscanned.pk


def test_resolve__all_assets_deleted_meanwhile__ends_without_hosts(ada: Person) -> None:
    host = factories.asset(ada.customer)
    run = _run(ada, assetIds=_ids(host), preDeployActions=[factories.script()])
    inventory.delete_asset(asset=host)

    found = _resolved(run)
    services.close(run_id=run.pk, at=NOW)

    run.refresh_from_db()
    assert (found, run.state, run.reason) == ({}, "Completed", "no_hosts")


def test_resolve__rollback__needs_a_version_to_go_back_to(ada: Person) -> None:
    hosts = {
        name: factories.asset(ada.customer, name, scanned_at=scanned)
        for name, scanned in [
            ("replaced", NOW),
            ("first of its kind", NOW),
            ("missing", NOW),
            ("broken", NOW),
            ("never seen", NOW),
            ("unscanned", None),
        ]
    }
    patch = factories.patch(ada.customer)
    factories.installed(patch, hosts["replaced"])
    factories.installed(patch, hosts["first of its kind"], from_version="")
    factories.missing(patch, hosts["missing"], hosts["broken"])
    AssetPatch.objects.filter(asset=hosts["broken"]).update(broken=True)

    run = _run(ada, type="Rollback", approvedPatches=_ids(patch), assetIds=_ids(*hosts.values()))

    assert _resolved(run) == {
        "replaced": ("Pending", ""),
        "broken": ("Pending", ""),
        "unscanned": ("Pending", ""),
        "first of its kind": ("NotApplicable", "nothing_to_roll_back"),
        "missing": ("NotApplicable", "nothing_to_roll_back"),
        "never seen": ("NotApplicable", "nothing_to_roll_back"),
    }


def test_resolve__actions_alone__are_work_for_every_host(ada: Person) -> None:
    host = factories.asset(ada.customer, "host")

    run = _run(ada, assetIds=_ids(host), postDeployActions=[factories.script()])

    assert _resolved(run) == {"host": ("Pending", "")}


def test_resolve__host_tasks__have_the_runs_start_and_deadline(ada: Person) -> None:
    waiting, done = factories.asset(ada.customer), factories.asset(ada.customer)
    run = _run(ada, assetIds=_ids(waiting, done), exclusionAssetIds=_ids(done), preDeployActions=[factories.script()])

    services.resolve(run_id=run.pk, at=NOW + timedelta(minutes=5))

    first, second = HostTask.objects.order_by("asset_id")
    late = NOW + timedelta(minutes=5)
    assert (first.start_at, first.deadline, first.finished_at) == (NOW, NOW + timedelta(hours=2), None)
    assert (second.start_at, second.finished_at, second.state_changed_at) == (NOW, late, late)
    assert (first.attempt, first.fence, first.accepted_through, first.lease_until) == (0, 0, 0, None)


def test_resolve__twice__does_nothing_the_second_time(ada: Person) -> None:
    run = _run(ada, assetIds=_ids(factories.asset(ada.customer)), preDeployActions=[factories.script()])
    services.resolve(run_id=run.pk, at=NOW)
    events = Event.objects.count()

    services.resolve(run_id=run.pk, at=NOW)

    assert HostTask.objects.count() == 1
    assert Event.objects.count() == events
    assert Event.objects.filter(kind="run.started").count() == 1


def test_resolve__nobody_matches__ends_the_run(ada: Person) -> None:
    run = _run(ada, assetTagIds=_ids(factories.tag(ada.customer, "empty")), preDeployActions=[factories.script()])

    assert _resolved(run) == {}
    assert Event.objects.filter(kind="run.hosts_done").count() == 1
    services.close(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    assert (run.state, run.reason, run.counts) == ("Completed", "no_hosts", {})


def test_resolve__hosts_with_nothing_to_do__end_the_run_with_their_counts(ada: Person) -> None:
    host, other = factories.asset(ada.customer), factories.asset(ada.customer)
    patch = factories.patch(ada.customer)
    run = _run(ada, approvedPatches=_ids(patch), assetIds=_ids(host, other), exclusionAssetIds=_ids(other))

    services.resolve(run_id=run.pk, at=NOW)
    services.close(run_id=run.pk, at=NOW)

    run.refresh_from_db()
    assert (run.state, run.reason, run.counts) == ("Completed", "done", {"NotApplicable": 1, "Skipped": 1})


def test_resolve__number_of_hosts__does_not_change_the_number_of_statements(ada: Person) -> None:
    tags = [factories.tag(ada.customer, name) for name in ("few", "many")]
    patch = factories.patch(ada.customer)
    for tag, hosts in zip(tags, (1, 25), strict=True):
        factories.missing(patch, *(factories.asset(ada.customer, tags=(tag,)) for _ in range(hosts)))
    counts = []

    for tag in tags:
        run = _run(ada, approvedPatches=_ids(patch), assetTagIds=_ids(tag))
        with CaptureQueriesContext(connection) as captured:
            services.resolve(run_id=run.pk, at=NOW)
        counts.append(len(captured))

    assert counts[0] == counts[1]
    assert HostTask.objects.count() == 26


def test_snapshot__rows_edited_and_deleted_later__stays_as_it_was(ada: Person) -> None:
    tag = factories.tag(ada.customer, "web")
    host = factories.asset(ada.customer, tags=(tag,))
    patch = factories.patch(ada.customer)
    factories.missing(patch, host)
    job = factories.job(
        ada, timeout=2, approvedPatches=_ids(patch), assetTagIds=_ids(tag), preDeployActions=[factories.script()]
    )
    run = services.run_now(job=job, user=ada.user, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)
    before = Run.objects.get(pk=run.pk)

    services.replace(
        job=job,
        user=ada.user,
        body=factories.job_body(name="other", type="Rollback", timeout=5, preDeployActions=[factories.script("b")]),
        at=NOW,
    )
    inventory.untag_asset(asset=host, tag=tag)
    inventory.delete_tag(tag=tag)
    patch.title = "renamed"
    patch.save()

    after = Run.objects.get(pk=run.pk)
    assert (after.snapshot, after.deadline) == (before.snapshot, before.deadline)
    assert (after.snapshot["name"], after.snapshot["type"]) == ("a job", "Install")
    assert after.snapshot["actions"][0]["params"]["actionItem"] == "say hello"
    assert services.hand_out(asset=host, at=NOW) is not None


def test_resolve__job_edited_before_it__runs_the_edited_one(ada: Person) -> None:
    old, new = factories.asset(ada.customer, "old"), factories.asset(ada.customer, "new")
    job = factories.job(ada, assetIds=_ids(old), preDeployActions=[factories.script()])
    run = services.run_now(job=job, user=ada.user, at=NOW)

    body = factories.job_body(assetIds=_ids(new), preDeployActions=[factories.script()])
    services.replace(job=job, user=ada.user, body=body, at=NOW)

    assert _resolved(run) == {"new": ("Pending", "")}


def test_resolve__deleted_asset__is_no_host(ada: Person) -> None:
    stays, goes = factories.asset(ada.customer, "stays"), factories.asset(ada.customer, "goes")
    run = _run(ada, assetIds=_ids(stays, goes), preDeployActions=[factories.script()])

    inventory.delete_asset(asset=goes)

    assert _resolved(run) == {"stays": ("Pending", "")}


@pytest.mark.parametrize("state", ["Completed", "Canceled"])
def test_resolve__run_that_has_ended__is_left_alone(ada: Person, state: str) -> None:
    run = _run(ada, assetIds=_ids(factories.asset(ada.customer)), preDeployActions=[factories.script()])
    Run.objects.filter(pk=run.pk).update(state=state, reason="done", finished_at=NOW)

    assert _resolved(run) == {}


def test_resolve__raced_by_threads__makes_each_host_task_once(committed: None) -> None:
    from core.customer_context import acting_for

    ada = factories.person(customer=factories.customer())
    hosts = [factories.asset(ada.customer) for _ in range(5)]
    with acting_for(ada.customer.pk):
        run = _run(ada, assetIds=_ids(*hosts), preDeployActions=[factories.script()])

    def resolve() -> None:
        with acting_for(ada.customer.pk):
            services.resolve(run_id=run.pk, at=NOW)

    assert factories.at_once(resolve, threads=4) == [None] * 4
    with acting_for(ada.customer.pk):
        assert HostTask.objects.count() == 5
        assert Event.objects.filter(kind="run.started").count() == 1
        assert (Asset.objects.count(), Job.objects.count()) == (5, 1)
