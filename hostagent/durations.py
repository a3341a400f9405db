"""durations.json: how long patches took on this machine, so that none is begun that cannot end in its window."""

import json
from pathlib import Path

from hostagent.files import write_atomically

# Seconds that any patch is expected to take at the least: lists are fetched before, and the database is written after.
FLOOR = 30.0
# Of one package; the longest of them counts, so that one bad day is forgotten.
_KEPT = 5
_MOST_PACKAGES = 1000


class Durations:
    """Package → the last durations in seconds, oldest first. Only an estimate: what cannot be read is empty."""

    def __init__(self, path: Path, floor: float = FLOOR) -> None:
        self._path, self._floor = path, floor

    def expected(self, package: str) -> float:
        """Seconds that a patch of this package is likely to need. Of one never seen here, what any needs."""
        return max([self._floor, *self._read().get(package, [])])

    def add(self, package: str, seconds: float) -> None:
        """Note how long one took."""
        content = self._read()
        content[package] = [*content.pop(package, []), round(seconds, 1)][-_KEPT:]
        for oldest in list(content)[:-_MOST_PACKAGES]:
            del content[oldest]
        write_atomically(self._path, json.dumps(content).encode())

    def _read(self) -> dict[str, list[float]]:
        try:
            content: dict[str, list[float]] = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return content
