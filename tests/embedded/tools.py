"""What these tests share. Everything runs in processes of its own: nothing here needs Django."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from embedded import environment, keeper
from embedded.files import ROOT, read_json
from embedded.guard import children_of
from embedded.process import is_alive
from embedded.service import inherited

EMBEDDED = (sys.executable, "-m", "embedded")


def clean_env(data_dir: Path, **more: str) -> dict[str, str]:
    """An environment in which nobody has said which servers to use."""
    return {**inherited(), "DATA_DIR": str(data_dir), **more}


def run(data_dir: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, from the root of the repository."""
    return subprocess.run(
        command, env=clean_env(data_dir, **env), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def using_servers(
    data_dir: Path, *, before: Sequence[str] = (), python: str = sys.executable, **env: str
) -> Iterator[int]:
    """Servers in use by a process that does nothing else; gives its pid, and kills it at the end."""
    command = [*before, python, "-m", "embedded", "exec", "sh", "-c", "echo ready; exec sleep 600"]
    user = subprocess.Popen(
        command, env=clean_env(data_dir, **env), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert user.stdout.readline() == "ready\n", user.communicate()
        yield user.pid
    finally:
        user.kill()
        user.communicate()


def servers(data_dir: Path) -> dict[str, int]:
    """Name → pid of the servers that run for this folder."""
    state = read_json(data_dir / keeper.STATE) or {"servers": {}}
    return {name: server["pid"] for name, server in state["servers"].items()}


def connect(data_dir: Path, variable: str = "DATABASE_OWNER_URL") -> "psycopg2.extensions.connection":
    """A connection that commits each statement; the caller closes it."""
    connection = psycopg2.connect(environment.values(data_dir, keeper.NAMES)[variable], connect_timeout=5)
    connection.autocommit = True
    return connection


def query(data_dir: Path, sql: str, variable: str = "DATABASE_OWNER_URL") -> list[tuple]:
    """The rows of one statement, by a connection of its own."""
    connection = connect(data_dir, variable)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def wait_until(holds: Callable[[], bool], *, seconds: float = 15) -> None:
    """Return as soon as it holds; fails the test when it does not in time."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"did not happen within {seconds} s"
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    """All that a process has started, and what these have started."""
    return [found for child in children_of(pid) for found in (child, *descendants(child))]


def all_gone(pids: Sequence[int]) -> bool:
    """Whether none of these processes lives."""
    return not any(is_alive(pid) for pid in pids)


def python_for(user: int) -> str | None:
    """A Python 3.11 which that user can run with our packages, or None. Only root may ask."""
    for python in (sys.executable, "/usr/bin/python3.11", "/usr/local/bin/python3.11"):
        become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        # By way of a shell: setpriv itself may still start what that user may not.
        probe = [*become, "sh", "-c", '"$0" -c "import psycopg2"', python]
        with_packages = {"PATH": os.defpath, "PYTHONPATH": packages()}
        try:
            if subprocess.run(probe, env=with_packages, cwd=ROOT, capture_output=True, check=False).returncode == 0:
                return python
        except OSError:
            return None
    return None


def packages() -> str:
    """Where our packages are installed."""
    return str(Path(psycopg2.__file__).parent.parent)
