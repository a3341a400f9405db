"""MACHINE: what the server may know of this machine. Whatever cannot be found out is None."""

import sys

if sys.platform == "win32":
    from hostagent.platforms.windows.machine import facts
else:
    from hostagent.platforms.posix.machine import facts

__all__ = ["facts"]
