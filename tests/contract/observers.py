"""Where a field of a job shows, its echo aside: each observer tells what a body leads to, as plain data.

A workshop keeps real rows, since the signer of manifests has a connection of its own, and does the workers' work.
"""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.core import mail
from django.db.models.functions import Now

from config.celery import app
from core.customer_context import acting_for, scheduling
from core.models import Message
from inventory.models import Patch, Platform
from tests import factories
from tests.agents.endpoints import AT, Endpoint
from tests.contract.documents import filled
from tests.contract.house import House, without
from tests.tenants import worlds
from tests.tenants.roles import SIGNER, acting_as

Body = dict[str, Any]
Observer = Callable[["Workshop", Body], Any]

_ROUNDS = 30
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*( UTC)?")
# Of a manifest: what names this one and its time, which no two share.
_OWN = ("agentId", "hostTaskId", "jobId", "runId", "attempt", "fence", "notBefore", "notAfter")


@dataclass
class Workshop:
    """A house whose rows are committed."""

    house: House

    @property
    def customer_id(self) -> int:
        """Whose it is."""
        return self.house.ada.customer.pk

    def endpoint(self, platform: str, name: str = "bench") -> Endpoint:
        """A new machine with its agent, which misses all patches of its platform."""
        asset = factories.asset(self.house.ada.customer, name, platform=Platform(platform))
        with acting_for(self.customer_id):
            patches = list(Patch.objects.filter(platform=platform).order_by("pk"))
            asset.package_manager = patches[0].package_manager
            asset.save(update_fields=["package_manager"])
        for patch in patches:
            factories.missing(patch, asset)
        agent, headers = factories.agent(asset)
        return Endpoint(asset=asset, agent=agent, headers=headers)

    def settle(self) -> None:
        """Do all that waits in the outbox, as the workers and the signer would."""
        for _ in range(_ROUNDS):
            with scheduling():
                due = list(Message.objects.filter(due_at__lte=Now()).order_by("due_at", "pk"))
            if not due:
                return
            for message in due:
                with acting_as(SIGNER) if "sign" in message.task else nullcontext():
                    _tasks()[message.task](message.customer_id, message.pk)
        raise AssertionError(f"the outbox is not empty: {[message.task for message in due]}")

    def started(self, body: Body, *hosts: Endpoint) -> Body:
        """The job of a body on these machines, enabled, and its run open."""
        on = {"assetIds": [str(host.asset.public_id) for host in hosts], "assetTagIds": None, "status": "Enabled"}
        job = self.house.create(filled(body, self.house.ids) | on)
        self.settle()
        return job

    def manifest_of(self, host: Endpoint) -> Body:
        """What the machine is told to do, once that is signed."""
        host.check_in()
        worlds.sign_all(self.house.ada.customer)
        envelope = host.check_in().json()["manifest"]
        assert envelope is not None
        manifest: Body = json.loads(envelope["manifest"])
        return manifest

    def work(self, host: Endpoint, *failing: str) -> None:
        """Let the machine do what it is told, and report; the actions named in `failing` fail."""
        manifest = self.manifest_of(host)
        told: list[Body] = [{"kind": "accepted"}]
        packages = [(step["package"], step["version"]) for step in manifest["steps"] if step["kind"] == "patch"]
        for step in manifest["steps"]:
            told += _scan_of(step, packages, host) if step["kind"] == "scan" else _reports_of(step, failing)
        told.append({"kind": "finished"})
        reports = [{"sequence": number, "at": AT, **one} for number, one in enumerate(told, start=1)]
        body = {name: manifest[name] for name in ("hostTaskId", "attempt", "fence")}
        answer = host.send("reports", body | {"reports": reports})
        assert answer.status_code == 200, answer.content
        for name in ("deployments.tick", "deployments.sweep"):
            _tasks()[name]()
        self.settle()


def _reports_of(step: Body, failing: tuple[str, ...]) -> list[Body]:
    """How a machine tells of a patch or an action: that it began, and how it ended."""
    end: Body = {"state": "succeeded", "reason": "done"}
    if step.get("name") in failing:
        end = {"state": "failed", "reason": "nonzero_exit"}
    if step["kind"] == "patch":
        end |= {"fromVersion": "1.0", "toVersion": step["version"]}
    number = step["number"]
    return [{"kind": "step_started", "number": number}, {"kind": "step_finished", "number": number, **end}]


def _scan_of(step: Body, packages: list[tuple[str, str]], host: Endpoint) -> list[Body]:
    """How a machine tells of the closing scan, which finds these packages."""
    scan = worlds.scan(*packages)
    scan["machine"] |= {
        "name": host.asset.name,
        "platform": str(host.asset.platform),
        "packageManager": host.asset.package_manager,
        "osIdentifier": host.asset.os_identifier,
    }
    started, finished = _reports_of(step, ())
    return [started, {"kind": "scanned", "scan": scan}, finished]


@cache
def _tasks() -> Any:
    """All tasks of the workers, by name."""
    app.loader.import_default_modules()
    return app.tasks


def _less_own(text: str) -> str:
    """The text without what no two of its kind share: ids and moments."""
    return _MOMENT.sub("…", _UUID.sub("…", text))


# --- what a body leads to ---------------------------------------------------------------------------------------------


def next_start(at: Workshop, body: Body) -> Any:
    """When the enabled job starts next, by its summary row."""
    job = at.house.create(body | {"status": "Enabled"})
    rows = at.house.ada.get("deploymentjobs/summary?pageSize=1000").json()
    return next(row["nextScheduleDateTime"] for row in rows if row["id"] == job["id"])


def plan(at: Workshop, body: Body) -> Any:
    """What the preview says would be done, where and when; not its sentence and its hash, which could be echoes."""
    answer = at.house.ada.post("deploymentjob/preview", body)
    assert answer.status_code == 200, answer.content
    return without(answer.json(), "schedule", "planHash")


def planned_work(at: Workshop, body: Body) -> Any:
    """Of the preview: which patches on which machines."""
    shown = plan(at, body)
    return {asset["name"]: asset["patches"] for asset in shown["assets"] if asset["applicable"]}


def deadline(at: Workshop, body: Body) -> Any:
    """How long the window is, by the preview: minutes from start to deadline."""
    shown = plan(at, body)
    start, end = (datetime.fromisoformat(shown[name]) for name in ("startDateTime", "deadline"))
    return round((end - start).total_seconds() / 60)


def latest_start(at: Workshop, body: Body) -> Any:
    """How late a machine may begin, by the preview: minutes after its start."""
    (host, *_) = plan(at, body)["assets"]
    start, end = (datetime.fromisoformat(host[name]) for name in ("startDateTime", "startBefore"))
    return round((end - start).total_seconds() / 60)


def manifest(at: Workshop, body: Body) -> Any:
    """What a machine is told."""
    host = at.endpoint(body.get("platform", "Windows"))
    at.started(body, host)
    told = without(at.manifest_of(host), *_OWN)
    return json.loads(_less_own(json.dumps(told)))


def mails(at: Workshop, body: Body) -> Any:
    """Which mails are sent while the job runs on two machines, one after the other: to whom, and what they say."""
    hosts = [at.endpoint(body.get("platform", "Windows"), f"bench-{number}") for number in (1, 2)]
    mail.outbox.clear()
    at.started(body, *hosts)
    seen = []
    for host in hosts:
        at.work(host)
        seen += [("before" if host is hosts[0] else "after", *one) for one in _posted()]
    return seen


def _posted() -> list[tuple[str, ...]]:
    """The mails since the last look."""
    sent = [(",".join(one.to), one.subject, _less_own(str(one.body))) for one in mail.outbox]
    mail.outbox.clear()
    return sent


def runs(at: Workshop, body: Body) -> Any:
    """How many runs the job has, at once."""
    job = at.house.create(body)
    at.settle()
    return len(at.house.ada.get(f"deploymentjob/{job['id']}/runs").json())


def run_states(at: Workshop, body: Body) -> Any:
    """How the runs of the job stand, at once."""
    job = at.house.create(body)
    at.settle()
    rows = at.house.ada.get(f"deploymentjob/{job['id']}/history").json()["runs"]
    return [row["executionStatus"] for row in rows]


def begun(at: Workshop, body: Body) -> Any:
    """On how many of three machines that all ask for work it begins."""
    hosts = [at.endpoint(body.get("platform", "Windows"), f"bench-{number}") for number in (1, 2, 3)]
    job = at.started(body, *hosts)
    for host in hosts:
        host.check_in()
    return at.house.ada.get(f"deploymentjob/{job['id']}/runs/1").json()["counts"]


def states_after_a_failure(at: Workshop, body: Body) -> Any:
    """How the run stands after the first of three machines did all and the second failed."""
    hosts = [at.endpoint(body.get("platform", "Windows"), f"bench-{number}") for number in (1, 2, 3)]
    job = at.started(body, *hosts)
    at.work(hosts[0])
    at.work(hosts[1], "say hello")
    return at.house.ada.get(f"deploymentjob/{job['id']}/runs/1").json()["state"]


def child_runs(at: Workshop, body: Body) -> Any:
    """How the runs of a child stand after a run of its parent's: half of the machines did `first`, all did `second`."""
    hosts = [at.endpoint("Windows", f"bench-{number}") for number in (1, 2)]
    scripts = [
        {"action": "Run Script", "script": "bHM=", "scriptType": "ps", "params": {"actionItem": name}}
        for name in ("first", "second")
    ]
    parent = at.house.create(
        at.house.windows(name="parent", postDeployActions=scripts)
        | {"assetIds": [str(host.asset.public_id) for host in hosts]}
    )
    child = at.house.create(body | {"linkedJobId": parent["id"], "status": "Enabled"})
    at.house.ada.patch(f"deploymentjob/{parent['id']}", {"status": "Enabled"})
    at.settle()
    at.work(hosts[0])
    at.work(hosts[1], "first")
    listed = at.house.ada.get(f"deploymentjob/{child['id']}/runs").json()
    paths = [f"deploymentjob/{child['id']}/runs/{run['jobInstanceId']}" for run in listed]
    return [at.house.ada.get(path).json()["state"] for path in paths]


def who_may_edit(at: Workshop, body: Body) -> Any:
    """What somebody gets who tries to change the job."""
    job = at.house.create(body)
    return at.house.grace.patch(f"deploymentjob/{job['id']}", {"description": "changed"}).status_code


def found_as(path: str) -> Observer:
    """Whether the job is found under a path."""

    def look(at: Workshop, body: Body) -> Any:
        job = at.house.create(body)
        answer = at.house.ada.get(path)
        found = answer.json().get("id") == job["id"]
        at.house.ada.delete(f"deploymentjob/{job['id']}")
        return found

    return look


def refusal(at: Workshop, body: Body) -> Any:
    """Which fields a refusal names; nothing where the body is taken. For values that must be what they are."""
    answer = at.house.ada.post("deploymentjob/validate", body)
    return sorted(one["field"] for one in answer.json()["errors"])


def kept_script(at: Workshop, body: Body) -> Any:
    """Whether the first action's script is still at its path after the job was replaced by what is sent for it."""
    job = at.house.create(without(body, "keepsActionId"))
    stage = "preDeployActions" if job["preDeployActions"] else "postDeployActions"
    (action,) = job[stage]
    sent = body[stage][0] | ({"actionId": action["actionId"]} if body["keepsActionId"] else {})
    at.house.ada.put(f"deploymentjob/{job['id']}", without(body, "keepsActionId") | {stage: [sent]})
    return at.house.ada.get(f"scripts/{action['script']}").status_code
