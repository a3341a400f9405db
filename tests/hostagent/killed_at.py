"""`python -m tests.hostagent.killed_at HOME ROOT CHECKPOINT`: an agent that SIGKILL hits at a checkpoint."""

import os
import signal
import sys
from pathlib import Path

from hostagent.agent import Agent
from hostagent.host import Host
from hostagent.lock import only_instance


def main(home: Path, root: Path, name: str) -> None:
    def checkpoint(reached: str) -> None:
        if reached == name:
            os.kill(os.getpid(), signal.SIGKILL)

    with only_instance(home):
        Agent(home, Host(root), checkpoint=checkpoint).once()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
