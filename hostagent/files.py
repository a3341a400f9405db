"""Files that are either the old or the new ones, also after a power cut."""

import errno
import os
import sys
import tempfile
from pathlib import Path

from hostagent.errors import DiskFull

if sys.platform == "win32":
    from hostagent.platforms.windows.files import protect, replace, sync_directory
else:
    from hostagent.platforms.posix.files import protect, replace, sync_directory

__all__ = ["is_full", "protect", "sync_directory", "write_atomically"]


def is_full(error: OSError) -> bool:
    """Whether there was no room for what was to be written: on the disk, in the quota, or by a limit of the process."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, readable by its owner only (0600). DiskFull where there is no room for it.

    Nobody may have it open on Windows.
    """
    try:
        # mkstemp makes the file 0600 from its first moment, so no secret is ever readable by others.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        if is_full(error):
            raise DiskFull(f"{path}: {error.strerror}") from error
        raise
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(Path(name), path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and is_full(error):
            raise DiskFull(f"{path}: {error.strerror}") from error
        raise
    sync_directory(path.parent)
