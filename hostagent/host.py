"""The machine, or the folder that plays one: where its files are and what its programs are told."""

import sys
from pathlib import Path

from hostagent import processes

if sys.platform == "win32":
    from hostagent.platforms.windows.environment import ROOT, environment
else:
    from hostagent.platforms.posix.environment import ROOT, environment


class Host:
    """`root` is None for the machine itself, else the folder that holds a private package root."""

    def __init__(self, root: Path | None = None) -> None:
        self.is_rooted = root is not None
        self.root = root.resolve() if root else ROOT

    def path(self, name: str) -> Path:
        """Where the host's `/name` is."""
        return self.root / name.lstrip("/")

    def boot_id(self) -> str:
        """Changes with every start of the machine. A rooted host that never restarted by itself has the machine's."""
        own = self.path("proc/sys/kernel/random/boot_id")
        return own.read_text().strip() if own.exists() else processes.boot_id()

    def environment(self) -> dict[str, str]:
        """For every child. Built from nothing: what the agent was started with is not the script's business."""
        if self.is_rooted:
            return environment() | {"PATCH_ROOT": str(self.root), "DPKG_ROOT": str(self.root)}
        return environment()
