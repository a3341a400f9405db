"""`manage.py build_agent_release KEYFILE FOLDER`: sign a release of the agent, on the machine that has the key."""

import base64
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents import releasing
from core.errors import DomainError


class Command(BaseCommand):
    """Needs no database."""

    help = "Pack and sign the agent. Keep the key away from the service."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from, and where to."""
        parser.add_argument("key", type=Path, help="a file with an Ed25519 private key in PEM")
        parser.add_argument("folder", type=Path, help="where the release is written")
        parser.add_argument("--new-key", action="store_true", help="make the key first")
        parser.add_argument("--sources", type=Path, default=Path(settings.BASE_DIR) / "hostagent", help="the package")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build, and say what the settings need."""
        try:
            key = releasing.new_key(options["key"]) if options["new_key"] else releasing.load_key(options["key"])
            built = releasing.build(options["sources"], key)
        except (DomainError, FileExistsError) as error:
            raise CommandError(str(error)) from error
        built.write(options["folder"])
        public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        self.stdout.write(f"Release {built.version} is in {options['folder']}.")
        self.stdout.write(f"AGENT_RELEASE_KEYS={built.key_id}:{public}")
