"""Simulated agents: thousands of them in one process, each speaking docs/agent-protocol.md to a real server.

They check in when they were told to, verify what they are given, report what an agent would, and change no machine.
"""

import asyncio
import json
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any

import aiohttp

from hostagent import manifest as manifests

OK = 200
VERSION = "1.0"
# Requests under way at a time; what is due beyond that waits, and its waiting is part of no figure.
AT_ONCE = 64
# Seconds that the work of a host takes.
WORK = 2.0


@dataclass(slots=True)
class SimulatedAgent:
    """One machine. `held` is the manifest that it works on, `told` how many reports of it were taken; `sequence` and
    `token` are the server's half of the last contact."""

    number: int
    credential: str
    agent_id: str
    package: str
    fails: bool = False
    held: manifests.Manifest | None = None
    told: int = 0
    sequence: int = 0
    token: str = ""

    @property
    def tasks(self) -> list[dict[str, int]]:
        """What its journal holds, as a check-in says it."""
        if self.held is None:
            return []
        one = self.held.identity
        return [{"hostTaskId": one.host_task_id, "attempt": one.attempt, "fence": one.fence}]


@dataclass
class Figures:
    """What was seen: latencies in seconds by kind of request, answers that were not 200, and ends of work."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    finished: int = 0

    def percentile(self, kind: str, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies[kind])
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else 0.0


class Fleet:
    """All agents, and one connection pool."""

    def __init__(self, base_url: str, agents: Iterable[SimulatedAgent], *, keys: Mapping[str, str]) -> None:
        self._base_url, self._keys = base_url, keys
        self.agents = list(agents)
        self.figures = Figures()
        self._due: list[tuple[float, int]] = []
        self._session: aiohttp.ClientSession

    async def run(self, *, spread: float, until: "asyncio.Event") -> None:
        """Let all of them live until the event is set; their first check-ins are spread over so many seconds."""
        now = time.monotonic()
        for agent in self.agents:
            heappush(self._due, (now + random.uniform(0, spread), agent.number))  # noqa: S311 - no secret
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as self._session:
            await asyncio.gather(*(self._live(until) for _ in range(AT_ONCE)))

    async def _live(self, until: "asyncio.Event") -> None:
        """Take the agent that is due first, do its turn, put it back."""
        while not until.is_set():
            if not self._due or self._due[0][0] > time.monotonic():
                await asyncio.sleep(0.01)
                continue
            _, number = heappop(self._due)
            pause = await self._turn(self.agents[number])
            heappush(self._due, (time.monotonic() + pause, number))

    async def _turn(self, agent: SimulatedAgent) -> float:
        """One turn of an agent; seconds until its next."""
        if agent.held is not None and agent.told:
            await self._finish(agent)
        kind = "busy check-in" if agent.held else "check-in"
        contact = {"sequence": agent.sequence, "token": agent.token, "mark": secrets.token_hex(16)}
        body = {
            "bootId": f"boot-{agent.number}",
            "agentVersion": VERSION,
            "tasks": agent.tasks,
            "contact": contact,
        }
        answer = await self._post(agent, kind, "check-in", body)
        if answer is None:
            return 5.0
        if answer["contact"] is not None:
            agent.sequence, agent.token = answer["contact"]["sequence"], answer["contact"]["token"]
        if answer["manifest"] is not None and agent.held is None:
            await self._begin(agent, answer["manifest"])
            return WORK
        return float(answer["pollSeconds"])

    async def _begin(self, agent: SimulatedAgent, envelope: Mapping[str, Any]) -> None:
        agent.held = manifests.verify(
            envelope, keys=self._keys, agent_id=agent.agent_id, highest_attempt=0, now=datetime.now(UTC)
        )
        first = agent.held.steps[0].number
        await self._report(agent, [{"kind": "accepted"}, {"kind": "step_started", "number": first}])

    async def _finish(self, agent: SimulatedAgent) -> None:
        if await self._report(agent, list(_ends(agent))):
            agent.held, agent.told = None, 0
            self.figures.finished += 1

    async def _report(self, agent: SimulatedAgent, told: list[dict[str, Any]]) -> bool:
        at = _now()
        reports = [{"sequence": agent.told + place, "at": at, **one} for place, one in enumerate(told, start=1)]
        body = agent.tasks[0] | {"reports": reports}
        answer = await self._post(agent, "report", "reports", body)
        if answer is not None:
            agent.told = answer["acceptedThrough"]
        return answer is not None

    async def _post(self, agent: SimulatedAgent, kind: str, path: str, body: Any) -> Any | None:
        headers = {"Authorization": f"Agent {agent.credential}", "Content-Type": "application/json"}
        began = time.monotonic()
        try:
            async with self._session.post(
                f"{self._base_url}/agent/v1/{path}", data=json.dumps(body), headers=headers
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.figures.errors[f"{kind}: {type(error).__name__}"] += 1
            return None
        self.figures.latencies[kind].append(time.monotonic() - began)
        if answer.status != OK:
            self.figures.errors[f"{kind}: {answer.status} {content[:120]!r}"] += 1
            return None
        return json.loads(content)


def _ends(agent: SimulatedAgent) -> Iterator[dict[str, Any]]:
    """The reports that end the work: each step, and the closing scan."""
    assert agent.held is not None  # noqa: S101 - only who has work ends it
    for step in agent.held.steps:
        scan = isinstance(step, manifests.ScanStep)
        if scan:
            yield {"kind": "scanned", "scan": _scan(agent)}
        bad = agent.fails and not scan
        state, reason = ("failed", "package_manager_failed") if bad else ("succeeded", "done")
        yield {"kind": "step_finished", "number": step.number, "state": state, "reason": reason, "seconds": WORK}
    yield {"kind": "finished"}


def _scan(agent: SimulatedAgent) -> dict[str, Any]:
    machine = {
        "name": f"host-{agent.number}",
        "platform": "Linux",
        "osIdentifier": f"machine-{agent.number}",
        "packageManager": "apt",
    }
    version = "1.0" if agent.fails else "2.0"
    packages = [{"name": agent.package, "version": version, "architecture": "all"}]
    return {"at": _now(), "machine": machine, "packages": packages, "updates": []}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
