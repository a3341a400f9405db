"""The Django app."""

from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    """Named here so that its label and its path are the same word."""

    name = "calendars"
