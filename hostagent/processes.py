"""Children that have effects: started behind a gate, held together with all that they start, ended as a whole.

The gate opens once the journal holds the child's process id. If we die before, the child leaves without effect. So
after a crash either the journal names the process, or nothing has happened.
"""

import sys

from hostagent.clock import Clock
from hostagent.platforms.children import Child

if sys.platform == "win32":
    from hostagent.platforms.windows.processes import (
        LINGERS,
        adopted,
        boot_id,
        end,
        end_all,
        is_itself_running,
        members_of,
        start,
    )
else:
    from hostagent.platforms.posix.processes import (
        LINGERS,
        adopted,
        boot_id,
        end,
        end_all,
        is_itself_running,
        members_of,
        start,
    )

__all__ = ["Child", "adopted", "boot_id", "end", "end_all", "is_running", "members_of", "start", "wait_for"]


def is_running(child: Child) -> bool:
    """Whether the child, or anything that it started, still runs."""
    return bool(members_of(child))


def wait_for(child: Child, *, clock: Clock, seconds: float) -> bool:
    """Wait until nothing of the child runs; False when it still does after `seconds`.

    Where what a child starts may be there to stay (LINGERS), that is not waited for much longer than for the child.
    """
    deadline = clock.monotonic() + seconds
    last_seen = clock.monotonic()
    while is_running(child):
        if clock.monotonic() > deadline:
            return False
        if is_itself_running(child):
            last_seen = clock.monotonic()
        elif clock.monotonic() - last_seen > LINGERS:
            return True
        clock.sleep(0.1)
    return True
