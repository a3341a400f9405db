"""Where a mistake gets into the processes of the service."""

import os

from django.apps import AppConfig

VARIABLE = "CHAOS_BUG"


class Seeded(AppConfig):
    """The last app: all others are loaded when it puts the mistake in."""

    name = "chaos.processes"
    label = "chaos_processes"

    def ready(self) -> None:
        """Put in what the environment names."""
        # Imports models, which are there only now.
        from chaos.processes.bugs import BUGS  # noqa: PLC0415

        if bug := os.environ.get(VARIABLE):
            BUGS[bug]()
