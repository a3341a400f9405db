"""What children are told of the machine."""

import os
from pathlib import Path

ROOT = Path("/")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment() -> dict[str, str]:
    """For every child. Built from nothing: what the agent was started with is not its business."""
    return {"PATH": _PATH, "LC_ALL": "C.UTF-8", "HOME": os.environ.get("HOME", "/root")}
