"""Who started whom, of all processes that run."""

import ctypes
from collections.abc import Iterator
from typing import NamedTuple

from hostagent.platforms.windows.calls import DWORD, kernel32

_PROCESSES = 0x2


class Process(NamedTuple):
    """One process, and the process id of the one that started it."""

    pid: int
    parent: int


class _Entry(ctypes.Structure):
    _fields_ = [
        ("size", DWORD),
        ("usage", DWORD),
        ("pid", DWORD),
        ("heap", ctypes.c_size_t),
        ("module", DWORD),
        ("threads", DWORD),
        ("parent", DWORD),
        ("priority", ctypes.c_long),
        ("flags", DWORD),
        ("name", ctypes.c_wchar * 260),
    ]


def processes() -> Iterator[Process]:
    """All processes of this instant."""
    snapshot = kernel32.CreateToolhelp32Snapshot(_PROCESSES, 0)
    try:
        entry = _Entry(size=ctypes.sizeof(_Entry))
        more = kernel32.Process32FirstW(snapshot, ctypes.byref(entry))
        while more:
            yield Process(entry.pid, entry.parent)
            more = kernel32.Process32NextW(snapshot, ctypes.byref(entry))
    finally:
        kernel32.CloseHandle(snapshot)
