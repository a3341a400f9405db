"""A whole service, its customers, and machines with real agents; and the jobs that keep them busy."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from chaos.django_setup import set_up
from chaos.processes import ledger
from chaos.processes.patience import until
from demo.hosts import Agent, Host, make_host
from demo.repositories import AptRepository, Build
from demo.rest import Client
from embedded.service import Running, service

OLD, NEW = "1.0", "2.0"
LEASE = 6
IMPATIENT = {
    "AGENT_IDLE_POLL_SECONDS": "1",
    "HOST_LEASE_SECONDS": str(LEASE),
    "TICK_SECONDS": "1",
    "SWEEP_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}
_PASSWORD = "a long phrase that nobody else has"  # noqa: S105 - of customers that end with the proof
_SCRIPT_SECONDS = 0.4
# Many times what a quiet machine needs.
_PATIENCE = 300.0
_PARENTS, _ALONE = 2, 3
_INTERVAL = timedelta(minutes=5)


class Rehearsed(Agent):
    """An agent that may have a mistake put in."""

    bug = ""

    def _command(self, verb: str, *arguments: str) -> list[str]:
        python, option, module, *rest = super()._command(verb, *arguments)
        return [python, option, *(("chaos.processes.agent", self.bug) if self.bug else (module,)), *rest]


@dataclass
class Customer:
    """One customer: who it is, its machines, and its jobs by what they are for."""

    pk: int
    name: str
    client: Client
    machines: dict[str, Agent] = field(default_factory=dict)
    started_by_hand: list[str] = field(default_factory=list)
    installs: list[str] = field(default_factory=list)
    children: dict[str, list[str]] = field(default_factory=dict)
    scheduled: dict[str, tuple[datetime, timedelta | None]] = field(default_factory=dict)


@dataclass
class World:
    """All of it."""

    running: Running
    customers: list[Customer]
    ledger: Path

    @property
    def agents(self) -> list[Agent]:
        """Of all customers."""
        return [agent for customer in self.customers for agent in customer.machines.values()]


@contextmanager
def world(
    folder: Path, *, hosts: int, packages: int, random: Random, seconds: float, bug: str, of_agents: bool
) -> Iterator[World]:
    """Two customers with `hosts` machines each, and jobs that start by themselves over the next `seconds`."""
    env = dict(IMPATIENT)
    if bug and not of_agents:
        env |= {"DJANGO_SETTINGS_MODULE": "chaos.processes.settings", "CHAOS_BUG": bug}
    machines = _machines(folder, hosts, packages)
    with service(data_dir=folder / "data", env=env, wait=False) as running, ExitStack() as stack:
        running.wait_ready(seconds=_PATIENCE)
        set_up(running.data_dir)
        made = World(running, [], folder / "ledger")
        made.ledger.touch()
        for name in ("acme", "globex"):
            customer, key = _customer(running, name)
            made.customers.append(customer)
            for host in machines[name]:
                agent = Rehearsed(host, folder / "agents" / host.name)
                agent.bug = bug if of_agents else ""
                agent.enrol(running.base_url, key)
                stack.enter_context(agent).start()
                customer.machines[host.name] = agent
        for customer in made.customers:
            _wait_scanned(customer)
            _make_jobs(made, customer, random, packages=packages, seconds=seconds)
        yield made


def _machines(folder: Path, hosts: int, packages: int) -> Mapping[str, list[Host]]:
    repository = AptRepository(folder / "apt")
    names = [f"chaos-{number}" for number in range(packages)]
    repository.publish(*(Build(name, OLD) for name in names))
    machines = {
        customer: [
            make_host(
                folder / "hosts" / f"{customer}-{number}",
                name=f"{customer}-{number}",
                repository=repository,
                installed=[f"{name}={OLD}" for name in names],
            )
            for number in range(hosts)
        ]
        for customer in ("acme", "globex")
    }
    repository.publish(*(Build(name, NEW, seconds=0.3) for name in names))
    return machines


def _customer(running: Running, name: str) -> tuple[Customer, str]:
    # Django is set up only once the service's servers are there.
    from django.utils import timezone  # noqa: PLC0415

    from tenants import services as tenants  # noqa: PLC0415

    made = tenants.create_customer(
        name=name, username=name, password=_PASSWORD, email=f"{name}@example.com", at=timezone.now()
    )
    client = Client(running.base_url)
    client.sign_in(name, _PASSWORD)
    return Customer(made.customer.pk, name, client), made.activation_key


def _wait_scanned(customer: Customer) -> None:
    def scanned() -> bool:
        assets = customer.client.get("/pm/v1/assets?pageSize=100")
        return len(assets) == len(customer.machines) and all(asset["scanDateTime"] for asset in assets)

    until("the first inventories", scanned, seconds=_PATIENCE)


def _make_jobs(world: World, customer: Customer, random: Random, *, packages: int, seconds: float) -> None:
    """Jobs that are started over and over, parents with a child, one for each package, and those that start by time."""
    assets = {asset["name"]: asset["id"] for asset in customer.client.get("/pm/v1/assets?pageSize=100")}
    make = _Maker(world, customer, random, list(assets.values()))
    for number in range(_ALONE):
        customer.started_by_hand.append(make(f"alone {number}"))
    for number in range(_PARENTS):
        parent = make(f"parent {number}")
        customer.started_by_hand.append(parent)
        customer.children[parent] = [make(f"child {number}", linkedJobId=parent, chainedJobRule=[_RULE])]
    for number in range(packages):
        name = f"chaos-{number}"
        patches = [patch["id"] for patch in customer.client.get(f"/pm/v1/patches?name={name}%20{NEW}&pageSize=100")]
        customer.installs.append(make(f"install {name}", approvedPatches=patches, assetIds=list(assets.values())))
    _make_timed(make, customer, random, seconds)


def _make_timed(make: "_Maker", customer: Customer, random: Random, seconds: float) -> None:
    """One start every ten seconds, at odd moments, and one job that starts every five minutes."""
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=25)
    for number in range(int(seconds / 10)):
        start = begin + timedelta(seconds=10 * number + random.randrange(10))
        job = make(f"once {number}", scheduleType="Once", hosts=1, **_from(start))
        customer.scheduled[job] = (start, None)
    job = make("interval", scheduleType="Interval", recurrenceInterval="PT5M", **_from(begin))
    customer.scheduled[job] = (begin, _INTERVAL)


def _from(start: datetime) -> dict[str, Any]:
    return {
        "startDateTime": start.replace(tzinfo=None).isoformat(),
        "timezone": "UTC",
        "missedRunPolicy": "AtNextContact",
    }


_RULE = {
    "field": "postDeployAction",
    "actionIds": [1],
    "threshold": 1,
    "condition": "Post Actions were successfully executed",
}


@dataclass
class _Maker:
    """Makes enabled jobs with a script before and one after, on machines drawn at random."""

    world: World
    customer: Customer
    random: Random
    assets: list[str]

    def __call__(self, name: str, *, hosts: int = 2, **more: Any) -> str:
        path, seconds = self.world.ledger, _SCRIPT_SECONDS
        body = {
            "name": name,
            "type": "Install",
            "platform": "Linux",
            "status": "Enabled",
            "scheduleType": "On-demand",
            "assetIds": self.random.sample(self.assets, min(hosts, len(self.assets))),
            "timeout": 12,
            "timeoutUnit": "HOURS",
            "preDeployActions": [ledger.script("before", ledger=path, seconds=seconds)],
            "postDeployActions": [ledger.script("after", ledger=path, seconds=seconds)],
            **more,
        }
        return str(self.customer.client.post("/pm/v1/deploymentjob", body)["id"])
