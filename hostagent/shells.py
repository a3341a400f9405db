"""What runs scripts on this machine."""

import sys

if sys.platform == "win32":
    from hostagent.platforms.windows.shells import shell_of
else:
    from hostagent.platforms.posix.shells import shell_of

__all__ = ["shell_of"]
