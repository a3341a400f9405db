"""The environment that settings read: complete on a fresh clone, untouched where an operator has said what to use.

Outside production, each of Postgres and the broker whose address is not given is found or started, and each secret
that is not given comes from the data folder. In production (``DEPLOYMENT_MODE`` other than development, or a
``DATABASE_URL`` and no ``DEPLOYMENT_MODE``) nothing is touched: settings then say what is missing.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from embedded import keeper, process, secrets
from embedded.broker import Broker
from embedded.errors import EmbeddedError
from embedded.files import ROOT, data_folder, locked, make_private_folder, open_lock, read_json
from embedded.postgres import Postgres

# Which role connects under which name. DATABASE_URL is a worker's: that is whose work a command does.
DATABASE_URLS = {
    "DATABASE_URL": "patch_worker",
    "DATABASE_WEB_URL": "patch_web",
    "DATABASE_OWNER_URL": "patch_owner",
    "DATABASE_SIGNER_URL": "patch_signer",
}
# Two numbered databases of one server: queues, and hints with an end.
BROKER_URLS = {"BROKER_URL": 0, "REDIS_URL": 1}
SECRETS = ("SECRET_KEY", "JWT_SECRET", "MANIFEST_KEY_SECRET")
START_SECONDS = 90.0
# The descriptors of our leases, one per data folder, open until this process ends.
leases: dict[Path, int] = {}


def prepare(
    *,
    data_dir: Path | None = None,
    environ: MutableMapping[str, str] = os.environ,
    start: bool = True,
    quiet: bool = False,
) -> None:
    """Fill in what is missing in ``environ``; servers run at least as long as this process.

    :param start: False gives addresses and secrets alone, for a command that asks no server anything.
    :param quiet: do not say on stderr that servers were started.
    :raises EmbeddedError: a server is needed and does not start.
    """
    names = missing_servers(environ)
    if not is_development(environ) or not (names or any(name not in environ for name in SECRETS)):
        return
    folder = make_private_folder(data_dir or data_folder(environ))
    if start and names:
        ensure(data_dir=folder, names=names, quiet=quiet)
    for name, value in values(folder, names).items():
        environ.setdefault(name, value)
    environ["DATA_DIR"] = str(folder)


def is_development(environ: Mapping[str, str]) -> bool:
    """Whether we may help ourselves: said so, or nothing was said at all."""
    mode = environ.get("DEPLOYMENT_MODE") or ("production" if environ.get("DATABASE_URL") else "development")
    return mode == "development"


def missing_servers(environ: Mapping[str, str]) -> list[str]:
    """Which of our servers are needed: those whose address nobody gave."""
    given = {"postgres": environ.get("DATABASE_URL"), "broker": environ.get("BROKER_URL")}
    return [name for name in keeper.NAMES if not given[name]]


def values(data_dir: Path, names: Sequence[str]) -> dict[str, str]:
    """Variable → value: the secrets of this folder, and the addresses of these servers, running or not."""
    known = secrets.load(data_dir)
    found = {"DEPLOYMENT_MODE": "development", **{name: known[name] for name in SECRETS}}
    if "postgres" in names:
        postgres = Postgres(data_dir=data_dir, secrets=known)
        found |= {name: postgres.url(role) for name, role in DATABASE_URLS.items()}
    if "broker" in names:
        broker = Broker(data_dir=data_dir, secrets=known)
        found |= {name: broker.url(database=number) for name, number in BROKER_URLS.items()}
    return found


def ensure(*, data_dir: Path, names: Sequence[str] = keeper.NAMES, quiet: bool = False) -> None:
    """Return when these servers answer, started here if nobody had; they then live at least as long as this process.

    :raises EmbeddedError: one does not start.
    """
    take_lease(data_dir)
    with locked(data_dir / "start.lock"):
        if not are_running(data_dir, names):
            started = time.monotonic()
            start_keeper(data_dir, names)
            if not quiet:
                seconds = time.monotonic() - started
                print(f"Started embedded {' and '.join(names)} in {data_dir} ({seconds:.1f} s).", file=sys.stderr)


def take_lease(data_dir: Path) -> None:
    """Tell the keeper, until this process ends, that its servers are in use; waits for one that is just stopping."""
    if data_dir not in leases:
        descriptor = open_lock(data_dir / keeper.USERS)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        leases[data_dir] = descriptor


def give_leases_back() -> None:
    """Say that this process uses no servers any more."""
    while leases:
        os.close(leases.popitem()[1])


def are_running(data_dir: Path, names: Sequence[str]) -> bool:
    """Whether a keeper lives that keeps all of these; a server it is restarting just now is waited for."""
    state = read_json(data_dir / keeper.STATE)
    if state is None or not process.is_alive(state["keeper"]):
        return False
    if missing := set(names) - set(state["servers"]):
        absent = " and ".join(missing)
        raise EmbeddedError(f"Servers run in {data_dir} without {absent}: stop the command that started them.")
    return all(wait_answers(keeper.server(name, data_dir=data_dir)) for name in names)


def wait_answers(server: keeper.Server, *, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not server.answers():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def start_keeper(data_dir: Path, names: Sequence[str]) -> None:
    """Start ``python -m embedded keep`` on its own feet and wait until its servers answer.

    :raises EmbeddedError: with the end of its log.
    """
    (data_dir / keeper.STATE).unlink(missing_ok=True)
    log = data_dir / "logs" / "keeper.log"
    with process.open_log(log) as output:
        # Not our terminal, not our pipes, not our session: it outlives us for a moment, or longer if others came.
        running = subprocess.Popen(
            [sys.executable, "-m", "embedded", "keep", *names],
            env={**os.environ, "DATA_DIR": str(data_dir)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    until = time.monotonic() + START_SECONDS
    while read_json(data_dir / keeper.STATE) is None:
        if running.poll() is not None or time.monotonic() > until:
            running.terminate()
            raise EmbeddedError(f"The embedded servers did not start; the end of {log}:\n{process.tail(log)}")
        time.sleep(0.02)
    # Not ours to wait for: without this, Popen warns of a child still running when it is collected.
    running.returncode = 0
