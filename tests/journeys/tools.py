"""What the journeys share: a customer's own scripts, a rollout in the middle of which something dies, patience."""

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from demo.hosts import Agent, Host, history, installed_version
from demo.mailbox import Mailbox
from demo.rest import Client, Refused
from embedded.files import ROOT
from embedded.service import Running
from tests.embedded.tools import clean_env, connect, query

OLD, NEW = "1.0", "2.0"
# Many times what a quiet machine needs; what must not take so long has a bound of its own.
PATIENCE = 120.0
LEASE = 15
# No death of one process may hold a run up for longer.
TWO_LEASES_AND_WORK = 2 * LEASE + 30.0
T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
    """What `look` gives as soon as that is true; a service that is away just then is asked again."""
    end = time.monotonic() + seconds
    trouble: object = None
    while True:
        try:
            if found := look():
                return found
            trouble = None
        except (OSError, http.client.HTTPException, psycopg2.OperationalError) as away:
            trouble = away
        except Refused as refused:
            if refused.answer.status < 500:
                raise
            trouble = refused
        assert time.monotonic() < end, f"waited {seconds} s for {what} ({trouble})"
        time.sleep(0.05)


def script(name: str, text: str) -> dict[str, Any]:
    """An action of a job."""
    encoded = base64.b64encode(text.encode()).decode()
    return {"action": "Run Script", "params": {"actionItem": name}, "script": encoded, "scriptType": "sh"}


@dataclass
class Customer:
    """A customer as its administrator's scripts see it. `machines` are its agents by name."""

    running: Running
    mailbox: Mailbox
    client: Client
    activation_key: str
    machines: dict[str, Agent] = field(default_factory=dict)

    @classmethod
    def create(cls, running: Running, mailbox: Mailbox, *, name: str, admin: str) -> "Customer":
        """Make a customer by the command of operations, and sign its administrator in."""
        command = [sys.executable, "manage.py", "create_customer", name, "--admin", admin, "--password", "-"]
        password = "correct horse battery staple"
        done = subprocess.run(
            command,
            input=f"{password}\n",
            env=clean_env(running.data_dir),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        client = Client(running.base_url)
        client.sign_in(admin, password)
        return cls(running, mailbox, client, activation_key=json.loads(done.stdout)["activationKey"])

    def assets(self) -> dict[str, Any]:
        """Its assets by name."""
        return {asset["name"]: asset for asset in self.client.get("/pm/v1/assets?pageSize=100")}

    def wait_scanned(self) -> None:
        """Return once the inventory of every machine has come."""

        def scanned() -> bool:
            assets = self.assets()
            return all(name in assets and assets[name]["scanDateTime"] for name in self.machines)

        until("the first inventories", scanned)

    def tag(self, name: str, machines: Sequence[str]) -> str:
        """Make a tag and put it on these machines; its id."""
        tag = str(self.client.post("/pm/v1/tags", {"name": name})["id"])
        assets = self.assets()
        for machine in machines:
            self.client.call("PUT", f"/pm/v1/asset/{assets[machine]['id']}/tags/{tag}")
        return tag

    def patches(self, package: str) -> list[str]:
        """The ids of the patches that bring the new version of a package, one for each package manager."""
        return [patch["id"] for patch in self.client.get(f"/pm/v1/patches?name={package}%20{NEW}&pageSize=100")]

    def roll_out(
        self,
        package: str,
        machines: Sequence[str],
        *,
        kind: str = "Install",
        script_seconds: float = 0,
        held: bool = False,
        **body: Any,
    ) -> "Rollout":
        """Create an on-demand job for a package, with a script before and one after, and mails at start and end.

        `machines` are those that are to be touched: the targets, unless `body` names others. `held`: no package is
        installed before `Rollout.wait_installing`.
        """
        assets = self.assets()
        ledger = f"opt/acme/scripts-{package}"
        hold = f"opt/acme/hold-{package}"
        patches = self.patches(package)
        assert patches, f"no patch for {package}"
        for name in machines if held else ():
            (self.machines[name].host.root / hold).touch()
        wait = f"sleep {script_seconds}; while [ -e {hold} ]; do sleep 0.1; done"
        job = self.client.post(
            "/pm/v1/deploymentjob",
            {
                "name": f"{kind} {package}",
                "type": kind,
                "platform": "Linux",
                "status": "Enabled",
                "scheduleType": "On-demand",
                "approvedPatches": patches,
                "assetIds": None if "assetTagIds" in body else [assets[name]["id"] for name in machines],
                "timeout": 1,
                "timeoutUnit": "HOURS",
                "preDeployActions": [script("Before", f"echo 'before {kind}' >> {ledger}; echo ready; {wait}")],
                "postDeployActions": [script("After", f"echo 'after {kind}' >> {ledger}")],
                "notification": {
                    "notificationTypes": {"email": True},
                    "notificationConfigs": {"recipientEmails": "ops@example.com"},
                    "notificationEvents": {"onJobStart": True, "onJobComplete": True},
                },
                **body,
            },
        )
        return Rollout(self, job["id"], package, [self.machines[name] for name in machines], kind)


@dataclass
class Rollout:
    """A job of a customer, its run, and the machines that it is to touch."""

    customer: Customer
    job: str
    package: str
    machines: Sequence[Agent]
    kind: str

    @property
    def hosts(self) -> list[Host]:
        """The package roots."""
        return [agent.host for agent in self.machines]

    # --- how far it is ----------------------------------------------------------------------------------------------

    def change(self, what: str, run: int = 1) -> Mapping[str, Any]:
        """Cancel, pause, resume or retry a run of the job."""
        answer: Mapping[str, Any] = self.customer.client.post(f"/pm/v1/deploymentjob/{self.job}/runs/{run}/{what}", {})
        return answer

    def run(self) -> Mapping[str, Any] | None:
        """The run as REST shows it; None before it is there."""
        if not self.customer.client.get(f"/pm/v1/deploymentjob/{self.job}/runs"):
            return None
        found: Mapping[str, Any] = self.customer.client.get(f"/pm/v1/deploymentjob/{self.job}/runs/1")
        return found

    def rows(self) -> dict[str, Any]:
        """The run's hosts by name."""
        rows = self.customer.client.get(f"/pm/v1/deploymentjob/{self.job}/runs/1/assets?pageSize=100")
        return {row["name"]: row for row in rows}

    def state_of(self, name: str) -> str | None:
        """Where a host stands; None before the run has it."""
        row = self.rows().get(name) if self.run() else None
        return row and row["state"]

    def detail(self, machine: Agent) -> Mapping[str, Any]:
        """One host of the run, step by step."""
        asset = self.rows()[machine.host.name]["assetId"]
        found: Mapping[str, Any] = self.customer.client.get(f"/pm/v1/deploymentjob/{self.job}/runs/1/assets/{asset}")
        return found

    def configured(self, host: Host) -> list[str]:
        """The versions of the package that were configured on a host, in order."""
        words = [line.split() for line in history(host)]
        return [version for _, name, version in words if name == self.package]

    def scripted(self, host: Host) -> list[str]:
        """What the scripts wrote on a host, in order."""
        path = host.root / "opt" / "acme" / f"scripts-{self.package}"
        return path.read_text().splitlines() if path.exists() else []

    def mails(self) -> list[str]:
        """The subjects of the mails about this job, in the order of their arrival."""
        bodies = [(str(mail["Subject"]), mail.get_body(("plain",))) for mail in list(self.customer.mailbox.messages)]
        return [subject for subject, body in bodies if body is not None and self.job in body.get_content()]

    def installing(self) -> list[Host]:
        """The hosts where the package's script is running at this moment."""
        return [
            host for host in self.hosts if NEW in self.configured(host) and installed_version(host, self.package) != NEW
        ]

    # --- waiting for a moment ---------------------------------------------------------------------------------------

    def wait_started(self) -> None:
        """Return once the run has hosts."""
        until("the run's start", lambda: (run := self.run()) and run["state"] == "Running")

    def release(self) -> None:
        """Let the scripts before go on that were held."""
        for host in self.hosts:
            (host.root / "opt" / "acme" / f"hold-{self.package}").unlink(missing_ok=True)

    def wait_installing(self) -> None:
        """Return in the middle: a package is being configured somewhere, and the start was told."""
        until("the mail at the start", self.mails)
        self.release()
        until("a package that is being configured", self.installing)

    def wait_state(self, machine: Agent, *states: str) -> str:
        """The host's state as soon as it is one of these."""
        name = machine.host.name
        wanted = f"{name} to be {' or '.join(states)}"
        return until(wanted, lambda: state if (state := self.state_of(name)) in states else None)

    def wait_ended(self) -> Mapping[str, Any]:
        """The run as it ended, once there is nothing left to be done for anybody: no message waits in the outbox."""
        run = until(
            "the run's end",
            lambda: run if (run := self.run()) and run["state"] == "Completed" else None,
            seconds=TWO_LEASES_AND_WORK,
        )
        until("an empty outbox", lambda: not outbox(self.customer.running), seconds=TWO_LEASES_AND_WORK)
        return run

    # --- what must hold at the end ----------------------------------------------------------------------------------

    def check_ended(self, **states: str) -> dict[str, Any]:
        """Wait for the end; every host is as named (dashes as underscores) or else Succeeded, the counts are those of
        the rows, and of mails there is one at the start and one at the end. Gives the rows.
        """
        run = self.wait_ended()
        rows = self.rows()
        named = {name.replace("_", "-"): state for name, state in states.items()}
        assert {name: row["state"] for name, row in rows.items()} == {
            **{host.name: "Succeeded" for host in self.hosts},
            **named,
        }
        assert run["counts"] == Counter(row["state"] for row in rows.values())
        assert run["totalAssetCount"] == len(rows)
        assert run["completionPercent"] == 100
        subjects = self.mails()
        assert len(subjects) == 2, subjects
        assert "started" in subjects[0]
        assert "ended" in subjects[1]
        return rows

    def check_installed_once(self) -> None:
        """Every host has the new version by dpkg's and rpm's own word, verified; everything was done once."""
        for machine in self.machines:
            host = machine.host
            assert installed_version(host, self.package) == NEW, host.name
            assert self.configured(host) == [NEW], host.name
            assert self.scripted(host) == ["before Install", "after Install"], host.name
            steps = self.detail(machine)["steps"]
            assert [(step["kind"], step["state"], step["verified"]) for step in steps] == [
                ("action", "Succeeded", None),
                ("patch", "Succeeded", True),
                ("action", "Succeeded", None),
                ("scan", "Succeeded", None),
            ], host.name


@contextmanager
def stopped(running: Running, name: str) -> Iterator[int]:
    """Inside, a process of the service stands still; it goes on afterwards if it still lives. Gives its pid."""
    pid = running.kill(name, signal.SIGSTOP)
    try:
        yield pid
    finally:
        if running.pid(name) == pid:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def held_up(running: Running, table: str) -> Iterator[Callable[[], bool]]:
    """Inside, whoever uses this table waits; gives a function that says whether somebody does."""
    waiting = f"SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
    connection = connect(running.data_dir)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"BEGIN; LOCK TABLE {table}")
        yield lambda: bool(query(running.data_dir, waiting))
    finally:
        # Closing ends the transaction, and lets them go on.
        connection.close()


def outbox(running: Running) -> list[tuple[Any, ...]]:
    """The messages that wait for somebody to do their work."""
    # As the relay does: the role that owns the table sees no customer's rows.
    sql = "SET ROLE patch_scheduler; SELECT id, task, attempts FROM core_message"
    return query(running.data_dir, sql, "DATABASE_URL")


def processes_of(folder: Path) -> dict[int, str]:
    """Every process that knows this folder by its arguments, its environment or where it stands."""
    needle = str(folder).encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            texts = (words, (process / "environ").read_bytes(), bytes((process / "cwd").readlink()))
        except OSError:
            continue
        if any(needle in text for text in texts):
            found[int(process.name)] = words.replace(b"\0", b" ").decode(errors="replace")
    return found
