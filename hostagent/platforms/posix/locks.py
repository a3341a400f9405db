"""A lock that ends with whoever holds it."""

import fcntl
from typing import IO


def try_lock(file: IO[bytes]) -> bool:
    """Take the lock on this file until it is closed; False where another process has it.

    The kernel lets go when we die, however we die. Children do not inherit it: Python opens files close-on-exec.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
