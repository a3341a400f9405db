"""The Django app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Named here so that its label and its path are the same word."""

    name = "reports"
