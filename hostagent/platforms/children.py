"""A child process, as the journal notes it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Child:
    """A process that another life of ours started. Its pid alone may have been used again.

    `started` is when, in the machine's own unit: clock ticks since its start (Linux), 100 ns since 1601 (Windows).
    """

    pid: int
    started: int
    boot_id: str
    # What it and all its descendants carry in their environment; empty where something else holds them together.
    mark: str = ""

    def noted(self) -> dict[str, Any]:
        """For the journal; `Child(**noted)` reads it again."""
        return asdict(self)
