#!/usr/bin/env python
"""Django's command line; on a fresh clone it brings its own Postgres and broker for as long as the command runs."""

import os
import sys

from embedded import environment
from embedded.errors import EmbeddedError

# These ask no server anything: they need not wait for one.
WITHOUT_SERVERS = {"help", "--help", "-h", "version", "--version"}


def main() -> None:
    """Prepare the environment, then hand over to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        environment.prepare(start=WITHOUT_SERVERS.isdisjoint(sys.argv[1:] or ["help"]))
    except EmbeddedError as error:
        sys.exit(str(error))
    # Django reads settings as soon as it is imported here, so not before they are there.
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
