"""MACHINE of a Windows machine, by its registry."""

import platform
import winreg
from typing import Any

from hostagent.host import Host
from hostagent.platforms.windows import adapters
from hostagent.platforms.zones import iana_name

_NEWEST_WITH_OLD_NAME = 22000
_VERSION = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"


def facts(host: Host, package_manager: str | None) -> dict[str, Any]:
    """The protocol's MACHINE of this host."""
    bios = r"HARDWARE\DESCRIPTION\System\BIOS"
    return {
        "name": platform.node() or "windows",
        "platform": "Windows",
        "operatingSystem": _operating_system(),
        "osIdentifier": _text(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid"),
        "version": _version(),
        "architecture": platform.machine() or None,
        "timezone": iana_name(_text(r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation", "TimeZoneKeyName")),
        "packageManager": package_manager or "none",
        "interfaces": adapters.interfaces(),
        "lastLoggedOnUser": _text(
            r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\LogonUI", "LastLoggedOnUser"
        ),
        "hardware": {
            "manufacturer": _text(bios, "SystemManufacturer"),
            "model": _text(bios, "SystemProductName"),
        },
    }


def _operating_system() -> str | None:
    name = _text(_VERSION, "ProductName")
    # Windows 11 still writes the name of its forerunner there.
    if (
        name
        and name.startswith("Windows 10")
        and int(_text(_VERSION, "CurrentBuildNumber") or 0) >= _NEWEST_WITH_OLD_NAME
    ):
        name = name.replace("Windows 10", "Windows 11")
    return name if name is None or name.startswith("Microsoft ") else f"Microsoft {name}"


def _version() -> str | None:
    build, update = _text(_VERSION, "CurrentBuildNumber"), _value(_VERSION, "UBR")
    major, minor = _value(_VERSION, "CurrentMajorVersionNumber"), _value(_VERSION, "CurrentMinorVersionNumber")
    begin = f"{major}.{minor}" if major is not None else _text(_VERSION, "CurrentVersion")
    parts = [part for part in (begin, build, update) if part is not None]
    return ".".join(map(str, parts)) or None


def _text(key: str, name: str) -> str | None:
    value = _value(key, name)
    return value.strip() or None if isinstance(value, str) else None


def _value(key: str, name: str) -> Any:
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
            return winreg.QueryValueEx(opened, name)[0]
    except OSError:
        return None
