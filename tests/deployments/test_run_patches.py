"""What became of a run's patches and actions: on each host, and on all of them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments import services
from deployments.api.result_answers import ActionsOfRun, PatchesOfRun
from deployments.models import HostTask, Step
from deployments.states import HostTaskState
from inventory.models import Asset, Patch
from tests import factories
from tests.deployments.endings import BAD, counts_of, does, only_host, patch_of, patched, result_of
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _handed, _reports, _run, _scan, _take
from tests.factories import NOW, Person


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


# --- patches and actions of a host ---


@pytest.mark.parametrize(
    ("step", "shown", "counted"),
    [
        ({}, "2.0", {"successPatches": 1}),
        ({}, "1.0", {"failedPatches": 1}),
        ({"reason": "already_installed", "toVersion": "2.0"}, "2.0", {"installedPatches": 1}),
        ({"reason": "already_installed", "toVersion": "3.0"}, "3.0", {"supersededPatches": 1}),
        ({"state": "failed", "reason": "package_manager_failed"}, "1.0", {"failedPatches": 1}),
        ({"state": "interrupted", "reason": "interrupted"}, "1.0", {"failedPatches": 1}),
        ({"state": "not_applicable", "reason": "not_installed"}, "1.0", {"notApplicablePatches": 1}),
        ({"state": "skipped", "reason": "window_over"}, "1.0", {"skipPatchCount": 1}),
    ],
)
def test_result__of_a_patch_that_ended_so__counts_and_names_it_there(
    ada: Person, host: Asset, step: dict[str, str], shown: str, counted: dict[str, int]
) -> None:
    run = patched(ada, host)
    does(host, [ACCEPTED, {**DONE, "number": 1} | step, _scan(("acme-app", shown)), {**DONE, "number": 2}, FINISHED])

    row = only_host(ada, run)

    assert counts_of(row) == counted
    (key,) = counted
    named = {name: row[name] for name in ("installed", "failed", "success", "superseded", "notApplicable")}
    assert named == {name: [patch_of(run)] if key == f"{name}Patches" else [] for name in named}


def test_result__while_a_host_goes_on__says_what_is_to_come(ada: Person, host: Asset) -> None:
    run = patched(ada, host, packages=("acme-app", "acme-lib", "acme-cli"))
    elsewhere = factories.patch(ada.customer, "not-in-the-run")
    factories.missing(elsewhere, host)
    before = counts_of(only_host(ada, run))
    task = _handed(host)
    _take(task, _reports(ACCEPTED, {**DONE, "number": 1}, {"kind": "step_started", "number": 2}))
    at_work = counts_of(only_host(ada, run))
    HostTask.objects.get(pk=task.pk).move_to(HostTaskState.AWAITING_REBOOT, at=NOW)

    assert before == {"pendingExecution": 3}
    assert at_work == {"pendingVerification": 1, "executing": 1, "pendingExecution": 1}
    assert counts_of(only_host(ada, run)) == {"pendingReboot": 1, "executing": 1, "pendingExecution": 1}


def test_result__of_a_host_without_a_scan__waits_for_all_patches_of_its_package_manager(ada: Person) -> None:
    scanned, unscanned = factories.asset(ada.customer, "a"), factories.asset(ada.customer, "b", scanned_at=None)
    patches = [factories.patch(ada.customer, name) for name in ("acme-app", "acme-lib", "acme-rpm")]
    factories.missing(patches[0], scanned)
    Patch.objects.filter(pk=patches[2].pk).update(package_manager="dnf")

    run = _run(ada, scanned, unscanned, approvedPatches=[str(one.public_id) for one in patches])

    assert [counts_of(row) for row in result_of(ada, run)["assets"]] == [
        {"pendingExecution": 1},
        {"pendingExecution": 2},
    ]
    told = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/patches").json()
    assert [(row["title"], row["pending"]) for row in told] == [
        ("acme-app 2.0", 2),
        ("acme-lib 2.0", 1),
        ("acme-rpm 2.0", 0),
    ]
    # What it said before is what the host then gets.
    assert [len(services.hand_out(asset=one, at=NOW).steps) - 1 for one in (scanned, unscanned)] == [1, 2]


def test_result__what_a_rollback_waits_for__is_what_the_host_then_gets(ada: Person, host: Asset) -> None:
    patches = [factories.patch(ada.customer, name) for name in ("known", "unknown", "absent")]
    factories.installed(patches[0], host)
    factories.installed(patches[1], host, from_version="")

    run = _run(ada, host, type="Rollback", approvedPatches=[str(one.public_id) for one in patches])

    assert counts_of(only_host(ada, run)) == {"pendingExecution": 1}
    assert len(services.hand_out(asset=host, at=NOW).steps) == 2


def test_result__of_a_rollback__succeeds_where_the_scan_no_longer_shows_it(ada: Person, host: Asset) -> None:
    patch = factories.patch(ada.customer)
    factories.installed(patch, host)
    run = _run(ada, host, type="Rollback", approvedPatches=[str(patch.public_id)])

    does(host, [ACCEPTED, {**DONE, "number": 1}, _scan(("acme-app", "1.0")), {**DONE, "number": 2}, FINISHED])

    assert counts_of(only_host(ada, run)) == {"successPatches": 1}


def test_result__window_over_in_the_middle__counts_each_patch_once(ada: Person, host: Asset) -> None:
    run = patched(ada, host, packages=("done", "begun", "to-come"))
    task = _handed(host)
    _take(task, _reports(ACCEPTED, {**DONE, "number": 1}, {"kind": "step_started", "number": 2}))
    services.sweep(at=task.deadline + timedelta(minutes=5))

    row = only_host(ada, run)

    assert (row["status"], row["statusCode"]) == ("Timed Out", 29022)
    assert counts_of(row) == {"failedPatches": 2, "skipPatchCount": 1}


def test_result__second_attempt__counts_its_own_steps_alone(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    task = _handed(host)
    _take(task, _reports(ACCEPTED, {**BAD, "number": 1}))
    Step.objects.filter(number=1).update(attempt=0)
    Step.objects.exclude(number=1).delete()
    Step.objects.create(
        customer_id=run.customer_id,
        host_task=task,
        attempt=1,
        number=1,
        kind="patch",
        title="again",
        patch=Patch.objects.get(),
    )

    assert counts_of(only_host(ada, run)) == {"pendingExecution": 1}


@pytest.mark.parametrize(
    ("ends", "counted"),
    [
        (["succeeded", "succeeded"], (2, 0, 0)),
        (["succeeded", "failed"], (1, 1, 0)),
        (["interrupted", "skipped"], (0, 1, 1)),
        (["not_applicable", "skipped"], (0, 0, 2)),
    ],
)
def test_result__of_actions__counts_them(
    ada: Person, host: Asset, ends: list[str], counted: tuple[int, int, int]
) -> None:
    run = _run(ada, host, preDeployActions=[factories.script("one"), factories.script("two")])
    steps = [{**DONE, "number": number, "state": end} for number, end in enumerate(ends, start=1)]
    does(host, [ACCEPTED, *steps, {**DONE, "number": 3}, FINISHED])

    row = only_host(ada, run)

    assert tuple(row[f"{word}ActionsCount"] for word in ("successful", "failed", "skipped")) == counted


def test_result__interim__is_what_it_stands_at_until_the_end(ada: Person, host: Asset) -> None:
    run = patched(ada, host, preDeployActions=[factories.script()])
    task = _handed(host)
    seen = [only_host(ada, run)["interimResultStatus"]]
    for number, told in enumerate([ACCEPTED, {**DONE, "number": 1}, {**BAD, "number": 2}, FINISHED], start=1):
        _take(task, _reports(told, first=number))
        seen.append(only_host(ada, run)["interimResultStatus"])

    assert seen == [None, None, "Success", "Failed", None]


# --- by patches and by actions ---


def _by_name(rows: Any, name: str) -> dict[str, dict[str, int]]:
    """Counts that are not 0, by the row's name."""
    for row in rows:
        counts = [value for key, value in row.items() if isinstance(value, int) and key != "assetCount"]
        assert row["assetCount"] == sum(counts)
    return {row[name]: {key: value for key, value in row.items() if isinstance(value, int) and value} for row in rows}


def test_patches__of_a_run__say_on_how_many_hosts_each_ended_how(ada: Person) -> None:
    good, bad, waiting = (factories.asset(ada.customer) for _ in range(3))
    run = patched(ada, good, bad, waiting, packages=("acme-app", "acme-lib"))
    factories.missing(factories.patch(ada.customer, "elsewhere"), waiting)
    first, second, scanned = {**DONE, "number": 1}, {**DONE, "number": 2}, {**DONE, "number": 3}
    does(good, [ACCEPTED, first, second, _scan(("acme-app", "2.0"), ("acme-lib", "2.0")), scanned, FINISHED])
    skipped = {**second, "state": "skipped", "reason": "earlier_step_failed"}
    does(bad, [ACCEPTED, {**BAD, "number": 1}, skipped, _scan(), scanned, FINISHED])

    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/patches")

    PatchesOfRun.model_validate_json(answer.content)
    assert _by_name(answer.json(), "title") == {
        "acme-app 2.0": {"assetCount": 3, "success": 1, "failed": 1, "pending": 1},
        "acme-lib 2.0": {"assetCount": 3, "success": 1, "skipped": 1, "pending": 1},
    }
    assert [row["id"] for row in answer.json()] == [patch_of(run, 0), patch_of(run, 1)]


def test_patches__of_many__are_paged_by_as_many_queries(ada: Person, host: Asset) -> None:
    run = patched(ada, host, packages=("a", "b", "c", "d", "e"))
    _handed(host)
    path = f"deploymentjob/{run.job.public_id}/runs/1/patches"

    with CaptureQueriesContext(connection) as of_one:
        first = ada.get(f"{path}?pageSize=1&sort=-title")
    with CaptureQueriesContext(connection) as of_four:
        rest = ada.get(f"{path}?pageSize=4&sort=-title&searchAfter={first['searchAfter']}")

    assert [row["title"][0] for row in [*first.json(), *rest.json()]] == ["e", "d", "c", "b", "a"]
    assert first["X-Total-Count"] == rest["X-Total-Count"] == "5"
    assert len(of_four) <= len(of_one)


def test_patches__of_a_run_that_has_not_resolved__are_none(ada: Person, host: Asset) -> None:
    job = factories.job(ada, assetIds=[str(host.public_id)], preDeployActions=[factories.script()], status="Enabled")

    for what in ("patches", "actions"):
        answer = ada.get(f"deploymentjob/{job.public_id}/runs/1/{what}")
        assert (answer.status_code, answer.json(), answer["X-Total-Count"]) == (200, [], "0")


@pytest.mark.parametrize(
    ("ends", "status", "counted"),
    [
        (["succeeded", "succeeded"], "Succeeded", {"succeeded": 2}),
        (["failed", "failed"], "Failed", {"failed": 2}),
        (["skipped", "not_applicable"], "Skipped", {"skipped": 2}),
        (["succeeded", "failed"], "Partial", {"succeeded": 1, "failed": 1}),
        (["interrupted", "interrupted"], "Partial", {"partial": 2}),
        (["succeeded"], "Succeeded", {"succeeded": 1, "pending": 1}),
        ([], None, {"pending": 2}),
    ],
)
def test_actions__of_a_run__say_on_how_many_hosts_each_ended_how(
    ada: Person, ends: list[str], status: str | None, counted: dict[str, int]
) -> None:
    hosts = [factories.asset(ada.customer) for _ in range(2)]
    run = _run(ada, *hosts)
    for one, end in zip(hosts, ends, strict=False):
        does(one, [ACCEPTED, {**DONE, "number": 1, "state": end}, {**DONE, "number": 2}, FINISHED])

    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/actions")

    ActionsOfRun.model_validate_json(answer.content)
    (row,) = answer.json()
    assert (row["status"], row["name"], row["actionType"]) == (status, "say hello", "predeploy")
    assert _by_name([row], "name") == {"say hello": {"assetCount": 2} | counted}


def test_actions__of_both_stages__stand_in_the_order_of_work(ada: Person, host: Asset) -> None:
    run = _run(
        ada,
        host,
        postDeployActions=[factories.script("last")],
        preDeployActions=[factories.script("first"), factories.script("second")],
    )

    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/actions")

    assert [row["name"] for row in answer.json()] == ["first", "second", "last"]
    assert answer["X-Total-Count"] == "3"
    assert ada.get(f"deploymentjob/{run.job.public_id}/runs/1/actions?pageSize=1").status_code == 400
