"""`manage.py resume`: what `pause` held back may start again."""

from typing import Any

from django.core.management.base import BaseCommand

from calendars import services


class Command(BaseCommand):
    """The brake, released."""

    help = "End a pause of the whole service."

    def handle(self, *args: Any, **options: Any) -> None:
        """Resume, and say whether there was anything to resume."""
        self.stdout.write("Resumed." if services.resume_service() else "Nothing was paused.")
