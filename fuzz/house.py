"""What the fuzzed service has in it: a customer with an administrator, scanned machines, tags, patches and jobs."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.rest import Client
from embedded.files import ROOT
from embedded.service import Running, inherited

USERNAME = "ada"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a service that lives as long as the run
MACHINES = 12
# Each list knows the tokens of some of these.
_QUERIES = [
    "vendorSeverity:Critical",
    "isSuperseded:false and not title:preview",
    "name:host",
    "id:* and not name:nobody",
    "platform:Linux",
    "status:Enabled or status:Disabled",
    "severity >= 3",
]


@dataclass
class House:
    """How to come in, and what is there by parameter or field name."""

    client: Client
    agent: str
    known: dict[str, list[str]] = field(default_factory=dict)


def furnish(running: Running) -> House:
    """Make it, through the API alone but for the customer."""
    made = _create_customer(running)
    client = Client(running.base_url)
    client.sign_in(USERNAME, PASSWORD)
    credentials = [_enrol(client, made["activationKey"], number) for number in range(MACHINES)]
    tags = [str(client.post("/pm/v1/tags", {"name": name})["id"]) for name in ("web", "database", "lab", "berlin")]
    assets = _ids(client, "/pm/v1/assets?")
    for number, asset in enumerate(assets):
        client.call("PUT", f"/pm/v1/asset/{asset}/tags/{tags[number % len(tags)]}")
    patches = _ids(client, "/pm/v1/patches?platform=Linux")
    hosts = _ids(client, "/pm/v1/assets?platform=Linux")
    jobs = [str(client.post("/pm/v1/deploymentjob", _job(number, patches, hosts))["id"]) for number in range(6)]
    house = House(client, agent=f"Agent {credentials[0]}")
    # The first machine's agent goes on calling: its asset is not offered for deletion.
    house.known = {"asset": assets[1:], "tag": tags, "patch": patches, "job": jobs, "user": [made["userId"]]}
    house.known["query"] = _QUERIES
    return house


def _ids(client: Client, path: str) -> list[str]:
    return [str(one["id"]) for one in client.get(f"{path}&pageSize=100")]


def _create_customer(running: Running) -> Any:
    command = [sys.executable, "manage.py", "create_customer", "Acme", "--admin", USERNAME, "--password", "-"]
    done = subprocess.run(
        command,
        input=f"{PASSWORD}\n",
        env={**inherited(), "DATA_DIR": str(running.data_dir)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def _enrol(client: Client, activation_key: str, number: int) -> str:
    """A machine with an inventory; its agent's credential."""
    platform, manager = ("Windows", "msi") if number % 3 == 0 else ("Linux", "apt")
    machine = {
        "name": f"host-{number}",
        "platform": platform,
        "osIdentifier": f"machine-{number}",
        "packageManager": manager,
        "operatingSystem": "Windows 11" if platform == "Windows" else "Debian GNU/Linux 12",
    }
    body = {"activationKey": activation_key, "agentVersion": "1.0", "machine": machine}
    credential = str(client.post("/agent/v1/enrol", body)["credential"])
    as_agent = {"Authorization": f"Agent {credential}", "Content-Type": "application/json"}
    scan = {
        "at": datetime.now(UTC).isoformat(),
        "machine": machine,
        "packages": _packages(manager),
        "updates": _updates(manager),
    }
    _send(client, "/agent/v1/scan", scan, as_agent)
    return credential


def _packages(manager: str) -> list[dict[str, str]]:
    return [{"name": f"{manager}-{number}", "version": "1.0", "architecture": "amd64"} for number in range(20)]


def _updates(manager: str) -> list[dict[str, Any]]:
    severities = ["Critical", "Important", "Moderate", "Low"]
    return [
        {
            "package": f"{manager}-{number}",
            "architecture": "amd64",
            "fromVersion": "1.0",
            "toVersion": "2.0",
            "severity": severities[number % len(severities)],
            "cves": [f"CVE-2026-{1000 + number}"],
        }
        for number in range(10)
    ]


def _job(number: int, patches: Sequence[str], assets: Sequence[str]) -> dict[str, Any]:
    """Jobs of several kinds."""
    common = {"name": f"job {number}", "type": "Install", "platform": "Linux", "assetIds": list(assets[:3])}
    if number % 3 == 0:
        return common | {"scheduleType": "On-demand", "status": "Enabled", "approvedPatches": list(patches[:2])}
    if number % 3 == 1:
        start = {"scheduleType": "Daily", "startDateTime": "2030-01-08 21:30"}
        return common | start | {"dynamicPatchesQQL": _QUERIES[0]}
    return common | {"scheduleType": "On-demand", "externalId": f"job-{number}"}


def _send(client: Client, path: str, body: object, headers: dict[str, str]) -> None:
    request = urllib.request.Request(  # noqa: S310 - the service started by this run
        client.base_url + path, data=json.dumps(body).encode(), headers=headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        answer.read()
