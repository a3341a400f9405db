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
    gateways = {
        (route.get("dev"), family): route.get("gateway")
        for family, option in (("inet", "-4"), ("inet6", "-6"))
        for route in _ip(option, "route", "show", "default")
    }
    return [row for link in _ip("addr") if link.get("link_type") != "loopback" for row in _rows(link, gateways)]


def _rows(link: dict[str, Any], gateways: dict[tuple[Any, str], str | None]) -> list[dict[str, str | None]]:
    known = [info for info in link.get("addr_info", []) if info.get("scope") == "global"]
    ipv6 = next((info["local"] for info in known if info.get("family") == "inet6"), None)
    return [
        {
            "interfaceName": link["ifname"],
            "macAddress": link.get("address"),
            "address": info.get("local"),
            "gatewayAddress": gateways.get((link["ifname"], info.get("family", "inet"))),
            "ipv6Address": ipv6,
        }
        for info in known or [{}]
    ]


def _ip(*arguments: str) -> list[dict[str, Any]]:
    """What ip(8) says; nothing where it is not there or does not know."""
    if not shutil.which("ip"):
        return []
    try:
        said = subprocess.run(["ip", "-j", *arguments], capture_output=True, timeout=10, check=True).stdout
        found: list[dict[str, Any]] = json.loads(said or b"[]")
    except (OSError, ValueError, subprocess.SubprocessError):
        return []
    return found


def _last_user() -> str | None:
    """Who signed in last, by the machine's own records."""
    try:
        done = subprocess.run(["last", "-n", "1", "-w"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stdout.split()
    return words[0] if words and words[0] not in ("wtmp", "reboot") else None
