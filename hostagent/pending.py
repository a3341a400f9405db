"""restart.json: whose work waits for a restart of the machine."""

import json
from pathlib import Path

from hostagent.files import write_atomically
from hostagent.host import Host


class PendingRestart:
    """Holds until the machine has another boot id, however it came to restart. A task is named by its label."""

    def __init__(self, path: Path, host: Host) -> None:
        self._path, self._host = path, host

    def note(self, label: str) -> None:
        """This task's work takes effect with the next restart. Noting it again changes nothing."""
        labels = self._labels()
        if label not in labels:
            content = {"bootId": self._host.boot_id(), "tasks": [*labels, label]}
            write_atomically(self._path, json.dumps(content).encode())

    def is_there(self) -> bool:
        """Whether anybody's does."""
        return bool(self._labels())

    def is_of(self, label: str) -> bool:
        """Whether this task's does."""
        return label in self._labels()

    def _labels(self) -> list[str]:
        try:
            content = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return []
        labels: list[str] = content["tasks"] if content["bootId"] == self._host.boot_id() else []
        return labels
