"""The sweep: tells the members of tags anew whose queries may find others by now."""

from datetime import datetime, timedelta

from django.conf import settings

from core.customer_context import acting_for, scheduling
from inventory.models import Tag
from inventory.services.membership import recheck

BATCH = 100


def sweep_tags(*, at: datetime) -> int:
    """Look after the tags that nobody has looked after for long enough. Returns how many.

    Each is claimed in a transaction of its own, so that two sweeps at once do not do the same, and that one which dies
    loses one turn and no more.
    """
    due = at - timedelta(seconds=settings.TAG_RECHECK_SECONDS)
    with scheduling():
        waiting = Tag.objects.filter(members_told_at__lte=due).order_by("members_told_at")
        found = list(waiting.values_list("customer_id", "pk")[:BATCH])
    return sum(_look_after(customer_id, tag_id, due=due, at=at) for customer_id, tag_id in found)


def _look_after(customer_id: int, tag_id: int, *, due: datetime, at: datetime) -> bool:
    with acting_for(customer_id):
        mine = Tag.objects.for_customer(customer_id).filter(pk=tag_id, members_told_at__lte=due)
        if not mine.update(members_told_at=at):
            return False
    with acting_for(customer_id):
        tag = Tag.objects.for_customer(customer_id).filter(pk=tag_id).exclude(query="").first()
        if tag is not None:
            recheck(tag=tag, at=at)
    return True
