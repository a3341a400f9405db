"""Hosts for rehearsals: private package roots on this machine, and real agents that look after them."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import IO

from demo.repositories import Repository
from hostagent import host as agents
from hostagent.rebooters import Rehearsed

_PR_SET_PDEATHSIG = 1
_SOURCES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Host:
    """A folder that plays a machine. `kind` is `apt`, `dnf` or `zypper`."""

    name: str
    root: Path
    kind: str

    @property
    def ledger(self) -> Path:
        """Where the packages' scripts note each configure."""
        return self.root / "opt" / "acme" / "history"

    @property
    def legacy_file(self) -> Path:
        """While this exists, builds that refuse legacy configuration fail here."""
        return self.root / "etc" / "acme" / "legacy.conf"


def make_host(
    folder: Path, *, name: str, repository: Repository, installed: Sequence[str] = (), legacy: bool = False
) -> Host:
    """Make a host in `folder` that uses `repository`, with packages installed (`acme-app=1.0`).

    `legacy` puts the file there with which builds that refuse legacy configuration fail. Its ledger starts empty.
    """
    host = Host(name=name, root=folder.resolve(), kind=repository.kind)
    _make_identity(host)
    {"apt": _make_apt, "dnf": _make_dnf, "zypper": _make_zypper}[host.kind](host, repository)
    if installed:
        install(host, *installed)
    host.ledger.unlink(missing_ok=True)
    if legacy:
        host.legacy_file.parent.mkdir(parents=True, exist_ok=True)
        host.legacy_file.write_text("format = 1\nlisten = 0.0.0.0:8080\nold-directive = yes\n")
    return host


def install(host: Host, *wanted: str) -> None:
    """Install packages (`acme-app=1.0`) behind the agent's back."""
    if host.kind == "apt":
        _call(host, ["apt-get", "-q", "update"])
        _call(host, ["apt-get", "-q", "-y", "--allow-downgrades", "install", *wanted])
        return
    if host.kind == "zypper":
        _call(host, [*_zypper(host), "--quiet", "refresh"])
        _call(host, [*_zypper(host), "--quiet", "install", "--no-recommends", *wanted])
        return
    _call(host, [*_dnf(host), "--refresh", "install", *(name.replace("=", "-") for name in wanted)])


def installed_version(host: Host, package: str) -> str | None:
    """The version that dpkg or rpm themselves name; None when it is not installed, or not whole."""
    if host.kind == "apt":
        form = "${db:Status-Status} ${Version}"
        command = ["dpkg-query", f"--admindir={host.root}/var/lib/dpkg", "-W", f"-f={form}", package]
        status, _, version = _answer(host, command).partition(" ")
        return version if status == "installed" else None
    return _answer(host, [*_as_root(), "rpm", "--root", str(host.root), "-q", "--qf", "%{VERSION}", package]) or None


def package_state(host: Host, package: str) -> str:
    """dpkg's own word (`installed`, `half-configured`, …); of rpm `installed` or `not-installed`."""
    if host.kind == "apt":
        command = ["dpkg-query", f"--admindir={host.root}/var/lib/dpkg", "-W", "-f=${db:Status-Status}", package]
        return _answer(host, command) or "not-installed"
    return "installed" if installed_version(host, package) else "not-installed"


def history(host: Host) -> list[str]:
    """Every configure of a package since the host was made: `configured acme-app 2.0`."""
    return host.ledger.read_text().splitlines() if host.ledger.exists() else []


def restart(host: Host) -> None:
    """Restart the host behind the agent's back."""
    subprocess.run(Rehearsed(agents.Host(host.root), seconds=0).command(), check=True)


def restarts(host: Host) -> int:
    """How often the host has restarted."""
    log = host.root / "var" / "log" / "restarts"
    return len(log.read_text().splitlines()) if log.exists() else 0


class AgentFailed(RuntimeError):
    """The agent's program ended with an error; the text is what it printed."""


class Agent:
    """A real agent process for one host. Also a context manager that stops it.

    The process dies with the thread that started it (PDEATHSIG): start it from a thread that lives long enough.
    `restarts_in`: seconds that a restart of the host takes; None where it cannot restart.
    """

    def __init__(
        self,
        host: Host,
        home: Path,
        *,
        python: str = sys.executable,
        restarts_in: float | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """`options` are further ones of the agent's `run`."""
        self.host = host
        self._restarts_in = restarts_in
        self.home = home.resolve()
        self._python = python
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def log(self) -> Path:
        """The agent's own log."""
        return self.home / "agent.log"

    @property
    def journal(self) -> Path:
        """The agent's journal."""
        return self.home / "journal.jsonl"

    @property
    def output(self) -> Path:
        """What the process printed, over all its lives."""
        return self.home / "agent.out"

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def enrol(self, url: str, activation_key: str) -> None:
        """Enrol at the server. AgentFailed when it refuses."""
        command = self._command("enrol", url, activation_key)
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise AgentFailed(done.stderr)

    def start(self) -> None:
        """Start it; a no-op while it runs."""
        if self.pid:
            return
        with self.output.open("ab") as output:
            self._process = self._spawn(["run", *self._rehearsal()], output)

    def run_once(self) -> None:
        """Let it check in, do what there is to do, report, and end. AgentFailed when it ends badly."""
        with self.output.open("ab") as output:
            code = self._spawn(["run", "--once", *self._rehearsal()], output).wait()
        if code:
            raise AgentFailed(self.output.read_text(errors="replace"))

    def stop(self, timeout: float = 30) -> None:
        """End it in good order: it finishes the step that it is in. Killed after `timeout` seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """kill -9. What it had started may go on; its next life waits for that."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self, verb: str, *arguments: str) -> list[str]:
        places = ["--home", str(self.home), "--root", str(self.host.root)]
        return [self._python, "-m", "hostagent", verb, *arguments, *places]

    def _rehearsal(self) -> list[str]:
        restarts = [] if self._restarts_in is None else ["--rehearse-restarts", str(self._restarts_in)]
        return [*restarts, *self._options]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(_SOURCES)}

    def _spawn(self, arguments: list[str], output: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self._command(*arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # In a session of its own: Ctrl-C in the demo's terminal reaches the demo, which stops the agents in order.
            start_new_session=True,
            preexec_fn=_dies_with_parent(),  # noqa: PLW1509 - one system call, with the library loaded beforehand
        )


def _dies_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the call; then the signal will never come.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _make_identity(host: Host) -> None:
    etc = host.root / "etc"
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "hostname").write_text(host.name + "\n")
    # The same host made again is the same machine.
    machine = uuid.uuid5(uuid.NAMESPACE_DNS, f"{host.name}.{socket.gethostname()}.{host.root}")
    (etc / "machine-id").write_text(machine.hex + "\n")
    like = {"apt": "Debian GNU/Linux 12", "dnf": "Enterprise Linux 9", "zypper": "SUSE Linux 15"}[host.kind]
    name, version = like.rsplit(" ", 1)
    (etc / "os-release").write_text(f'NAME="{name}"\nVERSION_ID="{version}"\nPRETTY_NAME="{like}"\n')
    (etc / "timezone").write_text("Etc/UTC\n")


def _make_apt(host: Host, repository: Repository) -> None:
    root = host.root
    for name in (
        *("etc/apt/apt.conf.d", "etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d"),
        *("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt", "tmp", "usr/lib", "opt"),
        *(f"var/lib/dpkg/{part}" for part in ("info", "updates", "triggers", "alternatives")),
    ):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    (root / "etc/apt/sources.list").write_text(f"deb [trusted=yes] file:{repository.folder} ./\n")
    (root / "etc/apt/apt.conf").write_text(_apt_conf(root))


def _apt_conf(root: Path) -> str:
    options = f"--root={root} --force-not-root --force-script-chrootless --force-bad-path --log={root}/var/log/dpkg.log"
    listed = " ".join(f'"{option}";' for option in [*options.split(), "--force-confold"])
    return dedent(f"""\
        Dir "{root}/";
        Dir::State::status "{root}/var/lib/dpkg/status";
        Dir::Bin::methods "/usr/lib/apt/methods";
        Dir::Bin::dpkg "/usr/bin/dpkg";
        Dir::Bin::solvers:: "/usr/lib/apt/solvers";
        Dir::Bin::planners:: "/usr/lib/apt/planners";
        DPkg::Options {{ {listed} }};
        DPkg::Path "/usr/sbin:/usr/bin:/sbin:/bin";
        DPkg::Use-Pty "false";
        Dir::Cache::pkgcache "";
        Dir::Cache::srcpkgcache "";
        APT::Sandbox::User "";
        APT::Get::Assume-Yes "true";
        APT::Install-Recommends "false";
        Acquire::Languages "none";
        """)


def _make_dnf(host: Host, repository: Repository) -> None:
    root = host.root
    for name in ("etc/yum.repos.d", "var/log", "var/cache/dnf", "var/lib/rpm", "root", "opt", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    main = {
        "plugins": 0,
        "gpgcheck": 0,
        "install_weak_deps": 0,
        "module_platform_id": "platform:el9",
        "reposdir": root / "etc/yum.repos.d",
        "cachedir": root / "var/cache/dnf",
        "logdir": "/var/log",
        "persistdir": "/var/lib/dnf",
        "metadata_expire": 0,
    }
    lines = "".join(f"{name}={value}\n" for name, value in main.items())
    (root / "etc/dnf.conf").write_text(f"[main]\n{lines}")
    source = f"[acme]\nname=acme\nbaseurl=file://{repository.folder}\n"
    (root / "etc/yum.repos.d/acme.repo").write_text(source)
    # Debian's rpm keeps the database under $HOME, unless the macros found there say otherwise.
    (root / "root/.rpmmacros").write_text("%_dbpath /var/lib/rpm\n")


def _make_zypper(host: Host, repository: Repository) -> None:
    for name in ("etc/zypp/repos.d", "var/log", "var/lib/rpm", "root", "opt", "tmp"):
        (host.root / name).mkdir(parents=True, exist_ok=True)
    source = "[acme]\nname=acme\nenabled=1\nautorefresh=0\ntype=rpm-md\ngpgcheck=0\nrepo_gpgcheck=0\n"
    (host.root / "etc/zypp/repos.d/acme.repo").write_text(f"{source}baseurl=dir://{repository.folder}\n")
    (host.root / "root/.rpmmacros").write_text("%_dbpath /var/lib/rpm\n")


def _zypper(host: Host) -> list[str]:
    return [*_as_root(), "zypper", "--non-interactive", "--root", str(host.root)]


def _dnf(host: Host) -> list[str]:
    config = host.root / "etc/dnf.conf"
    return [*_as_root(), "dnf", "-q", "-y", f"--installroot={host.root}", "--releasever=1", f"--config={config}"]


def _as_root() -> list[str]:
    # rpm changes its root folder, which takes root's rights, if only those of a user namespace.
    return [] if os.geteuid() == 0 else ["unshare", "-r"]


def _call(host: Host, command: Sequence[str]) -> str:
    done = _run(host, command)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed on {host.name}: {done.stdout}{done.stderr}")
    return done.stdout


def _answer(host: Host, command: Sequence[str]) -> str:
    """What it prints, or nothing when it fails: these programs fail when the package is not there."""
    done = _run(host, command)
    return "" if done.returncode else done.stdout.strip()


def _run(host: Host, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    extra = {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
    if host.kind == "apt":
        extra["APT_CONFIG"] = str(host.root / "etc/apt/apt.conf")
    else:
        extra["HOME"] = str(host.root / "root")
    return subprocess.run(command, env=os.environ | extra, capture_output=True, text=True, check=False)
