"""Why a host, or a patch on it, stands as it does in a run."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import services
from deployments.api.result_answers import Explained
from deployments.models import HostTask, Run
from deployments.states import HostTaskState
from inventory.models import Asset, AssetPatch, Patch, Platform
from tests import factories
from tests.deployments.endings import STORY, does, now_running, patched
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _handed, _run, _scan
from tests.factories import NOW, Person


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


def _explained(ada: Person, run: Run, host: Asset, patch: Patch | None = None) -> Any:
    query = f"?assetId={host.public_id}" + (f"&patchId={patch.public_id}" if patch else "")
    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/{run.instance}/explain{query}")
    assert answer.status_code == 200, answer.content
    Explained.model_validate_json(answer.content)
    told = answer.json()
    assert [rule["passed"] for rule in told["rules"]] == [True] * (len(told["rules"]) - 1) + [False]
    assert told["reasonText"] not in {"", told["reason"]}
    return told


def _why(ada: Person, run: Run, host: Asset, patch: Patch | None = None) -> tuple[str, str]:
    """The code, and which rule decided."""
    told = _explained(ada, run, host, patch)
    return told["reason"], told["rules"][-1]["rule"]


def test_explain__host_that_is_done__looked_at_every_rule(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    does(host, STORY)

    told = _explained(ada, run, host)

    assert told | {"rules": []} == {
        "jobId": str(run.job.public_id),
        "jobInstanceId": 1,
        "assetId": str(host.public_id),
        "patchId": None,
        "status": "Completed",
        "reason": "verified",
        "reasonText": "Everything was done, and the closing scan showed it.",
        "rules": [],
    }
    assert [rule["rule"] for rule in told["rules"]] == [
        *("run", "targeted", "excluded", "platform", "patches", "scanned", "missing"),
        *("withdrawn", "start", "free", "wave", "place", "contact", "manifest"),
        *("preActions", "patch", "postActions", "verified"),
    ]


def test_explain__host_that_never_had_to_do_anything__says_which_rule_decided(ada: Person) -> None:
    excluded, windows, patched, stray = (
        factories.asset(ada.customer, platform=platform)
        for platform in (Platform.LINUX, Platform.WINDOWS, Platform.LINUX, Platform.LINUX)
    )
    patch = factories.patch(ada.customer)
    run = _run(
        ada,
        excluded,
        windows,
        patched,
        approvedPatches=[str(patch.public_id)],
        exclusionAssetIds=[str(excluded.public_id)],
    )

    for asked in (None, patch):
        assert _why(ada, run, excluded, asked) == ("excluded", "excluded")
        assert _why(ada, run, windows, asked) == ("other_platform", "platform")
        assert _why(ada, run, patched, asked) == ("no_patch_missing", "missing")
        assert _why(ada, run, stray, asked) == ("not_targeted", "targeted")
    assert _explained(ada, run, stray)["status"] is None
    assert _explained(ada, run, patched)["status"] == "No Patch Available"


def test_explain__run_that_did_not_begin__says_so(ada: Person, host: Asset) -> None:
    job = factories.job(ada, assetIds=[str(host.public_id)], preDeployActions=[factories.script()], status="Enabled")
    run = Run.objects.select_related("job").get()
    before = _why(ada, run, host)
    services.delete(job=job, user=ada.user, at=NOW)

    assert before == ("run_not_resolved", "run")
    assert _why(ada, run, host) == ("job_deleted", "run")


def test_explain__host_that_waits__says_for_what(ada: Person, host: Asset) -> None:
    (holding,), (waiting,) = (now_running(ada, host, name=name) for name in ("first", "second"))
    run = waiting.run
    seen = [_why(ada, run, host)]
    services.hand_out(asset=host, at=timezone.now())
    seen.append(_why(ada, run, host))
    task = HostTask.objects.get(pk=holding.pk)
    task.move_to(HostTaskState.FAILED, at=NOW, reason="patch_failed", finished_at=NOW, lease_until=None)
    run.move_to("Paused", at=NOW)
    seen.append(_why(ada, run, host))
    HostTask.objects.filter(pk=waiting.pk).update(start_at=timezone.now() + timedelta(days=1))
    seen.append(_why(ada, run, host))

    assert seen == [
        ("waits_for_host", "contact"),
        ("waits_for_another_job", "free"),
        ("waits_for_run", "contact"),
        ("waits_for_start", "start"),
    ]


def test_explain__host_that_ended_before_it_began__says_why(ada: Person, host: Asset) -> None:
    canceled, missed = patched(ada, host), _run(ada, host)
    services.delete(job=canceled.job, user=ada.user, at=NOW)
    services.sweep(at=missed.deadline)

    assert _why(ada, canceled, host) == ("job_deleted", "withdrawn")
    assert _why(ada, missed, host) == ("never_came", "contact")


@pytest.mark.parametrize(
    ("told", "of_host", "of_patch"),
    [
        ([{**DONE, "number": 1}, {**DONE, "number": 2}], ("at_work", "verified"), ("at_work", "verified")),
        ([{**DONE, "number": 1}], ("at_work", "verified"), ("at_work", "patch")),
        (
            [
                {**DONE, "number": 1, "state": "failed"},
                {**DONE, "number": 2, "state": "skipped", "reason": "earlier_step_failed"},
                FINISHED,
            ],
            ("pre_action_failed", "preActions"),
            ("pre_action_failed", "preActions"),
        ),
        (
            [{**DONE, "number": 1}, {**DONE, "number": 2, "state": "failed", "reason": "no_candidate"}, FINISHED],
            ("patch_failed", "patch"),
            ("no_candidate", "patch"),
        ),
        (
            [
                {**DONE, "number": 1},
                {**DONE, "number": 2, "state": "not_applicable", "reason": "not_installed"},
                FINISHED,
            ],
            ("no_patch_applied", "patch"),
            ("not_installed", "patch"),
        ),
        (
            [{**DONE, "number": 1}, {**DONE, "number": 2}, _scan(("acme-app", "1.0")), FINISHED],
            ("not_verified", "verified"),
            ("not_verified", "verified"),
        ),
        (
            [{**DONE, "number": 1}, {**DONE, "number": 2, "reason": "already_installed", "toVersion": "3.0"}, FINISHED],
            ("not_verified", "verified"),
            ("newer_version", "patch"),
        ),
        (
            [
                {**DONE, "number": 1},
                {**DONE, "number": 2},
                {**DONE, "number": 3, "state": "failed"},
                _scan(("acme-app", "2.0")),
                FINISHED,
            ],
            ("post_action_failed", "postActions"),
            ("verified", "verified"),
        ),
        (
            [{"kind": "refused", "reason": "expired"}],
            ("manifest_refused", "manifest"),
            ("manifest_refused", "manifest"),
        ),
    ],
)
def test_explain__host_that_got_its_work__says_where_it_stands(
    ada: Person, host: Asset, told: list[dict[str, Any]], of_host: tuple[str, str], of_patch: tuple[str, str]
) -> None:
    run = patched(
        ada, host, preDeployActions=[factories.script("before")], postDeployActions=[factories.script("after")]
    )
    does(host, [*([ACCEPTED] if told[0]["kind"] != "refused" else []), *told])

    assert (_why(ada, run, host), _why(ada, run, host, Patch.objects.get())) == (of_host, of_patch)


def test_explain__patch_that_the_host_did_not_get__says_why(ada: Person, host: Asset) -> None:
    run = patched(ada, host, packages=("acme-app", "acme-lib"))
    other = factories.patch(ada.customer, "not-in-the-run")
    app, lib = Patch.objects.get(package="acme-app"), Patch.objects.get(package="acme-lib")
    AssetPatch.objects.filter(patch=lib).delete()
    waiting = [_why(ada, run, host, one) for one in (app, lib, other)]
    _handed(host)

    assert waiting == [("waits_for_host", "contact"), ("not_concerned", "missing"), ("not_in_run", "patches")]
    assert [_why(ada, run, host, one) for one in (app, lib, other)] == [
        ("at_work", "patch"),
        ("not_concerned", "missing"),
        ("not_in_run", "patches"),
    ]


def test_explain__of_what_is_not_ones_own__is_not_found(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    anothers = factories.stranger()
    foreign_host, foreign_patch = factories.asset(anothers.customer), factories.patch(anothers.customer)
    path = f"deploymentjob/{run.job.public_id}/runs/1/explain"

    answers = [
        ada.get(f"{path}?{query}")
        for query in (
            f"assetId={foreign_host.public_id}",
            f"assetId={run.job.public_id}",
            f"assetId={host.public_id}&patchId={foreign_patch.public_id}",
            f"assetId={host.public_id}&patchId={host.public_id}",
        )
    ]

    assert [answer.status_code for answer in answers] == [404] * 4


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [("", "assetId", "required"), ("?assetId=web-1", "assetId", "invalid"), ("?asset=1", "asset", "unknown_key")],
)
def test_explain__asked_wrongly__says_what_would_be_right(
    ada: Person, host: Asset, query: str, field: str, code: str
) -> None:
    run = patched(ada, host)

    answer = ada.get(f"deploymentjob/{run.job.public_id}/runs/1/explain{query}")

    assert answer.status_code == 400
    assert (field, code) in {(one["field"], one["code"]) for one in answer.json()["errors"]}
