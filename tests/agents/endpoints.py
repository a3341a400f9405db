"""An endpoint for tests: what an enrolled agent sends, in the words of docs/agent-protocol.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client

from agents.models import Agent
from core.customer_context import acting_for
from deployments.models import HostTask, Run
from inventory.models import Asset, Patch
from tests import factories
from tests.factories import Person
from tests.tenants import worlds

AT = "2026-11-10T09:00:00Z"


@dataclass
class Endpoint:
    """A machine with its agent."""

    asset: Asset
    agent: Agent
    headers: dict[str, str]

    def check_in(self, *held: HostTask, attempt: int = 1, fence: int = 1) -> Any:
        """Say what is held, and hear what to do."""
        tasks = [{"hostTaskId": task.pk, "attempt": attempt, "fence": fence} for task in held]
        return self.send("check-in", {"bootId": "b", "agentVersion": "0.1.0", "tasks": tasks})

    def report(self, task: HostTask, reports: Sequence[Any], *, attempt: int = 1, fence: int = 1) -> Any:
        """Tell how the work goes."""
        body = {"hostTaskId": task.pk, "attempt": attempt, "fence": fence, "reports": list(reports)}
        return self.send("reports", body)

    def send(self, what: str, body: Any) -> Any:
        """POST as this agent."""
        return post(what, body, **self.headers)


def post(what: str, body: Any, **headers: str) -> Any:
    """POST below /agent/v1."""
    client = Client(raise_request_exception=False)
    return client.post(f"/agent/v1/{what}", json.dumps(body), content_type="application/json", headers=headers)


def endpoint(ada: Person) -> Endpoint:
    """A scanned machine of this person's customer."""
    asset = factories.asset(ada.customer)
    agent, headers = factories.agent(asset)
    return Endpoint(asset=asset, agent=agent, headers=headers)


def work(ada: Person, *endpoints: Endpoint, **changes: Any) -> list[HostTask]:
    """A run that installs acme-app 2.0 on these machines; their host tasks, waiting."""
    with acting_for(ada.customer.pk):
        patch = Patch.objects.first() or factories.patch(ada.customer)
    factories.missing(patch, *(one.asset for one in endpoints))
    run = worlds.running(
        ada, *(one.asset for one in endpoints), **({"approvedPatches": [str(patch.public_id)]} | changes)
    )
    return tasks_of(run)


def tasks_of(run: Run) -> list[HostTask]:
    """Its host tasks, as they are now."""
    with acting_for(run.customer_id):
        return list(HostTask.objects.filter(run=run).order_by("pk"))


def now(task: HostTask) -> HostTask:
    """The host task as it is now."""
    with acting_for(task.customer_id):
        return HostTask.objects.get(pk=task.pk)


def whole_story(shown: str = "2.0", **step: Any) -> list[dict[str, Any]]:
    """All reports of a task of one patch; the closing scan shows acme-app in version `shown`."""
    patch = {"state": "succeeded", "reason": "done", "fromVersion": "1.0", "toVersion": "2.0"} | step
    updates = () if shown == "2.0" else (("acme-app", shown, "2.0"),)
    told = [
        {"kind": "accepted"},
        {"kind": "step_started", "number": 1},
        {"kind": "step_finished", "number": 1, **patch},
        {"kind": "step_started", "number": 2},
        {"kind": "scanned", "scan": worlds.scan(("acme-app", shown), updates=updates)},
        {"kind": "step_finished", "number": 2, "state": "succeeded", "reason": "done"},
        {"kind": "finished"},
    ]
    return [{"sequence": sequence, "at": AT, **one} for sequence, one in enumerate(told, start=1)]
