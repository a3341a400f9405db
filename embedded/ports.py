"""Loopback ports: which is free, and which one a server of ours keeps."""

import random
import socket
from pathlib import Path

from embedded.errors import EmbeddedError
from embedded.files import write_private

LOOPBACK = "127.0.0.1"
# Below the range from which Linux and macOS give out ports to outgoing connections: a port kept there stays ours.
KEPT_PORTS = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether nobody listens on this loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Without it a port counts as taken for a minute after its last connection closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def find_free() -> int:
    """Some free loopback port.

    :raises EmbeddedError: none was free in many tries.
    """
    for _ in range(200):
        port = random.choice(KEPT_PORTS)  # noqa: S311  a port is not a secret
        if is_free(port):
            return port
    raise EmbeddedError("No free port was found on 127.0.0.1.")


def kept(path: Path) -> int:
    """The port written in this file; chosen and written there if there is none."""
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return choose(path)


def choose(path: Path) -> int:
    """A free port, written into this file."""
    port = find_free()
    write_private(path, f"{port}\n")
    return port
