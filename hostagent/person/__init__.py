"""The person at the machine, one module per way to reach them."""

import sys

from hostagent.host import Host
from hostagent.person.base import Dialog, Notice, Prompter
from hostagent.person.nobody import Nobody

if sys.platform == "win32":
    from hostagent.person.windows import Sessions as Screens
else:
    from hostagent.person.linux import Desktop as Screens

__all__ = ["Dialog", "Notice", "Prompter", "prompter_of"]


def prompter_of(host: Host) -> Prompter:
    """Who speaks to the people of this host. A folder that plays a machine has none."""
    return Nobody() if host.is_rooted else Screens()
