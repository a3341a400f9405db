"""Pauses: nothing starts, of one customer's or of anybody's, until somebody says otherwise, whatever restarts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from calendars.models import CustomerPause, ServicePause
from core import events
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Paused:
    """That nothing starts: why, since when, and whether whoever operates the service said so."""

    reason: str
    since: datetime
    by_service: bool


def pause_customer(*, user: User, reason: str, at: datetime) -> CustomerPause:
    """Let nothing of the user's customer start. A second time only the reason changes, if another is given."""
    pause, is_new = CustomerPause.objects.for_customer(user.customer_id).get_or_create(
        customer_id=user.customer_id, defaults={"reason": reason, "paused_by": user, "paused_at": at}
    )
    if is_new:
        events.record(customer_id=user.customer_id, kind="customer.paused", at=at, data={"reason": reason})
    elif pause.reason != reason:
        pause.reason = reason
        pause.save(update_fields=["reason"])
    return pause


def resume_customer(*, user: User, at: datetime) -> None:
    """Let it start again; where it was not paused nothing changes."""
    gone, _ = CustomerPause.objects.for_customer(user.customer_id).delete()
    if gone:
        events.record(customer_id=user.customer_id, kind="customer.resumed", at=at)


def pause_service(*, reason: str, at: datetime) -> ServicePause:
    """Let nothing start, of any customer. A second time only the reason changes."""
    pause, is_new = ServicePause.objects.get_or_create(place=1, defaults={"reason": reason, "paused_at": at})
    if not is_new and pause.reason != reason:
        pause.reason = reason
        pause.save(update_fields=["reason"])
    return pause


def resume_service() -> bool:
    """Let everything start again. False where it was not paused."""
    gone, _ = ServicePause.objects.all().delete()
    return bool(gone)


def paused(customer_ids: Collection[int]) -> dict[int, Paused]:
    """Which of these customers are paused, by two queries. The service's own pause comes before a customer's."""
    everybody = ServicePause.objects.first()
    if everybody is not None:
        return dict.fromkeys(customer_ids, Paused(everybody.reason, everybody.paused_at, by_service=True))
    rows = CustomerPause.objects.filter(customer_id__in=customer_ids)
    return {
        customer_id: Paused(reason, since, by_service=False)
        for customer_id, reason, since in rows.values_list("customer_id", "reason", "paused_at")
    }
