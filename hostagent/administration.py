"""What an administrator of the machine asks of the agent: enrol, status, doctor, install-service, remove."""

import argparse
import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hostagent import VERSION, contacts, doctor, journal, state
from hostagent.clock import Clock
from hostagent.doctor import Finding
from hostagent.enrolment import enrol
from hostagent.errors import AgentError, AlreadyRunning, NotEnrolled, Unauthorised
from hostagent.host import Host
from hostagent.lock import only_instance
from hostagent.service import systemd
from hostagent.tasks import Task

_MARKS = {True: "ok", False: "WRONG", None: "-"}


def add_verbs(verbs: Any) -> None:
    """Tell argparse's subparsers of the commands; each says what to call by `act`, which returns the exit code."""
    enrolling = verbs.add_parser("enrol", help="make this machine known to the server")
    enrolling.add_argument("url", help="the server, https://… (http:// to this machine itself only)")
    enrolling.add_argument("key", help="an activation key")
    enrolling.add_argument("--ca", type=Path, help="a file of certificates (PEM): only these authorities are trusted")
    enrolling.add_argument("--proxy", help="http://name:port; HTTPS_PROXY where absent. NO_PROXY holds for both")
    enrolling.set_defaults(act=_enrol)
    showing = verbs.add_parser("status", help="show what this agent is and has to do")
    showing.set_defaults(act=_status)
    examining = verbs.add_parser(
        "doctor", help="look for what is wrong, and say what to do; exit code 1 if anything is"
    )
    examining.set_defaults(act=_doctor)
    for verb in (showing, examining):
        verb.add_argument("--json", action="store_true", help="for programs")
    for verb in (enrolling, showing, examining):
        add_places(verb)
        verb.add_argument("--root", type=Path, help="a folder with a package root of its own, instead of this machine")
    installing = verbs.add_parser("install-service", help="let systemd start the agent, now and with the machine")
    add_log_options(installing)
    installing.set_defaults(act=_install_service)
    removing = verbs.add_parser("remove", help="take leave of the server, and leave nothing on this machine")
    removing.add_argument("--force", action="store_true", help="although the server cannot be told")
    removing.set_defaults(act=_remove)
    for verb in (installing, removing):
        add_places(verb)
        verb.add_argument("--root", type=Path, default=Path("/"), help="where the unit goes, instead of below /")


def add_places(verb: argparse.ArgumentParser) -> None:
    """The option that all commands have."""
    verb.add_argument("--home", type=Path, required=True, help="the agent's folder")


def add_log_options(verb: argparse.ArgumentParser) -> None:
    """How agent.log rotates."""
    verb.add_argument("--log-bytes", type=int, default=1_000_000, help="agent.log begins anew at this size")
    verb.add_argument("--log-files", type=int, default=3, help="so many full ones are kept")


def _enrol(options: argparse.Namespace) -> int:
    host = Host(options.root)
    enrolled = enrol(options.url, options.key, home=options.home, host=host, ca=options.ca, proxy=options.proxy)
    print(f"enrolled as agent {enrolled.agent_id} of asset {enrolled.asset_id}")
    return 0


def _status(options: argparse.Namespace) -> int:
    shown = status(options.home)
    print(json.dumps(shown, indent=1) if options.json else "\n".join(_lines(shown)))
    return 0


def status(home: Path) -> dict[str, Any]:
    """What this agent is and has to do, by its folder alone. NotEnrolled."""
    enrolled, contact = state.load(home), contacts.load(home)
    return {
        "version": VERSION,
        "server": enrolled.server,
        "agentId": enrolled.agent_id,
        "assetId": enrolled.asset_id,
        "running": _is_running(home),
        "lastContactAt": contact.last_at,
        "lastScanAt": enrolled.last_scan_at,
        "stopped": {"at": contact.barred_at, "why": contact.barred} if contact.barred else None,
        "tasks": [_shown(task) for task in journal.read(home / "journal.jsonl").tasks.values()],
    }


def _lines(shown: dict[str, Any]) -> list[str]:
    stopped, running = shown["stopped"], "running" if shown["running"] else "not running"
    return [
        f"agent         {shown['agentId']}, version {shown['version']}, {running}",
        f"server        {shown['server']}",
        f"last contact  {shown['lastContactAt'] or 'never'}",
        f"last scan     {shown['lastScanAt'] or 'never'}",
        *([f"STOPPED       since {stopped['at']}: {stopped['why']}"] if stopped else []),
        f"tasks         {len(shown['tasks']) or 'none'}",
        *(f"  {task['hostTaskId']}/{task['attempt']}: {_of_task(task)}" for task in shown["tasks"]),
    ]


def _of_task(task: dict[str, Any]) -> str:
    state_ = "dropped" if task["dropped"] else "finished" if task["finished"] else "going"
    return f"{state_}, {task['acknowledged']} of {task['reports']} reports are with the server"


def _shown(task: Task) -> dict[str, object]:
    return {
        "hostTaskId": task.identity.host_task_id,
        "attempt": task.identity.attempt,
        "finished": task.finished,
        "dropped": task.dropped,
        "reports": len(task.reports),
        "acknowledged": task.acknowledged,
    }


def _is_running(home: Path) -> bool:
    try:
        with only_instance(home):
            return False
    except AlreadyRunning:
        return True


def _doctor(options: argparse.Namespace) -> int:
    findings = doctor.examine(options.home, Host(options.root or _root_of(options.home)))
    if options.json:
        print(json.dumps([asdict(one) for one in findings], indent=1))
    else:
        print("\n".join(_line(one) for one in findings))
    return 1 if any(one.ok is False for one in findings) else 0


def _root_of(home: Path) -> Path | None:
    try:
        root = state.load(home).root
    except AgentError:
        return None
    return Path(root) if root else None


def _line(finding: Finding) -> str:
    cure = f"\n{'':22}→ {finding.do}" if finding.do and finding.ok is not True else ""
    return f"{_MARKS[finding.ok]:6}{finding.name:16}{finding.says}{cure}"


def _install_service(options: argparse.Namespace) -> int:
    state.load(options.home)
    places = systemd.Places(options.home, options.root, options.log_bytes, options.log_files)
    print(f"installed {systemd.install(places)}")
    return 0


def _remove(options: argparse.Namespace) -> int:
    """In an order in which whoever is interrupted can call it again."""
    if not options.home.is_dir():
        raise AgentError(f"{options.home} is not there: nothing is removed")
    places = systemd.Places(options.home, options.root)
    if systemd.remove(places):
        print(f"removed {places.unit}")
    with ExitStack() as held:
        # A launcher that still ran would start the agent again, on a folder that is half gone.
        for place in (options.home / "launcher", options.home):
            if place.is_dir():
                held.enter_context(only_instance(place))
        _take_leave(options.home, force=options.force)
    shutil.rmtree(options.home)
    print(f"removed {options.home}")
    return 0


def _take_leave(home: Path, *, force: bool) -> None:
    try:
        enrolled = state.load(home)
        doctor.client_of(home, enrolled, Clock()).post("leave", {})
    except (NotEnrolled, Unauthorised):
        # Nobody there knows us (any more); one that is quarantined is an administrator's to revoke.
        return
    except AgentError as error:
        if not force:
            raise AgentError(
                f"{error}\nThe server still knows this agent; --force removes it here all the same."
            ) from error
    else:
        print("the server has forgotten the agent's credential")
