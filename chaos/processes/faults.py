"""What goes wrong, drawn at random: processes killed, Postgres stopped at once, the broker emptied, killed or hung."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import redis

from chaos.processes.world import LEASE, World
from embedded.environment import values
from embedded.errors import EmbeddedError
from embedded.guard import children_of

SERVICE = ("web", "worker", "signer", "relay", "beat")
# Agents are many, and the ledger is about them.
KINDS = (*SERVICE, "agent", "agent", "agent", "agent", "worker")
_BACK_SECONDS = 120
# Without faults, too, there is something to be compared.
_LEAST_SECONDS = 30


@dataclass
class Faults:
    """Does one fault after the other. `told` counts what was done. Used from the thread that started the agents."""

    world: World
    random: Random
    only: tuple[str, ...] = KINDS
    told: Counter[str] = field(default_factory=Counter)
    _away: dict[int, float] = field(default_factory=dict)

    def deal(self, *, kills: int, postgres: int, broker: int, pace: float) -> None:
        """So many of each, mixed; `pace` is the mean pause between two. Takes half a minute at least."""
        begun = time.monotonic()
        faults = [self.kill] * kills + [self.stop_postgres] * postgres + [self.trouble_broker] * broker
        self.random.shuffle(faults)
        for fault in faults:
            self._sleep(self.random.uniform(0.2, 1.8) * pace)
            fault()
        self._sleep(begun + _LEAST_SECONDS - time.monotonic())

    def kill(self) -> None:
        """SIGKILL for one process, or for one of those that it started."""
        kind = self.random.choice(self.only)
        if kind == "agent":
            self._kill_agent()
            return
        pid = self._pid(kind)
        inner = [child for child in children_of(pid) if kind in {"web", "worker"}]
        victim = self.random.choice(inner) if inner and self.random.random() < 0.3 else pid
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            self.told[kind] += 1

    def _kill_agent(self) -> None:
        living = [place for place, agent in enumerate(self.world.agents) if agent.pid and place not in self._away]
        if not living:
            self._sleep(1)
            return
        place = self.random.choice(living)
        self.world.agents[place].kill()
        self.told["agent"] += 1
        # Most are back at once, as systemd has it; some are away until their lease is over, and longer.
        longer = self.random.uniform(LEASE, 2 * LEASE) if self.random.random() < 0.2 else 0.2
        self._away[place] = time.monotonic() + longer

    def stop_postgres(self) -> None:
        """At once, as `pg_ctl stop -m immediate` does it, or as the kernel does it when memory is short."""
        number = self.random.choice([signal.SIGQUIT, signal.SIGKILL])
        os.kill(self._pid("postgres"), number)
        self.told["postgres"] += 1

    def trouble_broker(self) -> None:
        """Emptied, killed, or standing still for some seconds."""
        how = self.random.choice(["flush", "stop", "hang"])
        if how == "stop":
            os.kill(self._pid("broker"), signal.SIGKILL)
        elif how == "hang":
            with self._hung(self._pid("broker")):
                self._sleep(self.random.uniform(2, 8))
        else:
            self._flush()
        self.told[f"broker {how}"] += 1

    def bring_all_back(self) -> None:
        """No more faults: every agent runs."""
        self._away.clear()
        for agent in self.world.agents:
            agent.start()

    def _flush(self) -> None:
        address = values(self.world.running.data_dir, ["broker"])["BROKER_URL"]
        for _ in range(_BACK_SECONDS):
            try:
                redis.Redis.from_url(address, socket_timeout=5).flushall()
                return
            except redis.RedisError:
                self._sleep(1)

    @staticmethod
    @contextmanager
    def _hung(pid: int) -> Iterator[None]:
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def _pid(self, name: str) -> int:
        """Of a process that may just be coming back."""
        end = time.monotonic() + _BACK_SECONDS
        while time.monotonic() < end:
            if (pid := self.world.running.pid(name)) is not None and _lives(pid):
                return pid
            self._sleep(0.2)
        raise EmbeddedError(f"{name} did not come back within {_BACK_SECONDS} s.")

    def _sleep(self, seconds: float) -> None:
        """Meanwhile agents come back whose time it is."""
        end = time.monotonic() + seconds
        while True:
            for place, at in list(self._away.items()):
                if time.monotonic() >= at:
                    del self._away[place]
                    self.world.agents[place].start()
            if (left := end - time.monotonic()) <= 0:
                return
            time.sleep(min(left, 0.2))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
