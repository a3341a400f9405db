"""`manage.py publish_agent_release FOLDER [--customer NAME]`: offer a signed release to agents."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from agents import releasing, services
from core.errors import DomainError


class Command(BaseCommand):
    """To some customers first, and to all later."""

    help = "Offer a release of the agent, which build_agent_release made, to all agents or to some customers'."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, and to whom."""
        parser.add_argument("folder", type=Path, help="what build_agent_release wrote")
        parser.add_argument("--customer", action="append", default=[], help="by name, repeatable; all where absent")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish, and say to whom."""
        try:
            built = releasing.read(options["folder"])
            release = services.publish(built=built, customers=options["customer"], at=timezone.now())
        except DomainError as error:
            raise CommandError(error.message) from error
        whom = "all" if release.for_all else ", ".join(options["customer"])
        self.stdout.write(f"Release {release.version} is offered to {whom}.")
