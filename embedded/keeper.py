"""Keeps Postgres and the broker of one data folder running for as long as anybody uses them.

``python -m embedded keep`` is started by ``environment`` when servers are needed and none answer. Every process that
uses them holds a shared lock on ``users.lock`` (a lease, which the kernel takes back however the process dies). The
keeper restarts a server that died, and when it gets that lock alone, nobody is left: it stops the servers and itself.
Newcomers wait on the same lock meanwhile, and then start servers anew.

The servers' guards hold ``keeper.lock`` too: a new keeper starts only after the last server of a killed one is gone.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from embedded import process, secrets
from embedded.broker import Broker
from embedded.errors import EmbeddedError
from embedded.files import make_private_folder, open_lock, try_lock, wait_lock, write_json
from embedded.postgres import Postgres

NAMES = ("postgres", "broker")
STATE = "servers.json"
USERS = "users.lock"
LOCK = "keeper.lock"
LOOK_EVERY = 0.1  # seconds


class Server(Protocol):
    """What Postgres and Broker have in common."""

    port: int

    def prepare(self) -> None: ...
    def start(self, *, hold: Sequence[int] = ()) -> process.Guarded: ...
    def answers(self) -> bool: ...
    def wait_answers(self, running: process.Guarded, *, seconds: float = ...) -> None: ...


def server(name: str, *, data_dir: Path) -> Server:
    """The server of this name ("postgres" or "broker"), whether it runs or not."""
    known = secrets.load(data_dir)
    if name == "postgres":
        return Postgres(data_dir=data_dir, secrets=known)
    return Broker(data_dir=data_dir, secrets=known)


@dataclass
class Keeper:
    """The servers and the processes that run them now."""

    data_dir: Path
    lock: int
    servers: dict[str, Server] = field(default_factory=dict)
    running: dict[str, process.Guarded] = field(default_factory=dict)
    asked_to_stop: bool = False

    def start(self, names: Sequence[str]) -> None:
        """Start all of them, then wait until each answers; they come up side by side."""
        for name in names:
            self.servers[name] = server(name, data_dir=self.data_dir)
            self.servers[name].prepare()
            self.running[name] = self.servers[name].start(hold=[self.lock])
        for name in names:
            self.servers[name].wait_answers(self.running[name])
        for found in self.servers.values():
            if isinstance(found, Postgres):
                found.make_roles()
        self.write_state()

    def write_state(self) -> None:
        """Tell others what runs: name → pid and port, and the keeper's own pid."""
        state: dict[str, Any] = {
            name: {"pid": self.running[name].pid, "port": self.servers[name].port} for name in self.running
        }
        write_json(self.data_dir / STATE, {"keeper": os.getpid(), "servers": state})

    def restart_dead(self) -> None:
        """Start again whatever ended, on the same port: the users hold its address."""
        for name, running in self.running.items():
            if running.ended() is not None:
                self.running[name] = self.servers[name].start(hold=[self.lock])
                self.write_state()
                self.wait_back(name)

    def wait_back(self, name: str) -> None:
        """Give a restarted server time; one that does not come back is tried again, a little later."""
        try:
            self.servers[name].wait_answers(self.running[name])
        except EmbeddedError:
            time.sleep(0.5)

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked_to_stop = True

    def keep(self) -> None:
        """Look after the servers until nobody uses them, or somebody asks to stop."""
        users = open_lock(self.data_dir / USERS)
        while not self.asked_to_stop and not try_lock(users):
            self.restart_dead()
            time.sleep(LOOK_EVERY)
        self.stop()

    def stop(self) -> None:
        """Stop the servers and wait for them; their guards see to it that this ends."""
        (self.data_dir / STATE).unlink(missing_ok=True)
        for running in self.running.values():
            running.stop()
        for running in self.running.values():
            running.wait(seconds=20)


def keep(*, data_dir: Path, names: Sequence[str]) -> None:
    """Run as the keeper of this folder; returns when the servers have stopped.

    :raises EmbeddedError: a server does not start, or another keeper does not end.
    """
    lock = open_lock(make_private_folder(data_dir) / LOCK)
    if not wait_lock(lock, seconds=30):
        raise EmbeddedError(f"Other servers still run in {data_dir}.")
    keeper = Keeper(data_dir=data_dir, lock=lock)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, keeper.on_signal)
    try:
        keeper.start(names)
    except BaseException:
        keeper.stop()
        raise
    keeper.keep()
