"""The whole service for a test or the demo: ``with service(data_dir=…) as running: running.base_url``."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from embedded import environment, process
from embedded.errors import EmbeddedError
from embedded.files import ROOT, make_private_folder, read_json
from embedded.supervisor import STATE

Found = TypeVar("Found")


@dataclass
class Running:
    """A service that a supervisor, a process of its own, keeps running."""

    data_dir: Path
    supervisor: subprocess.Popen[bytes]

    @property
    def log(self) -> Path:
        """What the supervisor said."""
        return self.data_dir / "logs" / "supervisor.log"

    def state(self) -> dict[str, Any]:
        """The supervisor's state file (see ``Supervisor.state``); empty before it starts and after it has stopped."""
        found = read_json(self.data_dir / STATE) or {}
        # A supervisor that was killed leaves its own behind, which says that everything runs.
        return found if found.get("supervisor") == self.supervisor.pid else {}

    @property
    def base_url(self) -> str:
        """Like ``http://127.0.0.1:8000``, without a slash at its end.

        :raises EmbeddedError: it is not there yet, or no more.
        """
        try:
            return str(self.state()["base_url"])
        except KeyError:
            raise EmbeddedError("The service does not run.") from None

    def pid(self, name: str) -> int | None:
        """The process of web, worker, signer, relay, beat, postgres or broker; None while it is down."""
        pid = self.state().get("children", {}).get(name, {}).get("pid")
        return None if pid is None else int(pid)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process by name; its pid.

        :raises EmbeddedError: it is down just now.
        """
        pid = self.pid(name)
        if pid is None:
            raise EmbeddedError(f"{name} does not run.")
        os.kill(pid, number)
        return pid

    def wait_restarted(self, name: str, *, instead_of: int, seconds: float = 30) -> int:
        """The pid of the process that took the place of an earlier one."""
        return self.wait_for(lambda: None if (pid := self.pid(name)) == instead_of else pid, seconds, name)

    def wait_ready(self, *, seconds: float = 90) -> None:
        """Return when everything was started and the web answered /readyz.

        :raises EmbeddedError: it ended, or took too long; with the end of its log.
        """
        self.wait_for(lambda: self.state().get("phase") == "running" or None, seconds, "the service")

    def wait_for(self, look: Callable[[], Found | None], seconds: float, what: str) -> Found:
        """What ``look`` gives as soon as that is not None."""
        until = time.monotonic() + seconds
        while (found := look()) is None:
            if self.supervisor.poll() is not None or time.monotonic() > until:
                raise EmbeddedError(f"{what} is not up; the end of {self.log}:\n{process.tail(self.log)}")
            time.sleep(0.02)
        return found

    def stop(self, *, seconds: float = 20) -> int:
        """Stop everything in order; the supervisor's exit code."""
        if self.supervisor.poll() is None:
            self.supervisor.terminate()
        try:
            return self.supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            return self.supervisor.wait(seconds)


@contextmanager
def service(
    *, data_dir: Path, port: int | None = None, env: Mapping[str, str] | None = None, wait: bool = True
) -> Iterator[Running]:
    """Start the service on servers of its own and stop it at the end; it does not outlive the calling thread.

    :param port: None takes a port that this data folder keeps from start to start.
    :param env: added to the environment, for instance ``{"EMAIL_PORT": "2525"}``.
    :param wait: return only when it is ready.
    """
    running = start(data_dir=data_dir, port=port, env=env or {})
    try:
        if wait:
            running.wait_ready()
        yield running
    finally:
        running.stop()


def start(*, data_dir: Path, port: int | None, env: Mapping[str, str]) -> Running:
    """Start the supervisor as a child of this thread."""
    folder = make_private_folder(data_dir.resolve())
    with process.open_log(folder / "logs" / "supervisor.log") as output:
        supervisor = subprocess.Popen(
            [
                *(sys.executable, "-m", "embedded", "run", "--no-first-sign-in", "--port", str(port or 0)),
                *("--parent", str(os.getpid())),
            ],
            env={**inherited(), **env, "DATA_DIR": str(folder)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Running(data_dir=folder, supervisor=supervisor)


def inherited() -> dict[str, str]:
    """Our environment without the servers and secrets that this process uses itself."""
    own = {*environment.DATABASE_URLS, *environment.BROKER_URLS, *environment.SECRETS, "DEPLOYMENT_MODE", "PORT"}
    return {name: value for name, value in os.environ.items() if name not in own}
