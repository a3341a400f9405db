"""The machine, or the folder that plays one: where its files are and what its programs are told."""

import os
from pathlib import Path

from hostagent import processes

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Host:
    """`root` is None for the machine itself, else the folder that holds a private package root."""

    def __init__(self, root: Path | None = None) -> None:
        self.is_rooted = root is not None
        self.root = root.resolve() if root else Path("/")

    def path(self, name: str) -> Path:
        """Where the host's `/name` is."""
        return self.root / name.lstrip("/")

    def boot_id(self) -> str:
        """Changes with every start of the machine. A rooted host that never restarted by itself has the machine's."""
        own = self.path("proc/sys/kernel/random/boot_id")
        return own.read_text().strip() if own.exists() else processes.boot_id()

    def environment(self) -> dict[str, str]:
        """For every child. Built from nothing: what the agent was started with is not the script's business."""
        environment = {"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/root")}
        if self.is_rooted:
            environment |= {"PATCH_ROOT": str(self.root), "DPKG_ROOT": str(self.root)}
        return environment
