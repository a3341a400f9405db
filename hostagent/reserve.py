"""Some of the disk, kept back: when somebody else has filled it, the agent can still note and tell what happened."""

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

# Bytes: room for the journal of a task with its output and a large inventory.
SIZE = 4 * 1024 * 1024


class Reserve:
    """A file of no content that is given up when there is no room for others."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path, self._size = path, size

    def keep(self) -> None:
        """Have it, if there is room."""
        if self._path.exists():
            return
        try:
            with self._path.open("xb") as file:
                # Written, not only announced: a hole in a file keeps nothing back.
                file.write(bytes(self._size))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.release()

    def release(self) -> bool:
        """Give it up; whether there was anything to give."""
        with suppress(FileNotFoundError):
            self._path.unlink()
            log.warning("the disk is full: what was kept back for this is used now")
            return True
        return False
