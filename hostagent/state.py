"""agent.json: who this agent is. Written at enrolment, and after each scan."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from hostagent.errors import AgentError, NotEnrolled
from hostagent.files import write_atomically


@dataclass(frozen=True)
class State:
    """`manifest_keys` and `release_keys` map a key's id to its raw Ed25519 public key in Base64: pinned at enrolment.

    `ca` is the file, in the agent's folder, of the authorities that alone are trusted with the server's certificate,
    None for those that the machine trusts; `proxy` is the address of the one to go through.
    """

    server: str
    agent_id: str
    asset_id: str
    credential: str
    manifest_keys: dict[str, str]
    root: str | None = None
    last_scan_at: str | None = None
    last_scan_boot_id: str | None = None
    ca: str | None = None
    proxy: str | None = None
    release_keys: dict[str, str] = field(default_factory=dict)


def path_in(home: Path) -> Path:
    """Where the state lives."""
    return home / "agent.json"


def load(home: Path) -> State:
    """The state in `home`. NotEnrolled when there is none; AgentError when it cannot be read."""
    try:
        # A newer agent that was here before may have kept more.
        return State(**{name: value for name, value in _read(home).items() if name in _known()})
    except FileNotFoundError:
        raise NotEnrolled(f"{home} holds no agent.json: enrol first") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise AgentError(f"{path_in(home)} cannot be read: {error}") from error


def save(home: Path, state: State) -> None:
    """Write the state, 0600, atomically. What only a newer agent knows stays."""
    try:
        unknown = {name: value for name, value in _read(home).items() if name not in _known()}
    except (OSError, ValueError, AttributeError):
        unknown = {}
    write_atomically(path_in(home), json.dumps({**unknown, **asdict(state)}, indent=1).encode())


def scanned(home: Path, state: State, at: str, boot_id: str) -> State:
    """Note when the last inventory was accepted."""
    changed = replace(state, last_scan_at=at, last_scan_boot_id=boot_id)
    save(home, changed)
    return changed


def ca_file(home: Path, state: State) -> Path | None:
    """The file of the authorities, wherever the folder is now."""
    return home / state.ca if state.ca else None


def _read(home: Path) -> dict[str, Any]:
    read: Callable[[bytes], dict[str, Any]] = json.loads
    return read(path_in(home).read_bytes())


def _known() -> set[str]:
    return {one.name for one in fields(State)}
