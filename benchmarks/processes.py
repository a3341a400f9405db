"""The processes of a service, and how much memory they have had resident."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

# Of the command lines of workers and of web processes.
WORKER, WEB = "celery", "granian"


def most_resident(folder: Path, word: str) -> float:
    """The most megabytes that a process of this service has had resident whose command line has this word."""
    return max((_peak(process) for process in _processes(folder, word)), default=0)


def forget_peaks(folder: Path, words: Iterable[str] = (WORKER, WEB)) -> None:
    """Begin anew to note the most that each process has resident: hashing a password takes more than most."""
    for word in words:
        for process in _processes(folder, word):
            with suppress(OSError):
                (process / "clear_refs").write_text("5")


def _processes(folder: Path, word: str) -> list[Path]:
    return [process for process in Path("/proc").glob("[0-9]*") if _is_ours(process, folder, word)]


def _is_ours(process: Path, folder: Path, word: str) -> bool:
    try:
        return (
            word.encode() in (process / "cmdline").read_bytes()
            and f"DATA_DIR={folder}".encode() in (process / "environ").read_bytes()
        )
    except OSError:
        return False


def _peak(process: Path) -> float:
    try:
        status = (process / "status").read_text()
    except OSError:
        return 0
    return next(float(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
