"""Custom patch URLs."""

from datetime import datetime

from django.db.models import ProtectedError

from core.errors import Conflict
from inventory.models import Counted, CustomPatchUrl
from inventory.services.numbers import next_number
from tenants.models import User


def create_custom_patch_url(*, customer_id: int, user: User, url: str, name: str, at: datetime) -> CustomPatchUrl:
    """Make one. Raises Conflict where the customer has this address already."""
    # It comes first: whoever has the counter's row is alone in asking what there is.
    number = next_number(customer_id=customer_id, of=Counted.CUSTOM_PATCH_URLS)
    known = CustomPatchUrl.objects.for_customer(customer_id).filter(url=url).first()
    if known is not None:
        raise Conflict(f"The custom patch URL {known.number} has this address already.")
    made: CustomPatchUrl = CustomPatchUrl.objects.create(
        customer_id=customer_id, number=number, url=url, name=name, created_by=user, created_at=at
    )
    return made


def delete_custom_patch_url(*, custom_patch_url: CustomPatchUrl) -> None:
    """Delete one. Raises Conflict while a job names it."""
    number = custom_patch_url.number
    try:
        custom_patch_url.delete()
    except ProtectedError as used:
        raise Conflict(f"Jobs name the custom patch URL {number}. Change or delete them first.") from used
