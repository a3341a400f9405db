"""`manage.py pause [--reason TEXT]`: nothing starts any more, of any customer."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from calendars import services


class Command(BaseCommand):
    """The brake."""

    help = "Let nothing start, of any customer, until `resume`. What runs already goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Why."""
        parser.add_argument("--reason", default="", help="shown to customers whose jobs do not start")

    def handle(self, *args: Any, **options: Any) -> None:
        """Pause, and say since when."""
        pause = services.pause_service(reason=options["reason"][:1_000], at=timezone.now())
        self.stdout.write(f"Paused since {pause.paused_at.isoformat(timespec='seconds')}.")
