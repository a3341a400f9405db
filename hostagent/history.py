"""history.json: which versions an install replaced, so that a rollback knows where to go."""

import json
from pathlib import Path
from typing import Any

from hostagent.files import write_atomically

# Of one package; older ones were rolled past long ago.
_KEPT = 50


class History:
    """Package → `[{"from", "to", "at"}]`, oldest first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def replaced_by(self, package: str, version: str) -> str | None:
        """The version that `version` replaced on this machine, the last time that it did."""
        for change in reversed(self._read().get(package, [])):
            if change["to"] == version:
                return str(change["from"])
        return None

    def add(self, package: str, *, old: str, new: str, at: str) -> None:
        """Note a replacement. Noting the same one again, as after a crash, changes nothing."""
        content = self._read()
        changes = content.setdefault(package, [])
        if changes and (changes[-1]["from"], changes[-1]["to"]) == (old, new):
            return
        changes.append({"from": old, "to": new, "at": at})
        del changes[:-_KEPT]
        write_atomically(self._path, json.dumps(content, indent=1).encode())

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        try:
            content: dict[str, list[dict[str, Any]]] = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        return content
