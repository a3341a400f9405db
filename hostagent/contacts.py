"""contact.json: how an agent is told from a copy of its folder, and what the last contact with the server brought.

The server gives a token with its answers; the next check-in carries it, and a mark of its own. The mark is on disk
before the request is sent, and gone when the answer has been read: whoever repeats a request after a crash or a lost
answer repeats its mark, and no copy of the folder makes the same one.
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hostagent.errors import AgentError
from hostagent.files import write_atomically
from hostagent.journal import no_checkpoint


@dataclass(frozen=True)
class Contact:
    """`mark` is None while no request is on its way; `barred_at`, `barred`: since when and why none is answered."""

    sequence: int = 0
    token: str = ""
    mark: str | None = None
    last_at: str | None = None
    barred_at: str | None = None
    barred: str | None = None


def path_in(home: Path) -> Path:
    """Where it lives."""
    return home / "contact.json"


def load(home: Path) -> Contact:
    """What `home` holds; a first contact where there is none. AgentError when it cannot be read."""
    try:
        found = json.loads(path_in(home).read_bytes())
        # A newer agent that was here before may have kept more.
        return Contact(**{name: found[name] for name in Contact.__dataclass_fields__ if name in found})
    except FileNotFoundError:
        return Contact()
    except (ValueError, TypeError) as error:
        raise AgentError(f"{path_in(home)} cannot be read: {error}") from error


class Contacts:
    """The contacts of a running agent: one at a time."""

    def __init__(self, home: Path, checkpoint: Callable[[str], None] = no_checkpoint) -> None:
        self._home, self._checkpoint = home, checkpoint
        self._now = load(home)

    def request(self) -> dict[str, Any]:
        """What a check-in sends."""
        if self._now.mark is None:
            self._keep(replace(self._now, mark=secrets.token_hex(16)))
        return {"sequence": self._now.sequence, "token": self._now.token, "mark": self._now.mark}

    def answered(self, answer: dict[str, Any], *, at: str) -> None:
        """The request was answered; a token in it is for the next one."""
        changed = replace(self._now, mark=None, last_at=at, barred_at=None, barred=None)
        given = answer.get("contact")
        if isinstance(given, dict) and type(given.get("sequence")) is int and isinstance(given.get("token"), str):
            changed = replace(changed, sequence=given["sequence"], token=given["token"])
        self._keep(changed)

    def bar(self, why: str, *, at: str) -> None:
        """The server does not answer us (any more): kept for whoever asks the agent how it is."""
        self._keep(replace(self._now, barred_at=self._now.barred_at or at, barred=why))

    def _keep(self, changed: Contact) -> None:
        if changed != self._now:
            self._checkpoint("contact:before")
            write_atomically(path_in(self._home), json.dumps(asdict(changed), indent=1).encode())
            self._now = changed
            self._checkpoint("contact:after")
