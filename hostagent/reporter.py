"""Tell the server what the journal holds, until it has confirmed all of it."""

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hostagent.client import Client
from hostagent.errors import Answered, Unreachable
from hostagent.journal import Journal
from hostagent.manifest import Identity
from hostagent.tasks import Task

log = logging.getLogger(__name__)

_MOST = 100
_LARGEST = 1024 * 1024
# A task whose reports the server keeps refusing is given up this long after its deadline.
_GIVE_UP = timedelta(days=1)


class Reporter:
    """Sends from the journal, in order, from where the server says it is."""

    def __init__(self, client: Client, journal: Journal) -> None:
        self._client, self._journal = client, journal

    def send_all(self, now: datetime) -> None:
        """All tasks' reports. Unreachable and Unauthorised come through; nothing is lost by them."""
        for task in self._journal.tasks:
            try:
                self._send(task)
            except Answered as error:
                self._answered(task, error, now)

    def refuse(self, identity: Identity, *, at: str, reason: str) -> None:
        """Say that a manifest is not followed. Not journaled: if this is lost, the manifest comes again."""
        report = {"sequence": 1, "at": at, "kind": "refused", "reason": reason}
        try:
            self._client.post("reports", _body(identity, [report]))
        except Answered as error:
            log.info("refusal of %s not accepted: %s", identity.host_task_id, error)

    def _send(self, task: Task) -> None:
        while reports := _batch(task.unsent):
            before = task.acknowledged
            try:
                answer = self._client.post("reports", _body(task.identity, reports))
            except Answered as error:
                if not _is_gap(error):
                    raise
                answer = error.body
            self._journal.acknowledge(task, _through(answer))
            # A server that stands still, or goes back again and again, is asked once more at the next turn.
            if task.acknowledged <= before:
                return

    def _answered(self, task: Task, error: Answered, now: datetime) -> None:
        identity = task.identity
        log.warning("reports of %s/%s: %s", identity.host_task_id, identity.attempt, error)
        given_up = task.finished and now > task.manifest.not_after + _GIVE_UP
        if (error.status == 409 and error.body.get("stale") is True) or task.dropped or given_up:
            self._journal.disown(task)


def _is_gap(error: Answered) -> bool:
    return (
        error.status == 409 and error.body.get("stale") is not True and type(error.body.get("acceptedThrough")) is int
    )


def _through(answer: dict[str, Any]) -> int:
    through = answer.get("acceptedThrough")
    if type(through) is not int:
        raise Unreachable("the answer to a report is not understood")
    return through


def _batch(reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many as one request may hold; always one, so that a large inventory is sent alone."""
    batch: list[dict[str, Any]] = []
    room = _LARGEST
    for report in reports[:_MOST]:
        room -= len(json.dumps(report))
        if batch and room < 0:
            break
        batch.append(report)
    return batch


def _body(identity: Identity, reports: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "hostTaskId": identity.host_task_id,
        "attempt": identity.attempt,
        "fence": identity.fence,
        "reports": reports,
    }
