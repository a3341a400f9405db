"""Hosts with real package managers, and a server that speaks the protocol."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo import hosts, repositories
from demo.repositories import Build
from hostagent import enrolment
from hostagent.agent import Agent
from hostagent.host import Host
from hostagent.lock import only_instance
from tests.hostagent.server import ACTIVATION_KEY, Server


@dataclass
class World:
    """One host, its repository, its agent's folder, and the server."""

    server: Server
    repository: Any
    host: hosts.Host
    home: Path
    agents: list[hosts.Agent] = field(default_factory=list)

    def enrol(self) -> None:
        enrolment.enrol(self.server.url, ACTIVATION_KEY, home=self.home, host=Host(self.host.root))

    def once(self, **options: Any) -> None:
        """One life of the agent within this process; `options` as Agent takes them."""
        with only_instance(self.home):
            agent = Agent(self.home, Host(self.host.root), **options)
            try:
                agent.once()
            finally:
                agent.close()

    def process(self, *options: str) -> hosts.Agent:
        """The agent as a process of its own, not yet started; `options` of its `run`."""
        agent = hosts.Agent(self.host, self.home, options=options)
        self.agents.append(agent)
        return agent

    def version(self, package: str = "acme-app") -> str | None:
        return hosts.installed_version(self.host, package)

    def ledger(self) -> list[str]:
        return hosts.history(self.host)

    def write(self, name: str, text: str) -> None:
        (self.host.root / name).write_text(text)

    def lines(self, name: str) -> list[str]:
        path = self.host.root / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hostagent.client._pause", lambda number, retry_after: 0.01)


@pytest.fixture
def make_world(server: Server, tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(kind: str = "apt", *, legacy: bool = False, **newer: Any) -> World:
        """A host with 1.0 installed, 2.0 published since; `newer` as Build takes it for acme-app 2.0."""
        skip_without(kind)
        repository = repository_of(kind, tmp_path)
        repository.publish(Build("acme-app", "1.0"), Build("acme-lib", "1.0"))
        installed = ["acme-app=1.0", "acme-lib=1.0"]
        host = hosts.make_host(
            tmp_path / "host", name="web-01", repository=repository, installed=installed, legacy=legacy
        )
        repository.publish(Build("acme-app", "2.0", **newer), Build("acme-lib", "2.0"))
        world = World(server=server, repository=repository, host=host, home=tmp_path / "agent")
        made.append(world)
        world.enrol()
        return world

    yield make
    for world in made:
        for agent in world.agents:
            agent.kill()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world("apt")


def repository_of(kind: str, folder: Path) -> Any:
    made = {
        "apt": repositories.AptRepository,
        "dnf": repositories.DnfRepository,
        "zypper": repositories.ZypperRepository,
    }
    return made[kind](folder / "repository")


def skip_without(kind: str) -> None:
    if kind == "apt" and not repositories.apt_available():
        pytest.skip("apt, dpkg and dpkg-deb are not on this machine")
    if kind == "dnf" and not repositories.dnf_available():
        pytest.skip("rpm, dnf and createrepo-c (Debian packages of these names) are not on this machine")
    if kind == "zypper" and not repositories.zypper_available():
        pytest.skip("rpm, zypper and createrepo-c (Debian packages of these names) are not on this machine")


def restore(world: World, saved: Path) -> None:
    """Bring the host back to a copy made earlier."""
    shutil.rmtree(world.host.root)
    shutil.copytree(saved, world.host.root, symlinks=True)


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
