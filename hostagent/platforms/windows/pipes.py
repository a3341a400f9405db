"""What can be read from a pipe at once."""

import ctypes
import msvcrt
import os
import time

from hostagent.platforms.windows.calls import DWORD, kernel32

_PAUSE = 0.02


def read(pipe: int, *, within: float) -> bytes | None:
    """What the pipe holds, b"" at its end; None where nothing came within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        held = DWORD()
        handle = msvcrt.get_osfhandle(pipe)
        if not kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(held), None):
            # Whoever wrote into it is gone.
            return b""
        if held.value:
            return os.read(pipe, min(held.value, 65536))
        if time.monotonic() >= deadline:
            return None
        time.sleep(min(_PAUSE, within))
