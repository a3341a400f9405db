"""The steps that only Windows has, on a machine that is one."""

import sys
from pathlib import Path

from hostagent.clock import Clock
from hostagent.host import Host
from hostagent.notes import Notes
from hostagent.outcome import Outcome
from hostagent.registry import Registry
from hostagent.uninstalling import Uninstalling
from hostagent.windows_steps import RegistryStep, UninstallStep


class WindowsSteps:
    """Both kinds, by one name for each thing that is done with a step."""

    def __init__(self, registry: Registry, uninstalling: Uninstalling) -> None:
        self._registry, self._uninstalling = registry, uninstalling

    def run(self, step: RegistryStep | UninstallStep, notes: Notes) -> Outcome:
        """Do it."""
        return (
            self._registry.run(step, notes) if isinstance(step, RegistryStep) else self._uninstalling.run(step, notes)
        )

    def settle(self, step: RegistryStep | UninstallStep, notes: Notes) -> Outcome | None:
        """After a crash within it; None: it never began, or can be done again."""
        return (
            self._registry.settle(step, notes)
            if isinstance(step, RegistryStep)
            else self._uninstalling.settle(step, notes)
        )


if sys.platform == "win32":
    from hostagent.platforms.windows.registry import Registry as Store
    from hostagent.platforms.windows.registry import installed_software

    def windows_steps(host: Host, folder: Path, clock: Clock) -> WindowsSteps | None:
        """`folder` is private and holds what uninstallers print."""
        return WindowsSteps(Registry(Store()), Uninstalling(host, installed_software, folder, clock))

else:

    def windows_steps(host: Host, folder: Path, clock: Clock) -> WindowsSteps | None:
        """This machine has none."""
        return None
