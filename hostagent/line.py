"""The line to the server: reports out, check-in, manifests and drops in."""

import logging
from collections.abc import Callable
from threading import RLock
from typing import Any

from hostagent import VERSION, manifest
from hostagent.client import Client
from hostagent.clock import Clock, to_text
from hostagent.contacts import Contacts
from hostagent.errors import Answered, Unauthorised, Unreachable
from hostagent.journal import Journal
from hostagent.live import Live
from hostagent.manifest import Refused
from hostagent.reporter import Reporter
from hostagent.state import State

log = logging.getLogger(__name__)


class Line:
    """One turn after the other, whichever thread asks for it."""

    def __init__(
        self,
        client: Client,
        state: State,
        journal: Journal,
        clock: Clock,
        *,
        contacts: Contacts,
        boot_id: Callable[[], str],
    ) -> None:
        self.live = Live(client, clock)
        self._client, self._state, self._journal, self._clock = client, state, journal, clock
        self._contacts, self._boot_id = contacts, boot_id
        # Whether the server has let us in since we started: nothing is reported by a copy that it would stop.
        self._let_in = False
        self._reporter = Reporter(client, journal)
        self._lock = RLock()
        self.poll_seconds = 5.0
        self.scan_wanted = False
        # A newer version of this program, as the last answer offers it.
        self.offer: Any = None

    def report(self) -> None:
        """Send what the journal holds."""
        with self._lock:
            self._reporter.send_all(self._clock.now())

    def turn(self) -> None:
        """Report, check in, and file what the server answers."""
        with self._lock:
            if self._let_in:
                self.report()
            answer = self._check_in()
            self.offer = answer.get("update")
            self.scan_wanted = self.scan_wanted or answer.get("scan") is True
            for host_task_id in answer.get("drop") or []:
                self._drop(host_task_id)
            envelope = answer.get("manifest")
            if isinstance(envelope, dict):
                self._receive(envelope)
            if not self._let_in:
                self._let_in = True
                self.report()
            self.live.send()

    def send_scan(self, scan: dict[str, Any]) -> None:
        """Hand in an inventory. Whatever the server thinks of it, it is not sent again by itself."""
        self.scan_wanted = False
        try:
            self._client.post("scan", scan)
        except Answered as error:
            log.warning("inventory not accepted: %s", error)

    def _check_in(self) -> dict[str, Any]:
        """The answer, its token kept. That we are barred is kept, too."""
        at = to_text(self._clock.now())
        try:
            answer = self._answer_to({**self._heartbeat(), "contact": self._contacts.request()})
        except Unauthorised as error:
            self._contacts.bar(str(error), at=at)
            raise
        self.poll_seconds = _seconds(answer)
        self._contacts.answered(answer, at=at)
        return answer

    def _answer_to(self, body: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._client.post("check-in", body)
        except Answered as error:
            proof = error.body.get("prove")
            if error.status != 409 or not isinstance(proof, str):
                raise
        # Asked whether anybody is there who reads the answers: a request that was held up on its way comes late, too.
        return self._client.post("check-in", body | {"contact": {**body["contact"], "proof": proof}})

    def _heartbeat(self) -> dict[str, Any]:
        tasks = [
            {"hostTaskId": task.identity.host_task_id, "attempt": task.identity.attempt, "fence": task.identity.fence}
            for task in self._journal.tasks
            if not task.stale
        ]
        return {"bootId": self._boot_id(), "agentVersion": VERSION, "tasks": tasks}

    def _drop(self, host_task_id: int) -> None:
        for task in self._journal.tasks:
            if task.identity.host_task_id == host_task_id:
                self._journal.drop(task)

    def _receive(self, envelope: dict[str, Any]) -> None:
        identity = manifest.identity(envelope)
        if identity is None:
            log.error("a manifest that names no host task is passed over")
            return
        if self._journal.find(identity.host_task_id, identity.attempt):
            # Answered again because our first report had not arrived yet.
            return
        try:
            self._verify(envelope)
        except Refused as refusal:
            log.error("manifest of %s/%s refused: %s", identity.host_task_id, identity.attempt, refusal.reason)
            at = to_text(self._clock.now())
            self._reporter.refuse(identity, at=at, reason=refusal.reason)
            return
        task = self._journal.file(envelope)
        self._journal.report(task, at=self._clock.now(), kind="accepted")
        log.info("host task %s/%s: %s steps", identity.host_task_id, identity.attempt, len(task.manifest.steps))

    def _verify(self, envelope: dict[str, Any]) -> None:
        identity = manifest.identity(envelope)
        manifest.verify(
            envelope,
            keys=self._state.manifest_keys,
            agent_id=self._state.agent_id,
            highest_attempt=self._journal.highest_attempt(identity.host_task_id) if identity else 0,
            now=self._clock.now(),
        )


def _seconds(answer: dict[str, Any]) -> float:
    try:
        return min(max(float(answer["pollSeconds"]), 0.05), 3600.0)
    except (KeyError, TypeError, ValueError) as error:
        # 200 from something that is not our server, such as a portal on the way.
        raise Unreachable(f"the answer to a check-in is not understood: {error!r}") from error
