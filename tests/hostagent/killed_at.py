"""`python -m tests.hostagent.killed_at HOME ROOT CHECKPOINT`: an agent that is killed at a checkpoint.

ROOT `-` is the machine itself.
"""

import os
import signal
import sys
from pathlib import Path

from hostagent.agent import Agent
from hostagent.host import Host
from hostagent.lock import only_instance

# Windows has one way of ending a process, which cannot be caught either.
KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def main(home: Path, root: Path | None, name: str) -> None:
    def checkpoint(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), KILL)

    with only_instance(home):
        Agent(home, Host(root), checkpoint=checkpoint).once()


if __name__ == "__main__":
    main(Path(sys.argv[1]), None if sys.argv[2] == "-" else Path(sys.argv[2]), sys.argv[3])
