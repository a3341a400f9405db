"""`python -m chaos schedulers|processes`: kill, and count; exit code 0 only if nothing was lost or doubled."""

import sys
from collections.abc import Sequence

from chaos.processes import command as processes
from chaos.schedulers import command as schedulers

PARTS = {"schedulers": schedulers.main, "processes": processes.main}


def main(arguments: Sequence[str]) -> int:
    """The part that is named, with the options that follow."""
    if not arguments or arguments[0] not in PARTS:
        print(f"usage: python -m chaos {'|'.join(PARTS)} [--help]", file=sys.stderr)
        return 2
    return PARTS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
