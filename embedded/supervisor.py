"""The whole service as processes of this machine: started in order, watched, restarted, stopped.

Order: servers, tables, then web, worker, signer, relay and beat. One thread and one loop: a guard lives as long as the
thread that started it.

``state.json`` says at any time what runs (see ``Supervisor.state``); tests kill processes by the pids in it.
"""

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from embedded import environment, guard, keeper, ports, process
from embedded.errors import EmbeddedError
from embedded.files import ROOT, make_private_folder, open_lock, read_json, try_lock, wait_lock, write_json
from embedded.programs import Program, manage, programs, unprivileged

STATE = "state.json"
FIRST_SIGN_IN = "first-sign-in.json"
USUAL_PORT = 8000
LOOK_EVERY = 0.1  # seconds
SLOWEST_RESTART = 5.0  # seconds
SETTLED = 10.0  # seconds after which an earlier crash is forgotten
ASK_FOR_TICKS_EVERY = 15.0  # seconds
SILENT = 60.0  # seconds without a tick, after which a worker that lives is taken for one that does nothing


@dataclass
class Child:
    """One program, and the process that runs it now."""

    program: Program
    running: process.Guarded | None = None
    started_at: float = 0.0
    restarts: int = 0
    failures: int = 0
    start_at: float = 0.0

    def note_end(self, now: float) -> None:
        """It ended: when to start it again."""
        self.running = None
        self.restarts += 1
        self.failures = 0 if now - self.started_at > SETTLED else self.failures + 1
        self.start_at = now + min(0.1 * 2**self.failures, SLOWEST_RESTART) if self.failures else now


@dataclass
class Supervisor:
    """What runs for one data folder."""

    data_dir: Path
    port: int
    hold: int
    servers: list[str] = field(default_factory=list)
    children: dict[str, Child] = field(default_factory=dict)
    phase: str = "starting"
    stops: int = 0
    asked_at: float = 0.0
    written: dict[str, Any] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    # --- starting ---------------------------------------------------------------------------------------------------

    def start(self, *, first_sign_in: bool) -> None:
        """Servers, tables, first customer, then our processes.

        :raises EmbeddedError: one of the steps failed; the message ends with its log.
        """
        os.environ.setdefault("PUBLIC_URL", self.base_url)
        self.servers = environment.missing_servers(os.environ)
        environment.prepare(data_dir=self.data_dir, quiet=True)
        self.write_state()
        say("Postgres and the broker answer.")
        self.run_once("migrate", *manage("migrate", "--no-input"))
        say("The tables are up to date.")
        if first_sign_in and "postgres" in self.servers:
            self.make_first_sign_in()
        for program in programs(env=os.environ, port=self.port):
            self.children[program.name] = Child(program)

    def run_once(self, name: str, *command: str) -> None:
        """Run a command to its end as the role that owns the tables; its output goes to its log."""
        log = self.data_dir / "logs" / f"{name}.log"
        env = unprivileged(os.environ) | {"DATABASE_OWNER_URL": os.environ.get("DATABASE_OWNER_URL", "")}
        running = process.start(name=name, command=command, log=log, env=env, hold=[self.hold])
        while (code := running.ended()) is None:
            if self.stops:
                running.stop()
            time.sleep(0.02)
        if code != 0 and not self.stops:
            raise EmbeddedError(f"{name} failed; the end of {log}:\n{process.tail(log, lines=30)}")

    def make_first_sign_in(self) -> None:
        """On a fresh data folder: a customer and its administrator, whose password is written down and told."""
        path = self.data_dir / FIRST_SIGN_IN
        if path.exists() or self.stops:
            return
        password = secrets.token_urlsafe(12)
        made = subprocess.run(
            manage("create_customer", "First customer", "--admin", "admin", "--password", "-"),
            # Not among the arguments, where everybody on the machine could read it.
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        if made.returncode != 0:
            raise EmbeddedError(f"The first customer could not be made:\n{made.stderr}")
        write_json(path, {**json.loads(made.stdout), "password": password})

    # --- watching ---------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Keep everything running until somebody asks to stop."""
        while not self.stops:
            self.look_after_servers()
            for child in self.children.values():
                self.look_after(child)
            self.look_for_ticks()
            if self.phase == "starting" and self.is_ready():
                self.phase = "running"
                self.announce()
            self.write_state()
            time.sleep(LOOK_EVERY)

    def look_after_servers(self) -> None:
        """The keeper restarts its servers; if it is dead itself, it gets a successor."""
        if self.servers and self.keeper_pid() is None:
            say("The servers' keeper has ended; another one starts.", error=True)
            with suppress(EmbeddedError):
                environment.ensure(data_dir=self.data_dir, names=self.servers, quiet=True)
            for pid in self.strays():
                # The guards of the old one, which came to us; they have ended, or the new one would still wait.
                os.waitpid(pid, os.WNOHANG)

    def keeper_pid(self) -> int | None:
        """The living keeper, or None."""
        state = read_json(self.data_dir / keeper.STATE)
        if state is None or not process.is_alive(state["keeper"]):
            return None
        return int(state["keeper"])

    def look_after(self, child: Child) -> None:
        """Notice an end; start it when its time has come."""
        now = time.monotonic()
        if child.running is not None and (code := child.running.ended()) is not None:
            say(f"{child.program.name} ended with code {code}; it is started again.", error=True)
            if code < 0:
                self.kill_strays()
            child.note_end(now)
        if child.running is None and now >= child.start_at:
            child.started_at = now
            child.running = process.start(
                name=child.program.name,
                command=child.program.command,
                log=self.data_dir / "logs" / f"{child.program.name}.log",
                env=child.program.env,
                hold=[self.hold],
            )

    def look_for_ticks(self) -> None:
        """Replace a worker that lives and does nothing: one that has reconnected may consume no more."""
        now = time.monotonic()
        worker = self.children.get("worker")
        if worker is None or worker.running is None or now - self.asked_at < ASK_FOR_TICKS_EVERY:
            return
        self.asked_at = now
        silent = (self.ask_readiness() or {}).get("tickedSecondsAgo")
        if silent is not None and silent > SILENT and now - worker.started_at > SILENT:
            say(f"No tick for {silent:.0f} s; the worker is replaced.", error=True)
            os.kill(worker.running.pid, signal.SIGKILL)

    def kill_strays(self) -> None:
        """A guard was killed, and what it guarded was handed to us: kill that too."""
        while strays := self.strays():
            for pid in strays:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):
                    os.waitpid(pid, 0)

    def strays(self) -> list[int]:
        """Our children that we did not start."""
        ours = {child.running.guard.pid for child in self.children.values() if child.running} | {self.keeper_pid()}
        return [pid for pid in guard.children_of(os.getpid()) if pid not in ours]

    def is_ready(self) -> bool:
        """All processes run, and the web says so of itself and of what it needs."""
        if any(child.running is None for child in self.children.values()):
            return False
        return self.ask_readiness() is not None

    def ask_readiness(self) -> dict[str, Any] | None:
        """What /readyz answers, or None while the web is not ready."""
        connection = http.client.HTTPConnection(ports.LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return dict(json.load(answer)) if answer.status == http.HTTPStatus.OK else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def announce(self) -> None:
        """Say where the service is, and who may sign in first."""
        say(f"The service answers at {self.base_url} (logs in {self.data_dir / 'logs'}). Ctrl-C stops it.")
        if sign_in := read_json(self.data_dir / FIRST_SIGN_IN):
            say(f"First sign-in: {sign_in['username']} with password {sign_in['password']}")

    # --- telling ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """``phase`` is starting, running or stopping; ``children`` is name → pid (null while down), port, restarts."""
        servers = (read_json(self.data_dir / keeper.STATE) or {}).get("servers", {})
        ours = {
            name: {"pid": child.running.pid if child.running else None, "restarts": child.restarts}
            for name, child in self.children.items()
        }
        if "web" in ours:
            ours["web"]["port"] = self.port
        return {
            "phase": self.phase,
            "supervisor": os.getpid(),
            "base_url": self.base_url,
            "children": {**servers, **ours},
        }

    def write_state(self) -> None:
        """Write the state if it has changed."""
        state = self.state()
        if state != self.written:
            write_json(self.data_dir / STATE, state)
            self.written = state

    # --- stopping ---------------------------------------------------------------------------------------------------

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stops += 1

    def stop(self) -> None:
        """Stop ours and wait; a second signal means at once. The keeper stops servers that nobody else uses."""
        self.phase = "stopping"
        self.write_state()
        running = [child.running for child in self.children.values() if child.running]
        told = 0
        while any(one.ended() is None for one in running):
            if told < min(self.stops or 1, 2):
                told += 1
                for one in running:
                    one.stop()
            time.sleep(0.05)
        self.release_servers()
        (self.data_dir / STATE).unlink(missing_ok=True)

    def release_servers(self) -> None:
        """Give our lease back, and wait for the servers to be gone, though not long: others may use them."""
        environment.give_leases_back()
        lock = open_lock(self.data_dir / keeper.LOCK)
        wait_lock(lock, seconds=3)
        os.close(lock)


def run(*, data_dir: Path, port: int | None = None, first_sign_in: bool = True, parent: int | None = None) -> int:
    """Run the service until SIGTERM or SIGINT; 0.

    :param port: None takes ``$PORT``, or 8000 if it is free, or a port of this folder's own; 0 takes the latter.
    :param parent: stop when this process, which must be our parent, ends.
    :raises EmbeddedError: it runs already, the port is taken, or a step of the start failed.
    """
    make_private_folder(data_dir)
    only = open_lock(data_dir / "run.lock")
    if not try_lock(only):
        known = read_json(data_dir / STATE) or {}
        raise EmbeddedError(f"The service of {data_dir} runs already: {known.get('base_url', 'it is just starting')}")
    supervisor = Supervisor(data_dir=data_dir, port=0, hold=wait_for_leftovers(data_dir))
    supervisor.port = choose_port(data_dir, port)
    prepare_process(supervisor, parent)
    try:
        supervisor.start(first_sign_in=first_sign_in)
        supervisor.watch()
    finally:
        supervisor.stop()
        os.close(only)
    return 0


def wait_for_leftovers(data_dir: Path) -> int:
    """The lock that our guards hold: after a killed supervisor its processes may take a moment to go."""
    lock = open_lock(data_dir / "children.lock")
    if not wait_lock(lock, seconds=30):
        raise EmbeddedError(f"Processes of an earlier run in {data_dir} do not end.")
    return lock


def choose_port(data_dir: Path, asked: int | None) -> int:
    """The port to serve on.

    :raises EmbeddedError: a port was asked for by number and is taken.
    """
    wanted = asked if asked is not None else int(os.environ.get("PORT") or USUAL_PORT)
    if wanted and ports.is_free(wanted):
        return wanted
    if wanted and (asked is not None or os.environ.get("PORT")):
        raise EmbeddedError(f"Port {wanted} on {ports.LOOPBACK} is taken.")
    own = ports.kept(data_dir / "web.port")
    return own if ports.is_free(own) else ports.choose(data_dir / "web.port")


def prepare_process(supervisor: Supervisor, parent: int | None) -> None:
    """Signals end the loop; orphans come to us; with a parent given, its death is a SIGTERM."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.on_signal)
    guard.prctl(guard.PR_SET_CHILD_SUBREAPER, 1)
    if parent is not None:
        guard.prctl(guard.PR_SET_PDEATHSIG, signal.SIGTERM)
        # It may have died before we asked to be told.
        supervisor.stops += int(os.getppid() != parent)


def say(text: str, *, error: bool = False) -> None:
    """One line for the person at the terminal, at once; nobody may be there to read it any more."""
    with suppress(OSError):
        print(text, file=sys.stderr if error else sys.stdout, flush=True)
