"""Who restarts a machine: the system itself, or, in rehearsals, a host that only plays one."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hostagent.host import Host

# A start of the machine: nothing of /run is left, and the kernel has another boot id. The log tells how often it was.
_START_ANEW = """
set -e
mkdir -p "$1/proc/sys/kernel/random" "$1/var/log"
rm -rf "$1/run"
cat /proc/sys/kernel/random/uuid > "$1/proc/sys/kernel/random/new"
echo restarted >> "$1/var/log/restarts"
mv "$1/proc/sys/kernel/random/new" "$1/proc/sys/kernel/random/boot_id"
"""


class Rebooter(Protocol):
    """`command` gives the order to restart, and ends at once; `taken` is called when it has ended well."""

    def command(self) -> Sequence[str]:
        """The program and its arguments."""

    def taken(self) -> None:
        """The machine goes down now; whatever still runs is ended."""


class Machine:
    """The machine that this program runs on."""

    def command(self) -> Sequence[str]:
        """By systemd where that is in charge, so that services end in their order."""
        if sys.platform == "win32":
            # Planned, for an operating system's update: so its event log tells it.
            return ["shutdown.exe", "/r", "/t", "0", "/d", "p:2:17"]
        if Path("/run/systemd/system").exists():
            return ["systemctl", "reboot"]
        return ["shutdown", "-r", "now"]

    def taken(self) -> None:
        """The system ends this program, as all others."""


class Rehearsed:
    """A rooted host that restarts by itself: it gets another boot id, and this program begins anew.

    `seconds`: how long it is away.
    """

    def __init__(self, host: Host, *, seconds: float) -> None:
        """ValueError for the machine itself."""
        if not host.is_rooted:
            raise ValueError("only a host with a root of its own can rehearse a restart")
        self._host, self._seconds = host, seconds

    def command(self) -> Sequence[str]:
        """Changes the boot id, and notes the restart in var/log/restarts."""
        return ["/bin/sh", "-c", _START_ANEW, "restart", str(self._host.root)]

    def taken(self) -> None:
        """This process becomes the agent's next life, with the same process id. Does not return."""
        again = [sys.executable, "-m", "hostagent", *sys.argv[1:]]
        os.execv("/bin/sh", ["sh", "-c", 'sleep "$0"; exec "$@"', str(self._seconds), *again])  # noqa: S606 - no shell input
