"""The calls of Windows that are used here, with their types."""

import ctypes
from ctypes import wintypes
from typing import Any

BOOL, DWORD, HANDLE, LPCWSTR, LPVOID = wintypes.BOOL, wintypes.DWORD, wintypes.HANDLE, wintypes.LPCWSTR, ctypes.c_void_p

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
ntdll = ctypes.WinDLL("ntdll")
advapi32 = ctypes.WinDLL("advapi32")
iphlpapi = ctypes.WinDLL("iphlpapi")

_SIGNATURES: dict[ctypes.WinDLL, dict[str, tuple[Any, ...]]] = {
    kernel32: {
        "MoveFileExW": (BOOL, LPCWSTR, LPCWSTR, DWORD),
        "PeekNamedPipe": (BOOL, HANDLE, LPVOID, DWORD, LPVOID, LPVOID, LPVOID),
        "CloseHandle": (BOOL, HANDLE),
        "GetCurrentProcess": (HANDLE,),
        "OpenProcess": (HANDLE, DWORD, BOOL, DWORD),
        "TerminateProcess": (BOOL, HANDLE, wintypes.UINT),
        "GetProcessTimes": (BOOL, HANDLE, LPVOID, LPVOID, LPVOID, LPVOID),
        "WaitForSingleObject": (DWORD, HANDLE, DWORD),
        "DuplicateHandle": (BOOL, HANDLE, HANDLE, HANDLE, LPVOID, DWORD, BOOL, DWORD),
        "CreateJobObjectW": (HANDLE, LPVOID, LPCWSTR),
        "OpenJobObjectW": (HANDLE, DWORD, BOOL, LPCWSTR),
        "AssignProcessToJobObject": (BOOL, HANDLE, HANDLE),
        "TerminateJobObject": (BOOL, HANDLE, wintypes.UINT),
        "SetInformationJobObject": (BOOL, HANDLE, ctypes.c_int, LPVOID, DWORD),
        "QueryInformationJobObject": (BOOL, HANDLE, ctypes.c_int, LPVOID, DWORD, LPVOID),
        "CreateToolhelp32Snapshot": (HANDLE, DWORD, DWORD),
        "Process32FirstW": (BOOL, HANDLE, LPVOID),
        "Process32NextW": (BOOL, HANDLE, LPVOID),
        "OpenMutexW": (HANDLE, DWORD, BOOL, LPCWSTR),
    },
    ntdll: {"NtResumeProcess": (ctypes.c_long, HANDLE)},
    advapi32: {
        "RegCreateKeyExW": (ctypes.c_long, LPVOID, LPCWSTR, DWORD, LPVOID, DWORD, DWORD, LPVOID, LPVOID, LPVOID),
    },
    iphlpapi: {"GetAdaptersAddresses": (wintypes.ULONG, wintypes.ULONG, wintypes.ULONG, LPVOID, LPVOID, LPVOID)},
}
for _library, _calls in _SIGNATURES.items():
    for _name, (_answer, *_arguments) in _calls.items():
        _call = getattr(_library, _name)
        _call.restype, _call.argtypes = _answer, _arguments


def check(answer: int | None) -> int:
    """The answer of a call of kernel32. OSError with Windows' own words where it failed."""
    if not answer:
        raise ctypes.WinError(ctypes.get_last_error())
    return answer
