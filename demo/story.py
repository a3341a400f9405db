"""The main job of the service from start to end, over REST, with real agents on real package roots."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from demo.fleet import NEW, OLD, PACKAGE, Machine, make_fleet
from demo.hosts import history, installed_version
from demo.mailbox import Mailbox
from demo.rest import Client
from demo.screen import Screen
from embedded.files import ROOT
from embedded.service import Running, inherited, service

_ADMIN, _PASSWORD = "ada", "correct horse battery staple"
_PRE = 'echo "pre on $PATCH_ROOT" && echo pre >> opt/acme/scripts'
_POST = "echo post >> opt/acme/scripts"
_PATIENCE_SECONDS = 60
T = TypeVar("T")


class Failed(RuntimeError):
    """Something in the demo was not as it should be."""


def tell(*, folder: Path, screen: Screen, port: int | None) -> None:
    """Run the demo in an empty folder. Raises Failed where anything is not as promised."""
    with ExitStack() as stack:
        mailbox = stack.enter_context(Mailbox())
        with screen.phase("Start Postgres, broker, web, workers, beat and relay"):
            running = stack.enter_context(_service(folder, mailbox, port))
            screen.say(f"  {running.base_url}")
        with screen.phase("Make a customer, repositories and machines; enrol an agent on each"):
            customer = _create_customer(running)
            fleet = make_fleet(folder)
            for machine in fleet:
                machine.agent.enrol(running.base_url, customer["activationKey"])
                stack.enter_context(machine.agent).start()
            screen.say(f"  {len(fleet)} machines, all with {PACKAGE} {OLD}; {NEW} has just been published")
        client = Client(running.base_url)
        client.sign_in(_ADMIN, _PASSWORD)
        story = Story(client=client, fleet=fleet, mailbox=mailbox, screen=screen)
        with screen.phase("Wait for the first inventories, and tag the machines"):
            story.learn_the_fleet()
        with screen.phase(f"Install {PACKAGE} {NEW} where the tag web is, but not on web-keep"):
            story.install()
        with screen.phase(f"Roll back to {PACKAGE} {OLD}"):
            story.roll_back()
    screen.say("\nHow long it took")
    screen.table(["phase", "seconds"], [[title, f"{seconds:.1f}"] for title, seconds in screen.times])


class Story:
    """The customer's side: what an administrator's script would do."""

    def __init__(self, *, client: Client, fleet: Sequence[Machine], mailbox: Mailbox, screen: Screen) -> None:
        self._client = client
        self._fleet = fleet
        self._mailbox = mailbox
        self._screen = screen
        self._assets: Mapping[str, Any] = {}
        self._tags: dict[str, str] = {}

    def learn_the_fleet(self) -> None:
        """Wait until every agent has sent its inventory, then make two tags and put them on."""
        self._assets = _until("all inventories", self._scanned)
        for name in sorted({tag for machine in self._fleet for tag in machine.tags}):
            self._tags[name] = self._client.post("/pm/v1/tags", {"name": name})["id"]
        for machine in self._fleet:
            for tag in machine.tags:
                self._client.call("PUT", f"/pm/v1/asset/{self._assets[machine.name]['id']}/tags/{self._tags[tag]}")

    def install(self) -> None:
        """Create the job, watch its run, and check every machine."""
        before = self._versions()
        job = self._create("Install", "Spring update of acme-app")
        hosts = self._watch(job)
        after = self._versions()
        self._show(before, after, hosts)
        for machine in self._fleet:
            self._check_install(machine, after, hosts.get(machine.name))
        self._check_mails(job)

    def roll_back(self) -> None:
        """Create a Rollback job for the same patches, watch it, and check that the old version is back everywhere."""
        before = self._versions()
        hosts = self._watch(self._create("Rollback", "Take acme-app back"))
        after = self._versions()
        self._show(before, after, hosts)
        wrong = [name for name, version in after.items() if version != OLD]
        _require(not wrong, f"not back at {OLD}: {', '.join(wrong)}")
        for machine in self._fleet:
            if machine.takes_part:
                _require(hosts[machine.name]["state"] == "Succeeded", f"{machine.name} was not rolled back")

    def _scanned(self) -> dict[str, Any] | None:
        assets = {asset["name"]: asset for asset in self._client.get("/pm/v1/assets?pageSize=100")}
        ready = all(machine.name in assets and assets[machine.name]["scanDateTime"] for machine in self._fleet)
        return assets if ready else None

    def _versions(self) -> dict[str, str]:
        return {machine.name: installed_version(machine.host, PACKAGE) or "broken" for machine in self._fleet}

    def _create(self, kind: str, name: str) -> str:
        answer = self._client.call("POST", "/pm/v1/deploymentjob", self._body(kind, name))
        _require(answer.status == 201, f"the job was answered with {answer.status}")
        address = f"{self._client.base_url}/pm/v1/deploymentjob/{answer.body['id']}"
        self._screen.say(f"  POST /pm/v1/deploymentjob → {answer.status}  {address}")
        return str(answer.body["id"])

    def _body(self, kind: str, name: str) -> dict[str, Any]:
        patches = self._client.get(f"/pm/v1/patches?name={PACKAGE}%20{NEW}&pageSize=100")
        excluded = [self._assets[machine.name]["id"] for machine in self._fleet if machine.excluded]
        return {
            "name": name,
            "type": kind,
            "platform": "Linux",
            "status": "Enabled",
            "scheduleType": "On-demand",
            "approvedPatches": [patch["id"] for patch in patches],
            "assetTagIds": [self._tags["web"]],
            "exclusionAssetIds": excluded,
            "timeout": 1,
            "timeoutUnit": "HOURS",
            "preDeployActions": [_script("Note the start", _PRE)],
            "postDeployActions": [_script("Note the end", _POST)],
            "notification": {
                "notificationTypes": {"email": True},
                "notificationConfigs": {"recipientEmails": "ops@example.com"},
                "notificationEvents": {"onJobStart": True, "onJobComplete": True},
            },
        }

    def _watch(self, job: str) -> dict[str, Any]:
        """Show progress until the run has ended; its hosts by name."""

        def ended() -> list[dict[str, Any]] | None:
            runs = self._client.get(f"/pm/v1/deploymentjob/{job}/runs")
            if not runs:
                return None
            run = self._client.get(f"/pm/v1/deploymentjob/{job}/runs/1")
            total = run["totalAssetCount"]
            states = ", ".join(f"{hosts} {state}" for state, hosts in sorted(run["counts"].items()))
            self._screen.progress(total * run["completionPercent"] // 100, total, states)
            if run["state"] != "Completed":
                return None
            return list(self._client.get(f"/pm/v1/deploymentjob/{job}/runs/1/assets?pageSize=100"))

        rows = _until("the run's end", ended)
        return {row["name"]: row | {"job": job} for row in rows}

    def _show(self, before: Mapping[str, str], after: Mapping[str, str], hosts: Mapping[str, Any]) -> None:
        untouched = {"state": "-", "reasonText": "The job's tags do not name this host."}
        rows = []
        for machine in self._fleet:
            row = hosts.get(machine.name, untouched)
            verified = "yes" if row["state"] == "Succeeded" else "-"
            rows.append(
                [machine.name, before[machine.name], after[machine.name], verified, row["state"], row["reasonText"]]
            )
        self._screen.table(["host", "before", "after", "verified", "state", "reason"], rows)

    def _check_install(self, machine: Machine, after: Mapping[str, str], host: Mapping[str, Any] | None) -> None:
        name = machine.name
        if not machine.takes_part:
            _require(after[name] == OLD and not history(machine.host), f"{name} was touched")
            _require((host or {}).get("state", "Skipped") == "Skipped", f"{name} was given work")
        elif machine.broken:
            _require(host is not None and host["state"] == "Failed", f"{name} should have failed")
            self._show_failure(host or {})
        else:
            _require(host is not None and host["state"] == "Succeeded", f"{name} did not succeed")
            _require(after[name] == NEW, f"{name} has {after[name]}")

    def _show_failure(self, host: Mapping[str, Any]) -> None:
        detail = self._client.get(f"/pm/v1/deploymentjob/{host['job']}/runs/1/assets/{host['assetId']}")
        step = next(step for step in detail["steps"] if step["state"] == "Failed")
        said = [line for line in step["output"].splitlines() if "acme-app:" in line]
        _require(bool(said), f"the output of the failed package is missing: {step['output']!r}")
        self._screen.say(f"  {host['name']} said: {said[0].strip()}")

    def _check_mails(self, job: str) -> None:
        subjects = _until("two mails", lambda: found if len(found := self._mailbox.subjects()) >= 2 else None)
        for subject in subjects:
            self._screen.say(f"  mail: {subject}")
        _require(len(subjects) == 2, f"expected one mail at the start and one at the end, got {len(subjects)}")
        bodies = [message.get_body(("plain",)) for message in self._mailbox.messages]
        _require(all(body and job in body.get_content() for body in bodies), "a mail does not link to the job")


def _service(folder: Path, mailbox: Mailbox, port: int | None) -> Any:
    """Agents that ask every second, so that nobody has to wait; everything else is as in `make run`."""
    env = {"EMAIL_HOST": mailbox.host, "EMAIL_PORT": str(mailbox.port), "AGENT_IDLE_POLL_SECONDS": "1"}
    return service(data_dir=folder / "data", port=port, env=env)


def _create_customer(running: Running) -> dict[str, str]:
    command = [sys.executable, "manage.py", "create_customer", "Acme", "--admin", _ADMIN, "--password", _PASSWORD]
    environment = {"DATA_DIR": str(running.data_dir)}
    made = subprocess.run(
        command, cwd=ROOT, env={**inherited(), **environment}, capture_output=True, text=True, check=False
    )
    _require(made.returncode == 0, made.stderr)
    created: dict[str, str] = json.loads(made.stdout)
    return created


def _script(name: str, text: str) -> dict[str, Any]:
    return {
        "action": "Run Script",
        "params": {"actionItem": name},
        "script": base64.b64encode(text.encode()).decode(),
        "scriptType": "sh",
    }


def _until(what: str, look: Callable[[], T | None]) -> T:
    until = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) is None:
        _require(time.monotonic() < until, f"waited {_PATIENCE_SECONDS} s for {what}")
        time.sleep(0.25)
    return found


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)
