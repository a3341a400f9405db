"""Somebody's scripts that start jobs all the time, and ask again with the same key where no answer came."""

import http.client
import json
import time
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from uuid import uuid4

from chaos.processes.patience import AWAY
from chaos.processes.world import Customer

_TIMEOUT_SECONDS = 10
_PATIENCE = 300.0
_TOO_OFTEN = 0.15  # of all requests are sent once more though they were answered
_FINAL = {"Completed", "Canceled", "Missed", "Skipped"}


@dataclass
class Load:
    """Starts the jobs of one customer in a thread, each again once its last run has ended. `asked`: job → key → run."""

    customer: Customer
    random: Random
    asked: dict[str, dict[str, int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _stop: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = Thread(target=self._work, name=f"load of {self.customer.name}")
        self._thread.start()

    def stop(self) -> None:
        """Begin no more; the one that was asked for is asked for until it is answered."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    @property
    def starts(self) -> int:
        """How many were answered."""
        return sum(map(len, self.asked.values()))

    def _work(self) -> None:
        installs = list(self.customer.installs)
        while not self._stop.is_set():
            if installs and self.random.random() < 0.2:
                self._ask(installs.pop())
            for job in self.customer.started_by_hand:
                if not self._stop.is_set() and self._is_idle(job):
                    self._ask(job)
            self._stop.wait(0.3)

    def _is_idle(self, job: str) -> bool:
        last = max(self.asked.get(job, {}).values(), default=0)
        if not last:
            return True
        try:
            run = self.customer.client.get(f"/pm/v1/deploymentjob/{job}/runs/{last}")
        except (*AWAY, RuntimeError):
            return False
        return run["state"] in _FINAL

    def _ask(self, job: str) -> None:
        key = uuid4().hex
        end = time.monotonic() + _PATIENCE
        while (instance := self._start(job, key)) is None:
            if time.monotonic() > end:
                self.wrong.append(f"a start of {job} was not answered for {_PATIENCE:.0f} s")
                return
            time.sleep(0.5)
        self.asked.setdefault(job, {})[key] = instance
        if self.random.random() < _TOO_OFTEN and (again := self._start(job, key)) not in {None, instance}:
            self.wrong.append(f"a start of {job} was answered {instance}, and when asked again {again}")

    def _start(self, job: str, key: str) -> int | None:
        """The run's number, or None where no answer came. What is refused for good is a mistake."""
        client = self.customer.client
        connection = http.client.HTTPConnection(client.base_url.removeprefix("http://"), timeout=_TIMEOUT_SECONDS)
        try:
            headers = {"Authorization": f"Bearer {client.token}", "Idempotency-Key": key, "Content-Length": "0"}
            connection.request("POST", f"/pm/v1/deploymentjob/{job}/run", headers=headers)
            answer = connection.getresponse()
            body = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            return None
        if answer.status != http.client.ACCEPTED:
            self.wrong.append(f"a start of {job} was answered {answer.status}: {body}")
            return 0
        return int(body["jobInstanceId"])
