"""Which shells this machine has."""

import subprocess
from functools import cache

from hostagent.platforms.shells import Shell
from hostagent.platforms.windows.environment import SYSTEM, environment

POWERSHELL = SYSTEM / "WindowsPowerShell" / "v1.0" / "powershell.exe"
_OPTIONS = ("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass")
_SECONDS = 60


def shell_of(script_type: str) -> Shell | None:
    """What runs scripts of this type; None where nothing here does."""
    if script_type != "ps" or not has_powershell():
        return None
    # Windows PowerShell takes a script without the mark for one in the machine's own code page.
    return Shell((str(POWERSHELL), *_OPTIONS, "-File"), ".ps1", marked=True)


@cache
def has_powershell() -> bool:
    """Whether a PowerShell is there that does what it is told: Wine's ends well, and has done nothing."""
    try:
        return ask_powershell("Write-Output (6 * 7)").strip() == "42"
    except (OSError, subprocess.SubprocessError):
        return False


def ask_powershell(script: str, *, seconds: float = _SECONDS) -> str:
    """What a script prints that changes nothing. OSError or SubprocessError where it cannot be run, or fails."""
    return subprocess.run(
        powershell_command(script),
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
        check=True,
        creationflags=subprocess.CREATE_NO_WINDOW,
    ).stdout.decode("utf-8", "replace")


def powershell_command(script: str) -> list[str]:
    """Runs a script of ours that needs no file."""
    return [str(POWERSHELL), *_OPTIONS, "-Command", f"[Console]::OutputEncoding = [Text.Encoding]::UTF8; {script}"]
