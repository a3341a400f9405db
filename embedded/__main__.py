"""Command line: ``python -m embedded run|exec|keep``."""

import argparse
import os
import sys
from collections.abc import Sequence

from embedded import environment, keeper
from embedded.errors import EmbeddedError
from embedded.files import data_folder


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    root = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the whole service until it is stopped")
    run.add_argument("--port", type=int, help="on 127.0.0.1; otherwise $PORT, or 8000, or a free one (0: a free one)")
    run.add_argument("--parent", type=int, help="used internally: stop when this process ends")
    run.add_argument("--no-first-sign-in", action="store_true", help="make no first customer on a fresh data folder")
    inside = commands.add_parser("exec", help="run a command with servers and environment: exec COMMAND …")
    inside.add_argument("--no-servers", action="store_true", help="only the environment, for what asks no server")
    inside.add_argument("argv", nargs=argparse.REMAINDER)
    keep = commands.add_parser("keep", help="used internally: keep servers running while somebody uses them")
    keep.add_argument("names", nargs="+", choices=keeper.NAMES)
    return root


def execute(argv: Sequence[str], *, servers: bool) -> None:
    """Become a command that finds servers and environment prepared; the lease goes with it, until it ends."""
    environment.prepare(start=servers)
    for descriptor in environment.leases.values():
        os.set_inheritable(descriptor, True)
    os.execvp(argv[0], list(argv))  # noqa: S606  no shell is wanted


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    try:
        if options.command == "keep":
            keeper.keep(data_dir=data_folder(), names=options.names)
            return 0
        if options.command == "exec":
            execute(options.argv, servers=not options.no_servers)
        # Only here: `keep` and `exec` are what a person waits for, and need nothing of it.
        from embedded import supervisor  # noqa: PLC0415

        return supervisor.run(
            data_dir=data_folder(),
            port=options.port,
            first_sign_in=not options.no_first_sign_in,
            parent=options.parent,
        )
    except EmbeddedError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
