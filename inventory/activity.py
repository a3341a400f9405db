"""Whether an asset's agent is still about."""

from datetime import datetime, timedelta

from django.db.models import Q, TextChoices
from django.db.models.functions import Now

SILENT_AFTER = timedelta(days=30)


class AssetStatus(TextChoices):
    """By when its agent was last heard of."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


# As a condition on assets, by the database's clock.
ACTIVE = Q(last_contact_at__isnull=False, last_contact_at__gt=Now() - SILENT_AFTER)
CONDITIONS = {AssetStatus.ACTIVE: ACTIVE, AssetStatus.INACTIVE: ~ACTIVE}


def is_active(last_contact_at: datetime | None, at: datetime) -> bool:
    """The same of one asset."""
    return last_contact_at is not None and last_contact_at > at - SILENT_AFTER
