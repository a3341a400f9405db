"""MACHINE: what the server may know of this machine. Whatever cannot be found out is None."""

import json
import os
import platform
import shlex
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

from hostagent.host import Host


def facts(host: Host, package_manager: str | None) -> dict[str, Any]:
    """The protocol's MACHINE of this host."""
    release = _os_release(host)
    return {
        "name": _first_line(host.path("etc/hostname")) or socket.gethostname(),
        "platform": platform.system(),
        "operatingSystem": release.get("PRETTY_NAME") or release.get("NAME"),
        "osIdentifier": _first_line(host.path("etc/machine-id")),
        "version": release.get("VERSION_ID"),
        "architecture": platform.machine() or None,
        "timezone": _timezone(host),
        "packageManager": package_manager or "none",
        "interfaces": _interfaces(),
        "lastLoggedOnUser": None if host.is_rooted else _last_user(),
        "hardware": {
            "manufacturer": _first_line(Path("/sys/class/dmi/id/sys_vendor")),
            "model": _first_line(Path("/sys/class/dmi/id/product_name")),
        },
    }


def _first_line(path: Path) -> str | None:
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return None
    return text.strip().partition("\n")[0] or None


def _os_release(host: Host) -> dict[str, str]:
    """os-release(5): shell assignments."""
    try:
        lines = host.path("etc/os-release").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def _timezone(host: Host) -> str | None:
    """The zone's name: from /etc/timezone (Debian), or from where /etc/localtime points."""
    if name := _first_line(host.path("etc/timezone")):
        return name
    try:
        target = os.readlink(host.path("etc/localtime"))  # noqa: PTH115 - the text of the link, not a path of ours
    except OSError:
        return None
    return target.partition("zoneinfo/")[2] or None


def _interfaces() -> list[dict[str, str | None]]:
    """Every interface but loopback, once for each of its global addresses."""
    if not shutil.which("ip"):
        return []
    try:
        listing = subprocess.run(["ip", "-j", "addr"], capture_output=True, timeout=10, check=True).stdout
        links = json.loads(listing)
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return [
        {"interfaceName": link["ifname"], "macAddress": link.get("address"), "address": address}
        for link in links
        if link.get("link_type") != "loopback"
        for address in [info["local"] for info in link.get("addr_info", []) if info.get("scope") == "global"] or [None]
    ]


def _last_user() -> str | None:
    """Who signed in last, by the machine's own records."""
    try:
        done = subprocess.run(["last", "-n", "1", "-w"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stdout.split()
    return words[0] if words and words[0] not in ("wtmp", "reboot") else None
