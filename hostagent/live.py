"""Show the server what a running step prints: in bounded pieces, a few a minute, and never at the work's cost."""

import logging
from dataclasses import dataclass
from threading import Lock
from typing import Any

from hostagent.client import Client
from hostagent.clock import Clock
from hostagent.errors import AgentError, Answered
from hostagent.manifest import Identity
from hostagent.output import Bounded

log = logging.getLogger(__name__)

# Bytes of one piece, and seconds from one to the next: whoever watches a script sees it run, and no script that prints
# without end makes the server store more than this.
PIECE = 16 * 1024
EVERY = 3.0


@dataclass
class _Watched:
    identity: Identity
    number: int
    printed: Bounded
    sent: int = 0
    refused: bool = False


class Live:
    """Watches one step at a time. Safe to use from several threads."""

    def __init__(self, client: Client, clock: Clock, *, every: float = EVERY) -> None:
        self._client, self._clock, self._every = client, clock, every
        self._lock = Lock()
        self._watched: _Watched | None = None
        self._not_before = 0.0

    def watch(self, identity: Identity, number: int, printed: Bounded) -> None:
        """From now on this is what runs. What ran before is over: its report has all that it printed."""
        with self._lock:
            self._watched = _Watched(identity, number, printed)

    def send(self) -> None:
        """The next piece, if there is one and it is time. A server that wants none, or knows of none, is left alone."""
        with self._lock:
            watched = self._watched
        if watched is None or watched.refused or self._clock.monotonic() < self._not_before:
            return
        offset, data = watched.printed.since(watched.sent, PIECE)
        if not data:
            return
        self._not_before = self._clock.monotonic() + self._every
        try:
            answer = self._client.post("output", _body(watched, offset, data), tries=1)
        except Answered as error:
            log.info("output of step %s is not wanted: %s", watched.number, error)
            watched.refused = True
        except AgentError as error:
            log.info("output of step %s not sent: %s", watched.number, error)
        else:
            received = answer.get("received")
            watched.sent = received if type(received) is int and received >= 0 else offset + len(data)


def _body(watched: _Watched, offset: int, data: bytes) -> dict[str, Any]:
    identity = watched.identity
    return {
        "hostTaskId": identity.host_task_id,
        "attempt": identity.attempt,
        "fence": identity.fence,
        "number": watched.number,
        "offset": offset,
        "size": len(data),
        "text": data.decode("utf-8", "replace").replace("\0", ""),
    }
