"""Files that are either the old or the new ones, also after a power cut."""

import errno
import os
import tempfile
from pathlib import Path


def is_full(error: OSError) -> bool:
    """Whether there was no room for what was to be written: on the disk, in the quota, or by a limit of the process."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync_directory(directory: Path) -> None:
    """Make names in `directory` durable: renaming and creating are not until the directory itself is written."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, readable by its owner only (0600)."""
    # mkstemp makes the file 0600 from its first moment, so no secret is ever readable by others.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
