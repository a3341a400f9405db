"""The demo's machines: private package roots with real agents, one of which cannot take the new version."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.hosts import Agent, Host, make_host
from demo.repositories import AptRepository, Build, DnfRepository, Repository, dnf_available

PACKAGE = "acme-app"
OLD, NEW = "1.0", "2.0"


@dataclass(frozen=True)
class Machine:
    """One machine and its part in the story."""

    agent: Agent
    tags: Sequence[str]
    excluded: bool = False
    broken: bool = False

    @property
    def host(self) -> Host:
        """The package root."""
        return self.agent.host

    @property
    def name(self) -> str:
        """Its name, which is also its asset's."""
        return self.agent.host.name

    @property
    def takes_part(self) -> bool:
        """Whether the demo's job is for it."""
        return "web" in self.tags and not self.excluded


def make_fleet(folder: Path) -> list[Machine]:
    """Six apt machines, and two dnf machines where dnf is, all with the old version; then the new one is published."""
    apt = AptRepository(folder / "apt")
    repositories: list[Repository] = [apt]
    if dnf_available():
        repositories.append(DnfRepository(folder / "dnf"))
    for repository in repositories:
        repository.publish(Build(PACKAGE, OLD))
    fleet = [
        *(_machine(folder, f"web-{number}", apt, ["web"]) for number in (1, 2, 3)),
        _machine(folder, "web-legacy", apt, ["web"], broken=True),
        _machine(folder, "web-keep", apt, ["web"], excluded=True),
        _machine(folder, "db-1", apt, ["database"]),
        *(_machine(folder, f"rpm-{number}", other, ["web"]) for other in repositories[1:] for number in (1, 2)),
    ]
    for repository in repositories:
        repository.publish(Build(PACKAGE, NEW, refuses_legacy=True))
    return fleet


def _machine(
    folder: Path,
    name: str,
    repository: Repository,
    tags: Sequence[str],
    *,
    excluded: bool = False,
    broken: bool = False,
) -> Machine:
    host = make_host(
        folder / "hosts" / name,
        name=name,
        repository=repository,
        installed=[f"{PACKAGE}={OLD}"],
        legacy=broken,
    )
    return Machine(Agent(host, folder / "agents" / name), tags, excluded=excluded, broken=broken)
