"""Keep talking to the server while a step runs."""

import logging
from threading import Event, Thread

from hostagent.clock import Clock
from hostagent.errors import AgentError, Unauthorised
from hostagent.line import Line

log = logging.getLogger(__name__)


class Heartbeat:
    """A thread that takes turns on the line while the block runs; `nudge` makes it report at once."""

    def __init__(self, line: Line, clock: Clock) -> None:
        self._line, self._clock = line, clock
        self._nudged = Event()
        self._ended = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)
        self.barred = False

    def nudge(self) -> None:
        """There is something to report."""
        self._nudged.set()

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._nudged.set()
        # A call to a server that hangs is bounded by the client's own timeout; it need not hold us up.
        self._thread.join(5)

    def _beat(self) -> None:
        while not self._ended.is_set():
            nudged = self._clock.wait(self._nudged, self._line.poll_seconds)
            self._nudged.clear()
            if self._ended.is_set():
                return
            try:
                self._line.report() if nudged else self._line.turn()
            except Unauthorised as error:
                log.error("%s", error)
                self.barred = True
                return
            except AgentError as error:
                log.warning("%s", error)
