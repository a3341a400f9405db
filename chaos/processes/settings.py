"""The service's settings, with one mistake put in where the harness asks for it; nothing of the service knows this."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "chaos.processes.apps.Seeded"]
