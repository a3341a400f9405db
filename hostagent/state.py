"""agent.json: who this agent is. Written at enrolment, and after each scan."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hostagent.errors import AgentError, NotEnrolled
from hostagent.files import write_atomically


@dataclass(frozen=True)
class State:
    """`manifest_keys` maps a key's id to its raw Ed25519 public key in Base64; these are pinned at enrolment."""

    server: str
    agent_id: str
    asset_id: str
    credential: str
    manifest_keys: dict[str, str]
    root: str | None = None
    last_scan_at: str | None = None
    last_scan_boot_id: str | None = None


def path_in(home: Path) -> Path:
    """Where the state lives."""
    return home / "agent.json"


def load(home: Path) -> State:
    """The state in `home`. NotEnrolled when there is none; AgentError when it cannot be read."""
    try:
        return State(**json.loads(path_in(home).read_bytes()))
    except FileNotFoundError:
        raise NotEnrolled(f"{home} holds no agent.json: enrol first") from None
    except (ValueError, TypeError) as error:
        raise AgentError(f"{path_in(home)} cannot be read: {error}") from error


def save(home: Path, state: State) -> None:
    """Write the state, 0600, atomically."""
    write_atomically(path_in(home), json.dumps(asdict(state), indent=1).encode())


def scanned(home: Path, state: State, at: str, boot_id: str) -> State:
    """Note when the last inventory was accepted."""
    changed = replace(state, last_scan_at=at, last_scan_boot_id=boot_id)
    save(home, changed)
    return changed
