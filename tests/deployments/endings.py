"""What a run comes to, for tests of its results: hosts that do their work, and what is answered of them."""

from typing import Any

from deployments.api.result_answers import JobResult
from deployments.models import HostTask, Run
from inventory.models import Asset
from tests import factories
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _handed, _reports, _run, _scan, _take
from tests.factories import NOW, Person
from tests.tenants import worlds

PATCH_COUNTS = (
    *("installedPatches", "failedPatches", "successPatches", "supersededPatches", "notApplicablePatches"),
    *("skipPatchCount", "executing", "pendingExecution", "pendingReboot", "pendingVerification"),
)
BAD = {**DONE, "state": "failed", "reason": "nonzero_exit"}
# Of a host that installs acme-app and nothing else.
STORY = [ACCEPTED, {**DONE, "number": 1}, _scan(("acme-app", "2.0")), {**DONE, "number": 2}, FINISHED]


def patched(ada: Person, *hosts: Asset, packages: tuple[str, ...] = ("acme-app",), **changes: Any) -> Run:
    """A resolved run that installs version 2.0 of these packages, all missing on the hosts."""
    patches = [factories.patch(ada.customer, package) for package in packages]
    for one in patches:
        factories.missing(one, *hosts)
    return _run(ada, *hosts, approvedPatches=[str(one.public_id) for one in patches], **changes)


def result_of(ada: Person, run: Run, query: str = "") -> Any:
    answer = ada.get(f"deploymentjob/{run.job.public_id}/deploymentjobresult/summary{query}")
    assert answer.status_code == 200, answer.content
    JobResult.model_validate_json(answer.content)
    return answer.json()


def only_host(ada: Person, run: Run) -> Any:
    (row,) = result_of(ada, run)["assets"]
    return row


def counts_of(row: Any) -> dict[str, int]:
    """Those that are not 0, and whether they add up."""
    assert row["totalPatchCount"] == sum(row[key] for key in PATCH_COUNTS)
    return {key: row[key] for key in PATCH_COUNTS if row[key]}


def statuses(ada: Person, run: Run) -> tuple[str, int]:
    """The one host's status, which both lists of hosts must agree on."""
    row = only_host(ada, run)
    (other,) = ada.get(f"deploymentjob/{run.job.public_id}/runs/{run.instance}/assets").json()
    assert (row["status"], row["statusCode"]) == (other["status"], other["statusCode"])
    return row["status"], row["statusCode"]


def names_of(answer: Any) -> list[str]:
    return [row["asset"]["name"] for row in answer.json()["assets"]]


def does(host: Asset, story: list[dict[str, Any]], *, at: Any = NOW) -> None:
    """The host gets its work, and reports this of it."""
    _take(_handed(host), _reports(*story), at=at)


def now_running(ada: Person, host: Asset, **changes: Any) -> list[HostTask]:
    """The host task of a run that began at this very moment: the database's clock tells whether a window is open."""
    run = worlds.running(ada, host, **{"preDeployActions": [factories.script()]} | changes)
    return list(HostTask.objects.filter(run=run).select_related("run__job"))


def patch_of(run: Run, place: int = 0) -> str:
    return str(run.snapshot["patches"][place]["patchId"])
