"""`python -m tests.agents.record`: write down what today's agent sends, for tests/agents/recorded.

Run it once for each version of the protocol, when the agent is the last one that speaks it. What stands there is what
machines in the field send, and is never changed afterwards.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from demo import hosts, repositories
from demo.repositories import Build
from hostagent import PROTOCOL
from tests.hostagent.conftest import World
from tests.hostagent.server import Server, patch_step, scan_step, script_step

FOLDER = Path(__file__).parent / "recorded"
# In place of what is this machine's own.
MACHINE = {
    "interfaces": [
        {
            "interfaceName": "eth0",
            "macAddress": "02:00:5e:10:00:00",
            "address": "192.0.2.7",
            "gatewayAddress": "192.0.2.1",
            "ipv6Address": "2001:db8::7",
        }
    ],
    "hardware": {"manufacturer": "Acme", "model": "Host 2"},
}


class Recorder(Server):
    """Keeps the last body of each path that is not empty."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: dict[str, Any] = {}

    def answer(self, path: str, authorisation: str | None, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        kept = self.bodies.setdefault(path, body)
        if path == "reports":
            kept["reports"] += [one for one in body["reports"] if one not in kept["reports"]]
        if path == "check-in" and body["tasks"]:
            self.bodies["check-in-busy"] = body
        return super().answer(path, authorisation, body)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, server = Path(name), Recorder()
        repository = repositories.AptRepository(folder / "repository")
        repository.publish(Build("acme-app", "1.0"))
        host = hosts.make_host(folder / "host", name="web-01", repository=repository, installed=["acme-app=1.0"])
        repository.publish(Build("acme-app", "2.0"))
        world = World(server=server, repository=repository, host=host, home=folder / "agent")
        world.enrol()
        server.offer(script_step(1, "echo before"), patch_step(2, "acme-app", "2.0"), scan_step(3))
        world.once()
        server.close()
    here = FOLDER / PROTOCOL
    here.mkdir(parents=True, exist_ok=True)
    for path, body in server.bodies.items():
        told = [body, *(report.get("scan", {}) for report in body.get("reports", ()))]
        for machine in (one["machine"] for one in told if "machine" in one):
            machine.update(MACHINE)
        (here / f"{path}.json").write_text(json.dumps(body, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
