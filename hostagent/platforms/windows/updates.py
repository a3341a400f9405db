"""Windows' own updates, where there is an Update Agent to ask: that needs a PowerShell that does what it is told."""

import subprocess

from hostagent import update_agent
from hostagent.errors import PackageManagerFailed
from hostagent.platforms.windows.shells import ask_powershell, has_powershell, powershell_command

_SEARCHING = 1800


def installed() -> set[str]:
    """The KBs that are there; none where nobody can say."""
    return update_agent.installed(_ask(update_agent.INSTALLED)) if has_powershell() else set()


def missing() -> list[dict[str, object]]:
    """What the Update Agent would install today; none where there is none."""
    if not has_powershell():
        return []
    try:
        return update_agent.missing(_ask(update_agent.SEARCH))
    except ValueError as error:
        raise PackageManagerFailed(f"the Update Agent's answer is not understood: {error}") from error


def install_command(kb: str) -> list[str]:
    """Fetches and installs an update by the Update Agent."""
    _need_powershell()
    return powershell_command(update_agent.INSTALL % {"number": update_agent.number_of(kb)})


def remove_command(kb: str) -> list[str]:
    """Takes an update back; not all can be."""
    _need_powershell()
    return ["wusa.exe", "/uninstall", f"/kb:{update_agent.number_of(kb)}", "/quiet", "/norestart"]


def _need_powershell() -> None:
    """Without it nobody could say afterwards whether the update is there."""
    if not has_powershell():
        raise PackageManagerFailed("this machine has no PowerShell, and so no Update Agent that can be asked")


def _ask(script: str) -> str:
    try:
        return ask_powershell(script, seconds=_SEARCHING)
    except (OSError, subprocess.SubprocessError) as error:
        raise PackageManagerFailed(f"the Update Agent cannot be asked: {error}") from error
