"""What can be read from a pipe at once."""

import os
import select


def read(pipe: int, *, within: float) -> bytes | None:
    """What the pipe holds, b"" at its end; None where nothing came within so many seconds."""
    poller = select.poll()
    poller.register(pipe, select.POLLIN)
    return os.read(pipe, 65536) if poller.poll(within * 1000) else None
