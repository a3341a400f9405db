"""Job objects: a process and all that it starts, as one thing that can be counted and ended.

A job is named after its process, and the process holds a handle of it. So whoever knows the process finds the job as
long as the process lives, also when those who made the job are gone.
"""

import ctypes
from ctypes import wintypes

from hostagent.platforms.windows.calls import DWORD, HANDLE, check, kernel32

_ALL_ACCESS = 0x1F001F
_PROCESS_IDS, _EXTENDED_LIMITS = 3, 9
_KILL_ON_JOB_CLOSE = 0x2000
_SAME_ACCESS = 0x2
_ROOM = 1024


class _BasicLimits(ctypes.Structure):
    _fields_ = [
        ("per_process_time", ctypes.c_int64),
        ("per_job_time", ctypes.c_int64),
        ("flags", DWORD),
        ("smallest_working_set", ctypes.c_size_t),
        ("largest_working_set", ctypes.c_size_t),
        ("most_processes", DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority", DWORD),
        ("scheduling", DWORD),
    ]


class _ExtendedLimits(ctypes.Structure):
    _fields_ = [
        ("basic", _BasicLimits),
        ("io", ctypes.c_uint64 * 6),
        ("memory", ctypes.c_size_t * 4),
    ]


class _ProcessIds(ctypes.Structure):
    _fields_ = [("assigned", DWORD), ("listed", DWORD), ("ids", ctypes.c_size_t * _ROOM)]


class Job:
    """A job object by its handle; closed by `close`, or with our process."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def around(cls, process: int, name: str) -> "Job":
        """A new job with this process (a handle) in it. It is killed with us until `outlive` is called."""
        job = cls(check(kernel32.CreateJobObjectW(None, name)))
        try:
            job._limit(_KILL_ON_JOB_CLOSE)
            check(kernel32.AssignProcessToJobObject(job._handle, process))
        except OSError:
            job.close()
            raise
        return job

    @classmethod
    def find(cls, name: str) -> "Job | None":
        """The job of this name, while somebody holds it."""
        handle = kernel32.OpenJobObjectW(_ALL_ACCESS, False, name)
        return cls(handle) if handle else None

    def outlive(self, process: int) -> None:
        """From now on our end is not the job's, and the process keeps it where it can be found."""
        copy = HANDLE()
        ours = kernel32.GetCurrentProcess()
        check(kernel32.DuplicateHandle(ours, self._handle, process, ctypes.byref(copy), 0, False, _SAME_ACCESS))
        self._limit(0)

    def members(self) -> list[int]:
        """The process ids of all that is in it and still runs."""
        found = _ProcessIds()
        kernel32.QueryInformationJobObject(self._handle, _PROCESS_IDS, ctypes.byref(found), ctypes.sizeof(found), None)
        return list(found.ids[: found.listed])

    def end(self) -> None:
        """End all of it at once."""
        kernel32.TerminateJobObject(self._handle, wintypes.UINT(1))

    def close(self) -> None:
        """Let go of it."""
        kernel32.CloseHandle(self._handle)

    def _limit(self, flags: int) -> None:
        limits = _ExtendedLimits()
        limits.basic.flags = flags
        check(
            kernel32.SetInformationJobObject(
                self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
            )
        )
