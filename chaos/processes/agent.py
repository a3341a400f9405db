"""`python -m chaos.processes.agent BUG …`: a real agent with one mistake put in before it starts."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

from hostagent.__main__ import main
from hostagent.errors import Unreachable
from hostagent.notes import Notes
from hostagent.reporter import Reporter
from hostagent.scripts import Scripts

log = logging.getLogger(__name__)


def child_not_noted() -> None:
    """The journal does not hold the process that has the effect: a later life takes it for never started."""
    Notes.child = lambda self, child: None  # type: ignore[method-assign]


def repeat_interrupted() -> None:
    """What was interrupted is simply done again."""
    Scripts.settle = lambda self, notes: None  # type: ignore[method-assign]


def forget_before_confirmed() -> None:
    """Reports count as told once they were sent, whatever became of them."""

    def send(self: Any, task: Any) -> None:
        reports = task.unsent[:100]
        if not reports:
            return
        self._journal.acknowledge(task, len(task.reports))
        body = {"hostTaskId": task.identity.host_task_id, "attempt": task.identity.attempt}
        try:
            self._client.post("reports", body | {"fence": task.identity.fence, "reports": reports})
        except Unreachable as error:
            log.warning("%s", error)

    Reporter._send = send  # type: ignore[method-assign]


BUGS: Mapping[str, Callable[[], None]] = {
    "child-not-noted": child_not_noted,
    "repeat-interrupted": repeat_interrupted,
    "forget-before-confirmed": forget_before_confirmed,
}


if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
