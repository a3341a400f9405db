"""Names in folders, made durable."""

import os
import subprocess
from pathlib import Path

from hostagent.errors import AgentError
from hostagent.platforms.windows.calls import check, kernel32

_REPLACE_EXISTING, _WRITE_THROUGH = 0x1, 0x8
# SYSTEM, the administrators, and whoever owns a file: in every language of Windows these have the same numbers.
_ALLOWED = ("*S-1-5-18", "*S-1-5-32-544", "*S-1-3-4")


def sync_directory(directory: Path) -> None:
    """Nothing: a folder cannot be flushed here. NTFS logs its changes in order, and `replace` writes through."""


def replace(old: Path, new: Path) -> None:
    """Give `old` the name of `new`, at one instant and durably. OSError where somebody has `new` open."""
    check(kernel32.MoveFileExW(str(old), str(new), _REPLACE_EXISTING | _WRITE_THROUGH))


def protect(directory: Path) -> None:
    """Keep others out: a mode means nothing here, so the folder gets an access list of its own."""
    grants = [f"{who}:(OI)(CI)F" for who in _ALLOWED]
    program = Path(os.environ["SYSTEMROOT"]) / "System32" / "icacls.exe"
    command = [str(program), str(directory), "/inheritance:r", "/grant:r", *grants]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise AgentError(f"{directory} cannot be closed to others: {said}")
