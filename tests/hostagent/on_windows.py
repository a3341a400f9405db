"""`python -m tests.hostagent.on_windows FOLDER`: what Windows' own calls do there, as one JSON object."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from hostagent import processes
from hostagent.clock import Clock
from hostagent.host import Host
from hostagent.journal import no_checkpoint
from hostagent.lock import try_lock
from hostagent.platforms.windows import processes as own
from hostagent.platforms.windows.registry import Registry
from hostagent.platforms.windows.shells import has_powershell

_SLEEP = "import time; time.sleep(60)"
_TREE = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, '-c', {_SLEEP!r}]).pid, flush=True)
"""


def main(folder: Path) -> None:
    """Each answer by its name."""
    print(json.dumps({"tree": tree(folder), "orphan": orphan(folder), "gate": gate(folder), "lock": lock(folder),
                      "powershell": has_powershell(), "bootIds": len({processes.boot_id(), processes.boot_id()}),
                      "noKey": Registry().has("HKEY_LOCAL_MACHINE", "SOFTWARE\\Nothing")}))  # fmt: skip


def start(folder: Path, code: str, on_started: Any = lambda child: None) -> Any:
    """A Python that runs this code, as a child that the journal would know."""
    with (folder / "out").open("wb") as sink:
        return processes.start(
            [sys.executable, "-c", code],
            env=Host().environment(),
            cwd=folder,
            stdout=sink,
            on_started=on_started,
            checkpoint=no_checkpoint,
        )


def tree(folder: Path) -> list[Any]:
    """Whether a child's own child is known, and what runs after their end."""
    process, child = start(folder, f"{_TREE}time.sleep(60)")
    known = grandchild(folder) in processes.members_of(child)
    processes.end(child, grace=1)
    process.wait(10)
    return [known, processes.members_of(child)]


def orphan(folder: Path) -> list[Any]:
    """The same, where the child has ended and its own one has not; then by the job, and by who started whom."""
    process, child = start(folder, _TREE)
    process.wait(30)
    pid = grandchild(folder)
    known = [pid in processes.members_of(child), pid in own._descendants(child), processes.is_itself_running(child)]
    processes.end(child, grace=1)
    return [*known, processes.members_of(child)]


def gate(folder: Path) -> list[Any]:
    """A child whose noting fails has done nothing, and is gone."""
    noted: list[processes.Child] = []

    def fail(child: processes.Child) -> None:
        noted.append(child)
        raise RuntimeError("the disk is full")

    try:
        start(folder, "open('effect', 'w')", fail)
    except RuntimeError as error:
        time.sleep(0.5)
        return [str(error), processes.is_running(noted[0]), (folder / "effect").exists()]
    return []


def lock(folder: Path) -> list[bool]:
    """Whether it is taken first, a second time, and after it was let go."""
    with (folder / "lock").open("ab") as first, (folder / "lock").open("ab") as second:
        taken = [try_lock(first), try_lock(second)]
    with (folder / "lock").open("ab") as third:
        return [*taken, try_lock(third)]


def grandchild(folder: Path) -> int:
    """Its process id, once it has one."""
    clock = Clock()
    deadline = clock.monotonic() + 20
    while not (said := (folder / "out").read_text().strip()) and clock.monotonic() < deadline:
        clock.sleep(0.05)
    return int(said)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
