"""`manage.py create_customer NAME --admin USER --password PW`: a tenant, ready to be used."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.errors import DomainError
from tenants import services


class Command(BaseCommand):
    """The first thing that an installation needs."""

    help = "Make a customer with its first administrator, and print all ids and an agent activation key as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, user, password, mail address."""
        parser.add_argument("name")
        parser.add_argument("--admin", required=True, metavar="USER", help="the first administrator's user name")
        parser.add_argument("--password", required=True, help="'-' reads it from standard input")
        parser.add_argument("--email", default="", help="the administrator's mail address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create and print."""
        from_input = options["password"] == "-"  # noqa: S105 - a dash, no password
        password = sys.stdin.readline().rstrip("\n") if from_input else options["password"]
        try:
            made = services.create_customer(
                name=options["name"],
                username=options["admin"],
                password=password,
                email=options["email"],
                at=timezone.now(),
            )
        except DomainError as refused:
            raise CommandError(str(refused)) from refused
        answer = {
            "customerId": str(made.customer.public_id),
            "name": made.customer.name,
            "userId": str(made.admin.public_id),
            "username": made.admin.username,
            "activationKey": made.activation_key,
        }
        self.stdout.write(json.dumps(answer, indent=2))
