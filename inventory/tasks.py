"""Celery's way in."""

from celery import shared_task
from django.utils import timezone

from inventory import services


@shared_task(name="inventory.sweep_tags")
def sweep_tags() -> None:
    """Tell the members of tags anew whose queries may find others by now."""
    services.sweep_tags(at=timezone.now())
