"""Two customers on one service."""

import pytest

from demo.rest import Refused
from tests.journeys.conftest import APP, APT
from tests.journeys.tools import Customer

pytestmark = pytest.mark.service


def test_stranger__every_id_of_another_customer__is_404(acme: Customer, globex: Customer):
    rollout = acme.roll_out(APP, [], assetIds=[], assetTagIds=[acme.tag("stranger", [])])
    rollout.wait_ended()
    asset = acme.assets()[APT[0]]["id"]
    tag = acme.client.get("/pm/v1/tags?pageSize=100")[0]["id"]
    patch = acme.patches(APP)[0]
    job = f"/pm/v1/deploymentjob/{rollout.job}"
    detail = acme.client.get(job)
    reads = [
        *(job, f"{job}/runs", f"{job}/runs/1", f"{job}/runs/1/assets"),
        f"/pm/v1/scripts/{detail['preDeployActions'][0]['script']}",
        *(f"/pm/v1/asset/{asset}", f"/pm/v1/tag/{tag}", f"/pm/v1/patch/{patch}", f"/pm/v1/patch/{patch}/assets"),
    ]
    writes = [
        ("POST", f"{job}/run"),
        ("DELETE", job),
        ("DELETE", f"/pm/v1/deploymentjobs/{rollout.job}"),
        ("PUT", f"/pm/v1/asset/{asset}/tags/{tag}"),
        ("DELETE", f"/pm/v1/tag/{tag}"),
    ]

    own = {path: acme.client.send("GET", path).status for path in reads}
    read = {path: globex.client.send("GET", path).status for path in reads}
    written = {path: globex.client.send(method, path).status for method, path in writes}

    assert own == dict.fromkeys(reads, 200)
    assert read == dict.fromkeys(reads, 404)
    assert written == {path: 404 for _, path in writes}
    assert acme.client.get(job)["status"] == "Enabled"


def test_stranger__lists__are_empty(acme: Customer, globex: Customer):
    lists = ["/pm/v1/deploymentjobs", "/pm/v1/assets", "/pm/v1/tags", "/pm/v1/patches"]

    found = {path: globex.client.get(path) for path in lists}

    assert found == {path: [] for path in lists}


def test_stranger__job_that_names_anothers_rows__is_refused(acme: Customer, globex: Customer):
    body = {
        "name": "Not mine",
        "type": "Install",
        "platform": "Linux",
        "status": "Enabled",
        "scheduleType": "On-demand",
        "approvedPatches": acme.patches(APP)[:1],
        "assetIds": [acme.assets()[APT[0]]["id"]],
        "timeout": 1,
        "timeoutUnit": "HOURS",
    }

    with pytest.raises(Refused) as refused:
        globex.client.post("/pm/v1/deploymentjob", body)

    assert refused.value.answer.status == 400
    problems = refused.value.answer.body
    assert "approvedPatches" in str(problems)
    assert "assetIds" in str(problems)
