"""Names in folders, made durable."""

import os
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make names in `directory` durable: renaming and creating are not until the directory itself is written."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(old: Path, new: Path) -> None:
    """Give `old` the name of `new`, at one instant. Durable once the folder is synced."""
    old.replace(new)


def protect(directory: Path) -> None:
    """Keep others out: nothing, where the mode that a folder and each file in it are made with does so."""
