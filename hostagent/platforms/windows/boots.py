"""Which start of the machine this is."""

import ctypes
import uuid
import winreg
from functools import cache

from hostagent.platforms.windows.calls import HANDLE, advapi32

_VOLATILE, _ALL_ACCESS = 0x1, winreg.KEY_ALL_ACCESS | winreg.KEY_WOW64_64KEY


@cache
def boot_id() -> str:
    """Changes with every start: it stands in a key that Windows keeps in memory alone, and whoever is first makes it.

    The time of the start would not do: it moves with the clock. OSError where we may not write to the registry.
    """
    key = HANDLE()
    error = advapi32.RegCreateKeyExW(
        winreg.HKEY_LOCAL_MACHINE,
        r"SOFTWARE\hostagent\ThisStart",
        0,
        None,
        _VOLATILE,
        _ALL_ACCESS,
        None,
        ctypes.byref(key),
        None,
    )
    if error:
        raise ctypes.WinError(error)
    opened = key.value or 0
    try:
        return str(winreg.QueryValueEx(opened, "BootId")[0])
    except FileNotFoundError:
        made = str(uuid.uuid4())
        winreg.SetValueEx(opened, "BootId", 0, winreg.REG_SZ, made)
        return made
    finally:
        winreg.CloseKey(opened)
