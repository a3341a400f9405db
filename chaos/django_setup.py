"""Django in this process, on the servers of a data folder."""

import os
from pathlib import Path

import django

from embedded import environment


def set_up(data_dir: Path) -> None:
    """Servers that answer, settings that know them, and no chatter; models can be imported from here on."""
    environment.prepare(data_dir=data_dir, quiet=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_LEVEL"] = "ERROR"
    django.setup()
