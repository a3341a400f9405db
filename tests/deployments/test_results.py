"""The result of a run, host by host: exactly the keys of the wire contract, and which hosts."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.instants import milliseconds
from deployments import services
from deployments.models import Job, Run
from inventory.models import Asset
from tenants.models import Role
from tests import factories
from tests.deployments.endings import PATCH_COUNTS, STORY, does, names_of, patch_of, patched, result_of, statuses
from tests.deployments.test_host_tasks import DONE, _handed
from tests.factories import NOW, Person, later

# Written out again: a test that reads the code's own list agrees with any mistake.
ASSET_KEYS = {
    *("id", "name", "operatingSystem", "tags", "lastLoggedOnUser", "interfaces", "osIdentifier", "scanDateTime"),
}
HOST_KEYS = {
    *("asset", "jobId", "jobInstanceId", "runId", "status", "statusCode", "statusDateTime", "startDateTime"),
    *("endDateTime", "jobSentOn", "totalPatchCount", "installedPatches", "failedPatches", "successPatches"),
    *("supersededPatches", "notApplicablePatches", "skipPatchCount", "executing", "pendingExecution"),
    *("pendingReboot", "pendingVerification", "installed", "failed", "success", "superseded", "notApplicable"),
    *("successfulActionsCount", "failedActionsCount", "skippedActionsCount", "interimResultStatus"),
    *("pendingForRebootInAnotherJob", "pendingForRebootInAnotherJobName", "additionalFields"),
}


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


# --- the whole answer ---


def test_result__of_a_host_that_ended__has_exactly_these_keys_and_values(ada: Person) -> None:
    tag = factories.tag(ada.customer, "web")
    host = factories.asset(ada.customer, tags=(tag,))
    run = patched(ada, host, postDeployActions=[factories.script()], name="weekly")
    does(host, [*STORY[:2], {**DONE, "number": 3}, *STORY[2:]], at=later(minutes=5))
    Asset.objects.update(
        name="web-1",
        operating_system="Debian 12",
        interfaces=[{"interfaceName": "eth0", "address": "10.0.0.1", "ipv6Address": "::1"}],
        last_logged_on_user="root",
        os_identifier="machine-7",
    )

    result = result_of(ada, run)

    (row,) = result["assets"]
    assert set(result) == {"id", "name", "assetCount", "patchCount", "createdBy", "createdOn", "assets"}
    assert result | {"assets": []} == {
        "id": str(run.job.public_id),
        "name": "weekly",
        "assetCount": 1,
        "patchCount": 1,
        "createdBy": "ada",
        "createdOn": milliseconds(NOW),
        "assets": [],
    }
    assert set(row) == HOST_KEYS
    assert row["asset"] == {
        "id": str(host.public_id),
        "name": "web-1",
        "operatingSystem": "Debian 12",
        "tags": [{"id": str(tag.public_id), "name": "web"}],
        "lastLoggedOnUser": "root",
        "interfaces": [
            {"interfaceName": "eth0", "macAddress": None, "address": "10.0.0.1", "gatewayAddress": None},
        ],
        "osIdentifier": "machine-7",
        "scanDateTime": milliseconds(Asset.objects.get().scanned_at),
    }
    assert row | {"asset": None} == {
        "asset": None,
        "jobId": str(run.job.public_id),
        "jobInstanceId": 1,
        "runId": ada.get(f"deploymentjob/{run.job.public_id}/history").json()["runs"][0]["jobRunId"],
        "status": "Completed",
        "statusCode": 20360,
        "statusDateTime": milliseconds(later(minutes=5)),
        "startDateTime": milliseconds(NOW),
        "endDateTime": milliseconds(later(minutes=5)),
        "jobSentOn": milliseconds(NOW),
        "totalPatchCount": 1,
        **dict.fromkeys(PATCH_COUNTS, 0),
        "successPatches": 1,
        **{key: [] for key in ("installed", "failed", "superseded", "notApplicable")},
        "success": [patch_of(run)],
        "successfulActionsCount": 1,
        "failedActionsCount": 0,
        "skippedActionsCount": 0,
        "interimResultStatus": None,
        "pendingForRebootInAnotherJob": False,
        "pendingForRebootInAnotherJobName": None,
        "additionalFields": {
            "state": "Succeeded",
            "reason": "verified",
            "reasonText": "Everything was done, and the closing scan showed it.",
            "attempt": 1,
            "scheduledDateTime": milliseconds(NOW),
            "deadline": milliseconds(later(minutes=60)),
        },
    }


def test_result__of_a_job_that_never_ran__has_no_hosts_and_the_jobs_own_counts(ada: Person, host: Asset) -> None:
    patch = factories.patch(ada.customer)
    excluded = factories.asset(ada.customer)
    job = factories.job(
        ada,
        assetIds=[str(host.public_id)],
        exclusionAssetIds=[str(excluded.public_id)],
        approvedPatches=[str(patch.public_id)],
    )

    answer = ada.get(f"deploymentjob/{job.public_id}/deploymentjobresult/summary?sort=status&query=status:Pending")

    assert (answer.status_code, answer["X-Total-Count"]) == (200, "0")
    assert [answer.json()[key] for key in ("assetCount", "patchCount", "assets")] == [1, 1, []]


def test_result__of_a_run_that_has_not_found_its_hosts__has_the_jobs_own_counts(ada: Person, host: Asset) -> None:
    patch = factories.patch(ada.customer)
    job = factories.job(ada, assetIds=[str(host.public_id)], approvedPatches=[str(patch.public_id)], status="Enabled")

    result = ada.get(f"deploymentjob/{job.public_id}/deploymentjobresult/summary").json()

    assert Run.objects.get().state == "Pending"
    assert [result[key] for key in ("assetCount", "patchCount", "assets")] == [1, 1, []]


def test_result__of_a_deleted_job__stays_readable(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    services.delete(job=run.job, user=ada.user, at=NOW)

    assert Job.objects.get().state == "Deleted"
    assert statuses(ada, run) == ("Canceled", 29050)
    for what in ("patches", "actions", f"explain?assetId={host.public_id}"):
        assert ada.get(f"deploymentjob/{run.job.public_id}/runs/1/{what}").status_code == 200


# --- which run, which hosts ---


def test_result__run_unsaid_or_said__is_the_newest_or_that_one(ada: Person, host: Asset) -> None:
    first = patched(ada, host)
    services.open_run(job=services.lock(first.job), trigger="user", scheduled_for=NOW, at=NOW)
    services.resolve(run_id=Run.objects.latest("pk").pk, at=NOW)

    newest, named = result_of(ada, first), result_of(ada, first, "?jobInstanceId=1")

    assert [one["assets"][0]["jobInstanceId"] for one in (newest, named)] == [2, 1]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("jobInstanceId=3", 404, None),
        ("jobInstanceId=0", 400, "jobInstanceId"),
        ("jobInstanceId=first", 400, "jobInstanceId"),
        ("jobInstanceId=99999999999", 400, "jobInstanceId"),
        ("instance=1", 400, "instance"),
        ("sort=nmae", 400, "sort"),
        ("query=stauts:Pending", 400, "query"),
        ("query=status:Nonsense", 400, "query"),
    ],
)
def test_result__of_what_there_is_not__is_refused(
    ada: Person, host: Asset, query: str, status: int, field: str | None
) -> None:
    run = patched(ada, host)

    answer = ada.get(f"deploymentjob/{run.job.public_id}/deploymentjobresult/summary?{query}")

    assert answer.status_code == status
    if field:
        assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_result__by_post__needs_no_body_and_no_content_type(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    path = f"/pm/v1/deploymentjob/{run.job.public_id}/deploymentjobresult/summary"

    bare = viewer.client.generic("POST", path, content_type="", headers=viewer.headers)
    asked = viewer.client.generic("POST", f"{path}?pageSize=5", content_type="", headers=viewer.headers)

    assert "CONTENT_TYPE" not in bare.wsgi_request.environ
    assert bare.status_code == asked.status_code == 200
    assert bare.json() == asked.json() == result_of(ada, run)


def test_result__by_post__may_be_asked_in_a_body(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, name) for name in ("a", "b", "c")]
    run = patched(ada, *hosts)
    path = f"deploymentjob/{run.job.public_id}/deploymentjobresult/summary"
    body = {"jobInstanceId": "1", "pageSize": 2, "sort": [{"name": "desc"}], "attributes": ["asset.name"]}

    answer = ada.post(path, body)

    assert answer.json()["assets"] == [{"asset": {"name": "c"}}, {"asset": {"name": "b"}}]
    assert ada.post(path, {"jobInstanceId": 2}).status_code == 404
    assert ada.post(path, {"instance": 2}).status_code == 400


def test_result__of_many_hosts__is_paged_over_them(ada: Person) -> None:
    names = [f"web-{number}" for number in range(5)]
    run = patched(ada, *(factories.asset(ada.customer, name) for name in reversed(names)))
    path = f"deploymentjob/{run.job.public_id}/deploymentjobresult/summary?pageSize=2"

    first = ada.get(path)
    second = ada.get(f"{path}&searchAfter={first['searchAfter']}")
    third = ada.get(f"{path}&pageNumber=2")

    assert [names_of(one) for one in (first, second, third)] == [names[:2], names[2:4], names[4:]]
    assert {one["X-Total-Count"] for one in (first, second, third)} == {"5"}
    assert {one.json()["assetCount"] for one in (first, second, third)} == {5}
    assert 'rel="next"' in first["Link"]
    assert 'rel="next"' not in third["Link"]


def test_result__sorted_and_found_by_status__is_by_what_the_rows_say(ada: Person) -> None:
    waiting, at_work = factories.asset(ada.customer, "a"), factories.asset(ada.customer, "b")
    run = patched(ada, waiting, at_work)
    _handed(at_work)

    rows = result_of(ada, run, "?sort=-status")["assets"]
    found = result_of(ada, run, "?query=status:`Job Received` and name:b")

    assert [row["status"] for row in rows] == ["Pending", "Job Received"]
    assert [row["asset"]["name"] for row in found["assets"]] == ["b"]
    # The size of the run, whatever is asked of it.
    assert found["assetCount"] == 2


def test_result__of_more_hosts__takes_no_more_queries(ada: Person) -> None:
    few = patched(ada, *(factories.asset(ada.customer) for _ in range(2)), packages=("few",))
    many = patched(ada, *(factories.asset(ada.customer) for _ in range(9)), packages=("many", "more", "most"))
    for run in (few, many):
        _handed(run.host_tasks.first().asset)

    with CaptureQueriesContext(connection) as of_few:
        assert len(result_of(ada, few, "?pageSize=20")["assets"]) == 2
    with CaptureQueriesContext(connection) as of_many:
        assert len(result_of(ada, many, "?pageSize=20")["assets"]) == 9

    assert len(of_few) == len(of_many)
