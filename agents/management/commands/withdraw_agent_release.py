"""`manage.py withdraw_agent_release VERSION`: offer it to nobody any more."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agents import services
from core.errors import DomainError


class Command(BaseCommand):
    """Machines that have it keep it: only a higher version takes its place."""

    help = "Offer a release of the agent to nobody any more."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which."""
        parser.add_argument("version")

    def handle(self, *args: Any, **options: Any) -> None:
        """Withdraw."""
        try:
            services.withdraw(version=options["version"], at=timezone.now())
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"Release {options['version']} is withdrawn.")
