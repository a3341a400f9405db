"""Schedulers that are killed while they work, over simulated months: does every start have its one run?"""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from django.db import connection, connections, transaction
from django.test import Client
from django.utils import timezone

from chaos.schedulers import calendars, clock
from chaos.schedulers.bugs import BUGS
from core.customer_context import acting_for
from core.models import Event
from deployments import services as deployments
from deployments.models import Job, Run
from inventory import services as inventory
from inventory.descriptions import Machine
from inventory.models import Platform
from tenants import services as tenants
from tenants.models import User

BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
_PASSWORD = "a long phrase that nobody else has"  # noqa: S105 - of a customer that ends with the proof
_SETTLED_SECONDS = 120
_PAGE = 1_000
_SCRIPT = {
    "action": "Run Script",
    "params": {"actionItem": "say hello"},
    "script": "ZWNobyBoZWxsbw==",
    "scriptType": "sh",
}


@dataclass(slots=True)
class Found:
    """What became of it."""

    jobs: int
    days: int
    kills: int = 0
    starts: int = 0
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untold: int = 0
    unsettled: int = 0
    states: Counter[str] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        """Whether every start has its one run, and every run its one event."""
        return not (self.missing or self.doubled or self.untold or self.unsettled)

    def described(self) -> str:
        """The figures, in a line, and what is wrong, if anything."""
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        line = (
            f"schedulers: {self.kills} killed with -9, {self.jobs} jobs over {self.days} simulated days, "
            f"{self.starts} starts ({states}): {len(self.missing)} missing, {len(self.doubled)} doubled, "
            f"{self.untold} without one event, {self.unsettled} jobs not settled"
        )
        return "\n".join([line, *self.missing[:10], *self.doubled[:10]])


def prove(*, owner_url: str, jobs: int, kills: int, days: int, processes: int, seed: int, bug: str = "") -> Found:
    """Let `processes` schedulers work through `days`, kill one again and again, and compare with what should be."""
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    schedules = _furnish(random, jobs)
    found = Found(jobs=jobs, days=days)
    connections.close_all()
    with clock.simulated(owner_url, shown=BEGINS) as hands, _flock(processes, seed, bug) as flock:
        _pass_time(hands, flock, random, found, kills=kills, until=BEGINS + timedelta(days=days))
        _wait_settled(hands, found)
        ended = hands.shown
    _compare(schedules, ended, found)
    return found


def _furnish(random: Random, jobs: int) -> dict[str, calendars.Schedule]:
    """So many enabled jobs of one customer; id → schedule."""
    made = tenants.create_customer(
        name="chaos", username="chaos", password=_PASSWORD, email="chaos@example.com", at=timezone.now()
    )
    schedules = {}
    with acting_for(made.customer.pk):
        user = User.objects.get(username="chaos")
        assets = {zone: _asset(made.customer.pk, zone) for zone in calendars.ZONES}
        common = {"type": "Install", "platform": "Linux", "status": "Enabled"}
        for number in range(jobs):
            schedule = calendars.drawn(random, first=BEGINS.date())
            policy = random.choice(["Skip", "RunWithin", "AtNextContact"])
            body = common | {"name": f"job {number}", "missedRunPolicy": policy, "preDeployActions": [_SCRIPT]}
            body["assetIds"] = [assets[zone] for zone in schedule.machines or calendars.ZONES[:1]]
            job = deployments.create(customer_id=made.customer.pk, user=user, body=body | schedule.body, at=BEGINS)
            schedules[str(job.public_id)] = schedule
    return schedules


def _asset(customer_id: int, zone: str) -> str:
    """The id of a new machine whose clock is that zone's."""
    machine = Machine(name=zone, platform=Platform.LINUX, os_identifier=zone, package_manager="apt", timezone=zone)
    return str(inventory.register_asset(customer_id=customer_id, machine=machine, at=BEGINS).public_id)


# --- processes --------------------------------------------------------------------------------------------------------


class Flock:
    """Schedulers as processes: children of this one, which has everything imported and no connection open."""

    def __init__(self, size: int, seed: int, bug: str) -> None:
        self._seed, self._bug = seed, bug
        self._pids = [self._born() for _ in range(size)]

    def kill_one(self, random: Random) -> None:
        """With SIGKILL, wherever it is; another takes its place."""
        place = random.randrange(len(self._pids))
        _kill(self._pids[place])
        self._pids[place] = self._born()

    def end(self) -> None:
        """All of them."""
        for pid in self._pids:
            _kill(pid)

    def _born(self) -> int:
        self._seed += 1
        if pid := os.fork():
            return pid
        try:
            _tick_for_ever(self._seed, self._bug)
        finally:
            os._exit(1)


@contextmanager
def _flock(size: int, seed: int, bug: str) -> Iterator[Flock]:
    flock = Flock(size, seed, bug)
    try:
        yield flock
    finally:
        flock.end()


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _tick_for_ever(seed: int, bug: str) -> None:
    """What a worker does, by a database clock of ours and an application clock that is wrong by up to a day."""
    random = Random(seed)  # noqa: S311
    if bug:
        BUGS[bug]()
    connection.settings_dict["OPTIONS"] = {"options": f"-c search_path={clock.SEARCH_PATH.replace(' ', '')}"}
    right = timezone.now
    while True:
        wrong_by = timedelta(seconds=random.uniform(-86_400, 86_400))
        timezone.now = lambda wrong_by=wrong_by: right() + wrong_by  # type: ignore[misc]
        deployments.tick()
        time.sleep(random.uniform(0, 0.02))


# --- time -------------------------------------------------------------------------------------------------------------


def _pass_time(hands: clock.Clock, flock: Flock, random: Random, found: Found, *, kills: int, until: datetime) -> None:
    """Turn the clock on in uneven steps until the end, and spread the kills over them."""
    whole = until - hands.shown
    while hands.shown < until or found.kills < kills:
        if hands.shown < until:
            hands.turn(min(until - hands.shown, whole / max(kills, 1) * random.uniform(0.2, 1.8)))
        if found.kills < kills:
            time.sleep(random.choice([0.0, 0.005, 0.02, 0.1, 0.3]) * random.random())
            flock.kill_one(random)
            found.kills += 1


def _wait_settled(hands: clock.Clock, found: Found) -> None:
    """Until nothing is due any more by the simulated clock; no kills from here on."""
    ends = time.monotonic() + _SETTLED_SECONDS
    customer = _customer_id()
    while time.monotonic() < ends:
        with acting_for(customer):
            found.unsettled = Job.objects.filter(due_at__lte=hands.shown).count()
        if not found.unsettled:
            return
        time.sleep(0.2)


def _customer_id() -> int:
    with transaction.atomic():
        return tenants.authenticate(username="chaos", password=_PASSWORD).customer_id


# --- what should be ---------------------------------------------------------------------------------------------------


def _compare(schedules: dict[str, calendars.Schedule], ended: datetime, found: Found) -> None:
    ask = _asker()
    for job_id, schedule in schedules.items():
        should = schedule.starts(BEGINS, ended)
        rows = _told(ask, job_id, ended)
        told = [datetime.fromisoformat(row["scheduledDateTime"]) for row in rows if row["status"] != "Planned"]
        found.starts += len(told)
        found.states.update(row["status"] for row in rows)
        name = f"{schedule.body['scheduleType']} {job_id}"
        found.missing += [f"missing: {at} of {name}" for at in sorted(set(should) - set(told))]
        found.doubled += [f"doubled: {at} of {name}" for at, count in Counter(told).items() if count > 1]
        found.doubled += [f"one too many: {at} of {name}" for at in sorted(set(told) - set(should))]
    found.untold = _untold()


def _told(ask: Callable[[str], Any], job_id: str, ended: datetime) -> list[dict[str, Any]]:
    """All occurrences until the end, page by page, as the API tells them."""
    rows: list[dict[str, Any]] = []
    until = ended + timedelta(seconds=1)
    # By machines' clocks a start may come after one by the first clock on Earth, which names it, has passed.
    span = {"from": _text(BEGINS - timedelta(hours=26)), "to": _text(until), "pageSize": _PAGE}
    link = f"/pm/v1/deploymentjob/{job_id}/occurrences?{urlencode(span)}"
    while link:
        answer = ask(link)
        assert answer.status_code == 200, answer.content  # noqa: S101 - anything else is no proof
        rows += answer.json()
        links = [one for one in answer.headers["Link"].split(", ") if one.endswith('rel="next"')]
        link = links[0][links[0].index("/pm/") : links[0].index(">")] if links else ""
    return rows


def _asker() -> Callable[[str], Any]:
    with transaction.atomic():
        user = tenants.authenticate(username="chaos", password=_PASSWORD)
        token = tenants.sign_in(user=user, at=timezone.now()).access
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token}"})
    return client.get


def _untold() -> int:
    """How many runs have not exactly one event of how they began."""
    with acting_for(_customer_id()):
        runs: Sequence[int] = list(Run.objects.values_list("pk", flat=True))
        kinds = Event.objects.filter(kind__in=["run.opened", "run.missed"])
        told = Counter(kinds.values_list("run_id", flat=True))
    return sum(told[pk] != 1 for pk in runs)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
