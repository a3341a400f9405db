"""Registers the system checks."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The top of the arrows: settings, routes, checks."""

    name = "config"

    def ready(self) -> None:
        """Load the checks, and the Celery application that `shared_task` binds to."""
        from config import celery, checks  # noqa: F401, PLC0415 - both register themselves by being imported
