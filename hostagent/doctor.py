"""What is wrong with this agent, and what to do about it. Looks, and changes nothing."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from hostagent import contacts, journal, probe, state
from hostagent.client import Client
from hostagent.clock import Clock
from hostagent.errors import AgentError, PackageManagerFailed, Quarantined, Unauthorised
from hostagent.host import Host
from hostagent.providers import provider_of
from hostagent.service import systemd

# Bytes: an inventory, a log and a few packages.
_ROOM = 200 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """One check. `ok` is None where it cannot be told here, or does not matter; `do` is the cure."""

    name: str
    ok: bool | None
    says: str
    do: str = ""


def examine(home: Path, host: Host, clock: Clock | None = None) -> list[Finding]:
    """All findings, in an order in which the first that is wrong is worth looking at first."""
    return list(_examine(home, host, clock or Clock()))


def _examine(home: Path, host: Host, clock: Clock) -> Iterator[Finding]:
    yield _folder(home)
    yield _room(home)
    try:
        enrolled = state.load(home)
    except AgentError as error:
        yield Finding("enrolled", False, str(error), "enrol: python -m hostagent enrol URL KEY --home …")
        return
    yield Finding("enrolled", True, f"agent {enrolled.agent_id} of {enrolled.server}")
    yield _journal(home)
    yield from _server(home, enrolled, clock)
    yield _quarantine(home)
    yield _package_manager(host)
    yield _service(host)


def _folder(home: Path) -> Finding:
    name = "folder"
    try:
        kept = home.stat()
        loose = [path.name for path in (home, *_secrets(home)) if path.stat().st_mode & 0o077]
    except OSError as error:
        return Finding(name, False, str(error), f"make {home}, or name the agent's folder with --home")
    if sys.platform != "win32" and loose:
        return Finding(name, False, f"others may read {', '.join(loose)}", f"chmod -R go= {home}")
    if sys.platform != "win32" and kept.st_uid != os.geteuid():
        return Finding(
            name, False, f"{home} belongs to user {kept.st_uid}", "run this as the user that the agent runs as"
        )
    if not os.access(home, os.W_OK):
        return Finding(name, False, f"{home} cannot be written", "mount it so that it can be, or move the folder")
    return Finding(name, True, f"{home} is the owner's alone")


def _secrets(home: Path) -> list[Path]:
    return [path for path in (state.path_in(home), contacts.path_in(home), home / "journal.jsonl") if path.exists()]


def _room(home: Path) -> Finding:
    try:
        free = shutil.disk_usage(home).free
    except OSError as error:
        return Finding("room", None, str(error))
    text = f"{free // (1024 * 1024)} MiB are free below {home}"
    return Finding("room", free >= _ROOM, text, "" if free >= _ROOM else "make room: the journal must be written")


def _journal(home: Path) -> Finding:
    try:
        tasks = journal.read(home / "journal.jsonl").tasks
    except (AgentError, OSError) as error:
        do = "nothing runs until an administrator has looked at it: revoke the agent, remove the folder, enrol anew"
        return Finding("journal", False, str(error), do)
    return Finding("journal", True, f"{len(tasks)} tasks")


def _server(home: Path, enrolled: state.State, clock: Clock) -> Iterator[Finding]:
    try:
        client = client_of(home, enrolled, clock)
        reached = probe.reach(enrolled.server.rstrip("/"), client.opener)
    except AgentError as error:
        yield Finding("server", False, str(error), "see what it says; until then the work in the journal goes on")
        return
    yield Finding("server", True, f"{enrolled.server} answers, and speaks protocol {reached.protocol or 'of old'}")
    yield _clock(reached, clock)
    yield _credential(client)


def client_of(home: Path, enrolled: state.State, clock: Clock) -> Client:
    """A client as the running agent's."""
    return Client(
        enrolled.server,
        clock,
        Event(),
        enrolled.credential,
        ca=state.ca_file(home, enrolled),
        proxy=enrolled.proxy,
    )


def _clock(reached: probe.Reached, clock: Clock) -> Finding:
    skew = reached.skew(clock.now())
    if skew is None:
        return Finding("clock", None, "the server does not say what time it is")
    if abs(skew) > probe.MOST_SKEW:
        return Finding("clock", False, probe.skew_in_words(skew), "signed work is valid for a time: set the clock")
    return Finding("clock", True, f"within {abs(skew).total_seconds():.0f} s of the server's")


def _credential(client: Client) -> Finding:
    name = "credential"
    try:
        client.post("whoami", {}, tries=1)
    except Quarantined as error:
        return Finding(name, False, str(error), "let an administrator release or revoke this agent")
    except Unauthorised as error:
        return Finding(name, False, str(error), "remove the folder and enrol anew with an activation key")
    except AgentError as error:
        return Finding(name, None, str(error))
    return Finding(name, True, "the server knows it")


def _quarantine(home: Path) -> Finding:
    try:
        contact = contacts.load(home)
    except AgentError as error:
        return Finding("contact", False, str(error), "revoke the agent, remove the folder, enrol anew")
    if contact.barred:
        return Finding("contact", False, f"stopped since {contact.barred_at}: {contact.barred}", "see credential")
    if contact.last_at is None:
        return Finding("contact", False, "the agent never checked in", "start it: systemctl start hostagent")
    return Finding("contact", True, f"last one at {contact.last_at}")


def _package_manager(host: Host) -> Finding:
    name = "package manager"
    provider = provider_of(host)
    if provider is None:
        return Finding(name, False, "none that this agent knows", "patches need apt or dnf here; scripts run without")
    try:
        count = len(provider.packages())
    except PackageManagerFailed as error:
        return Finding(name, False, f"{provider.name}: {error}", "repair it as its message says")
    return Finding(name, True, f"{provider.name}, {count} packages")


def _service(host: Host) -> Finding:
    if host.is_rooted or not systemd.is_here():
        return Finding("service", None, "no systemd here")
    installed, running = systemd.status()
    if not installed:
        return Finding("service", False, "not installed", "python -m hostagent install-service --home …")
    if not running:
        return Finding("service", False, "not running", "systemctl start hostagent; journalctl -u hostagent")
    return Finding("service", True, "installed and running")
