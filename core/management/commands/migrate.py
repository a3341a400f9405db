"""`manage.py migrate`, which connects as the role that owns the tables."""

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Django's own, with `--database owner` as its default where `DATABASE_OWNER_URL` is set."""

    def add_arguments(self, parser: CommandParser) -> None:
        """The role that serves may not change tables, so it is no sensible default."""
        super().add_arguments(parser)
        if "owner" in connections:
            parser.set_defaults(database="owner")
