"""One agent per folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostagent.errors import AlreadyRunning


@contextmanager
def only_instance(home: Path) -> Iterator[None]:
    """Hold `home` for as long as the block runs. AlreadyRunning when another process holds it.

    The kernel lets go when we die, however we die, so no stale file can block the next start. Children do not inherit
    the lock: Python opens files close-on-exec.
    """
    with (home / "agent.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"another agent is running on {home}") from None
        yield
