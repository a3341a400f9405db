"""One real service, one mail server and one fleet of real agents for all journeys of a session."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.hosts import Agent, install, make_host
from demo.mailbox import Mailbox
from demo.repositories import AptRepository, Build, DnfRepository, Repository, apt_available, dnf_available
from embedded.service import Running, service
from tests.journeys.tools import LEASE, NEW, OLD, Customer, processes_of, until

APT = ["apt-1", "apt-2", "apt-3"]
LEGACY = "apt-legacy"
# Alone with the package of waves, which it refuses: what that leaves behind is in nobody's way.
CANARY = "apt-canary"
RPM = "rpm-1"
# The main story's, whose new version fails where legacy configuration is.
APP = "acme-app"
# The same, for the story of waves.
WAVES = "acme-waves"
# One for each journey in which something dies or somebody steps in, so that none depends on another; configuring it
# takes its time.
SLOW = [
    f"acme-{name}"
    for name in (
        *("web", "worker", "signer", "beat", "relay", "postgres", "broker"),
        *("agent", "script", "lost", "sign", "mail", "flush"),
        *("cancel", "pause", "retry"),
        *("window", "lock", "offline", "reinstalled", "queue", "share"),
    )
]
SLOW_SECONDS = 3.0
# Those after which a machine wants a restart.
RESTARTING = ["acme-restart", "acme-suppressed"]
# Of which the second of apt's machines has had a newer one already.
MIXED, BETWEEN = "acme-mixed", "1.5"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of which no process is left when the session ends."""
    folder = tmp_path_factory.mktemp("journeys")
    yield folder
    until("every process to be gone", lambda: not processes_of(folder), seconds=20)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """Where the service's mails go."""
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="session")
def running(place: Path, mailbox: Mailbox) -> Iterator[Running]:
    """The whole service on servers of its own, impatient, so that nobody has to wait for it."""
    env = {
        "EMAIL_HOST": mailbox.host,
        "EMAIL_PORT": str(mailbox.port),
        "AGENT_IDLE_POLL_SECONDS": "1",
        "HOST_LEASE_SECONDS": str(LEASE),
        "TICK_SECONDS": "1",
        "SWEEP_SECONDS": "1",
    }
    with service(data_dir=place / "data", env=env) as running:
        yield running


@pytest.fixture(scope="session")
def acme(place: Path, running: Running, mailbox: Mailbox) -> Iterator[Customer]:
    """A customer with machines whose agents run: three of apt, two of apt that refuse, one of dnf where dnf is."""
    if not apt_available():
        pytest.skip("needs dpkg-deb, apt-get and dpkg-query")
    customer = Customer.create(running, mailbox, name="Acme", admin="ada")
    with ExitStack() as stack:
        for name, agent in _machines(place).items():
            agent.enrol(running.base_url, customer.activation_key)
            stack.enter_context(agent).start()
            customer.machines[name] = agent
        customer.wait_scanned()
        yield customer


@pytest.fixture(scope="session")
def globex(running: Running, mailbox: Mailbox) -> Customer:
    """Another customer, without machines."""
    return Customer.create(running, mailbox, name="Globex", admin="grace")


def _machines(place: Path) -> dict[str, Agent]:
    """All with the old versions; the new ones are published before their first inventory."""
    apt = AptRepository(place / "apt")
    apt.publish(*(Build(name, OLD) for name in (APP, WAVES, MIXED, *SLOW, *RESTARTING)), Build(MIXED, BETWEEN))
    machines = {name: _machine(place, name, apt, [APP, WAVES, MIXED, *SLOW, *RESTARTING]) for name in APT}
    install(machines[APT[1]].host, f"{MIXED}={BETWEEN}")
    machines[APT[1]].host.ledger.unlink()
    machines[LEGACY] = _machine(place, LEGACY, apt, [APP], legacy=True)
    machines[CANARY] = _machine(place, CANARY, apt, [WAVES], legacy=True)
    refusing = [Build(name, NEW, refuses_legacy=True) for name in (APP, WAVES)]
    apt.publish(*refusing, *(Build(name, NEW, seconds=SLOW_SECONDS) for name in SLOW))
    apt.publish(*(Build(name, NEW, wants_restart=True) for name in RESTARTING), Build(MIXED, NEW))
    if dnf_available():
        dnf = DnfRepository(place / "dnf")
        dnf.publish(Build(APP, OLD))
        machines[RPM] = _machine(place, RPM, dnf, [APP])
        dnf.publish(Build(APP, NEW))
    return machines


def _machine(place: Path, name: str, repository: Repository, packages: list[str], *, legacy: bool = False) -> Agent:
    host = make_host(
        place / "hosts" / name,
        name=name,
        repository=repository,
        installed=[f"{package}={OLD}" for package in packages],
        legacy=legacy,
    )
    return Agent(host, place / "agents" / name, restarts_in=2.0)
