"""Private files, locks between processes, and where the data folder is."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedded.errors import EmbeddedError

ROOT = Path(__file__).resolve().parent.parent


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where everything is kept: ``DATA_DIR``, or ``.data`` beside manage.py. Always absolute."""
    return Path(environ.get("DATA_DIR") or ROOT / ".data").resolve()


def make_private_folder(folder: Path) -> Path:
    """The folder itself, made with mode 0700 if it was not there.

    :raises EmbeddedError: it cannot be made, or belongs to somebody else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"The data folder {folder} cannot be made: {error.strerror}.") from error
    if folder.stat().st_uid != os.geteuid():
        raise EmbeddedError(f"The data folder {folder} belongs to another user; set DATA_DIR to a folder of your own.")
    return folder


def write_private(path: Path, text: str) -> None:
    """Replace a file at one instant, readable by its owner alone (0600)."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        # A secret that is lost after rows were written with it cannot be had again.
        os.fsync(stream.fileno())
    new.replace(path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a private file by this JSON object, at one instant."""
    write_private(path, json.dumps(content, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, or None where there is no such file or no object in it."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def open_lock(path: Path) -> int:
    """A descriptor for flock. The lock ends when the last copy of the descriptor closes, also after kill -9."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock alone if nobody holds it; True if we have it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_lock(descriptor: int, *, seconds: float) -> bool:
    """Take the lock alone, waiting at most so long; True if we have it."""
    until = time.monotonic() + seconds
    while not try_lock(descriptor):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process inside this block; waits for the others."""
    descriptor = open_lock(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
