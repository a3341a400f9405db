"""One agent per folder."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostagent.errors import AlreadyRunning

if sys.platform == "win32":
    from hostagent.platforms.windows.locks import try_lock
else:
    from hostagent.platforms.posix.locks import try_lock


@contextmanager
def only_instance(home: Path) -> Iterator[None]:
    """Hold `home` for as long as the block runs. AlreadyRunning when another process holds it.

    No stale file can block the next start: the lock itself ends with its holder.
    """
    with (home / "agent.lock").open("ab") as file:
        if not try_lock(file):
            raise AlreadyRunning(f"another agent is running on {home}")
        yield
