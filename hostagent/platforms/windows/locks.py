"""A lock that ends with whoever holds it."""

import msvcrt
from typing import IO

# A byte far beyond the end: what is locked cannot be read by others, and the file's content is theirs to read.
_BYTE = 1 << 30


def try_lock(file: IO[bytes]) -> bool:
    """Take the lock on this file until it is closed; False where another process has it.

    The kernel lets go when we die, however we die. Children do not inherit it: Python's handles are not inheritable.
    """
    file.seek(_BYTE)
    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError:
        return False
    return True
