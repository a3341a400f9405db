"""`manage.py relay`: publish the outbox until stopped."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from core import relay


class Command(BaseCommand):
    """The process that reads the outbox."""

    help = "Publish what the outbox holds, until stopped by SIGTERM or SIGINT."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal says otherwise; the batch in hand is finished first."""
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _: stopping.append(received))
        relay.run(stopped=lambda: bool(stopping))
