"""The registry by winreg, in the view of 64-bit programs; the other one is below WOW6432Node."""

import winreg
from contextlib import suppress

from hostagent.installed_software import Software
from hostagent.registry import Value

_VIEWS = {"x64": winreg.KEY_WOW64_64KEY, "x86": winreg.KEY_WOW64_32KEY}
_UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
# Not the hives of other users: a key of theirs could name any program, and we would run it with our rights.
_HIVES = ("HKEY_LOCAL_MACHINE", "HKEY_CURRENT_USER")


class Registry:
    """What `hostagent.registry` asks for."""

    def has(self, hive: str, key: str) -> bool:
        """Whether the key is there."""
        try:
            winreg.OpenKey(getattr(winreg, hive), key, 0, _read()).Close()
        except FileNotFoundError:
            return False
        return True

    def read(self, hive: str, key: str, name: str) -> tuple[Value | None, int] | None:
        """(the value, its type's number), None where there is none of this name."""
        try:
            with winreg.OpenKey(getattr(winreg, hive), key, 0, _read()) as opened:
                value, kind = winreg.QueryValueEx(opened, name)
        except FileNotFoundError:
            return None
        if value is None:
            # So Python reads no bytes at all.
            return (b"" if kind == winreg.REG_BINARY else None), kind
        return value, kind

    def write(self, hive: str, key: str, name: str, value: Value, kind: int) -> None:
        """Set it, and have it on disk; the key is made where it is missing."""
        access = winreg.KEY_SET_VALUE | winreg.KEY_QUERY_VALUE | winreg.KEY_WOW64_64KEY
        with winreg.CreateKeyEx(getattr(winreg, hive), key, 0, access) as opened:
            winreg.SetValueEx(opened, name, 0, kind, value)
            winreg.FlushKey(opened)


def installed_software() -> list[Software]:
    """All that the machine and our own account have, in both views; parts and updates of other software are not."""
    found: dict[str, Software] = {}
    for hive in _HIVES:
        for architecture in _VIEWS:
            for software in _below(hive, architecture):
                # A user's hive has one view alone, which is then seen twice.
                found.setdefault(f"{software.key}\\{architecture}" if hive == _HIVES[0] else software.key, software)
    return list(found.values())


def _below(hive: str, architecture: str) -> list[Software]:
    try:
        with winreg.OpenKey(getattr(winreg, hive), _UNINSTALL, 0, winreg.KEY_READ | _VIEWS[architecture]) as opened:
            names = [winreg.EnumKey(opened, index) for index in range(winreg.QueryInfoKey(opened)[0])]
            read = [_software(opened, hive, name, architecture) for name in names]
    except FileNotFoundError:
        return []
    return [software for software in read if software]


def _software(parent: winreg.HKEYType, hive: str, name: str, architecture: str) -> Software | None:
    try:
        with winreg.OpenKey(parent, name, 0, winreg.KEY_READ | _VIEWS[architecture]) as opened:
            display_name = _text(opened, "DisplayName")
            if not display_name or _number(opened, "SystemComponent") or _text(opened, "ParentKeyName"):
                return None
            return Software(
                key=f"{hive}\\{_UNINSTALL}\\{name}",
                name=display_name,
                version=_text(opened, "DisplayVersion"),
                architecture=architecture,
                quiet_uninstall=_text(opened, "QuietUninstallString"),
                uninstall=_text(opened, "UninstallString"),
                by_windows_installer=_number(opened, "WindowsInstaller") == 1,
            )
    except OSError:
        # Removed while we looked, or not for our eyes.
        return None


def _text(key: winreg.HKEYType, name: str) -> str:
    with suppress(OSError):
        value, kind = winreg.QueryValueEx(key, name)
        if kind == winreg.REG_EXPAND_SZ:
            value = winreg.ExpandEnvironmentStrings(value)
        return value.replace("\0", "").strip() if isinstance(value, str) else ""
    return ""


def _number(key: winreg.HKEYType, name: str) -> int:
    with suppress(OSError):
        value = winreg.QueryValueEx(key, name)[0]
        return value if isinstance(value, int) else 0
    return 0


def _read() -> int:
    return winreg.KEY_READ | winreg.KEY_WOW64_64KEY
