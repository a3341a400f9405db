"""What calendars say of an instant, for many jobs at once: a constant number of queries, each by an index."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F, OuterRef, Q, Subquery

from calendars.models import Calendar, Freeze

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Held:
    """Whose something is, and the keys of the calendars that it names; the customer's global ones hold it, too."""

    customer_id: int
    calendar_ids: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Frozen:
    """That something is frozen: by which calendar, why, and until when really nothing freezes it any more."""

    calendar_id: int
    calendar: str
    summary: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """One freeze of a calendar."""

    calendar_id: int
    calendar: str
    summary: str
    starts_at: datetime
    ends_at: datetime


def freeze_of(*, customer_id: int, calendar_ids: Collection[int], at: datetime) -> Frozen | None:
    """Whether something that names these calendars is frozen at an instant; None where it is not."""
    return freezes_of({None: Held(customer_id, calendar_ids)}, at=at).get(None)


def freezes_of(held: Mapping[K, Held], *, at: datetime) -> dict[K, Frozen]:
    """The same for many: those that are frozen at an instant, by their keys. Three queries, however many they are.

    Works in a customer's context as well as in that of the scheduler role, which sees all customers.
    """
    calendars = _calendars(held.values(), at=at)
    now = _frozen_now(calendars, at=at)
    if not now:
        return {}
    holding = {key: _holding(one, calendars) for key, one in held.items()}
    frozen = {key: ids for key, ids in holding.items() if not ids.isdisjoint(now)}
    later = _later({pk for ids in frozen.values() if len(ids) > 1 for pk in ids}, at=at)
    return {key: _frozen(ids, calendars, now, later) for key, ids in frozen.items()}


def freezes_between(
    *, customer_id: int, calendar_ids: Collection[int], start: datetime, end: datetime
) -> list[Stretch]:
    """The freezes that hold something which names these calendars between two instants, by start; one query."""
    rows = (
        Freeze.objects.for_customer(customer_id)
        .filter(Q(calendar_id__in=calendar_ids) | Q(calendar__is_global=True), starts_at__lt=end, ends_at__gt=start)
        .order_by("starts_at", "pk")
    )
    return [Stretch(*row) for row in rows.values_list("calendar_id", "calendar__name", *_STRETCH)]


def frozen_at(stretches: Sequence[Stretch], at: datetime) -> Frozen | None:
    """What `freezes_between` found, asked of one instant: as `freeze_of`, as far as these stretches reach."""
    now = [one for one in stretches if one.starts_at <= at < one.ends_at]
    if not now:
        return None
    longest = max(now, key=lambda one: one.ends_at)
    end = _end(longest.ends_at, [(one.starts_at, one.ends_at) for one in stretches])
    return Frozen(longest.calendar_id, longest.calendar, longest.summary, end)


_STRETCH = ("summary", "starts_at", "ends_at")


def _calendars(held: Iterable[Held], *, at: datetime) -> dict[int, Any]:
    """The calendars concerned, each with the freeze of it that began last before the instant."""
    every = list(held)
    customers = {one.customer_id for one in every}
    named = {pk for one in every for pk in one.calendar_ids}
    last = Freeze.objects.filter(customer_id=OuterRef("customer_id"), calendar_id=OuterRef("pk"), starts_at__lte=at)
    rows = (
        Calendar.objects.filter(Q(pk__in=named) | Q(is_global=True), customer_id__in=customers)
        .annotate(freeze_id_=Subquery(last.order_by("-starts_at").values("pk")[:1]))
        .only("pk", "customer_id", "name", "is_global")
    )
    return {one.pk: one for one in rows}


def _frozen_now(calendars: Mapping[int, Any], *, at: datetime) -> dict[int, Freeze]:
    """Calendar → the freeze that began last, where the stretch which it lies in has not ended."""
    ids = [one.freeze_id_ for one in calendars.values() if one.freeze_id_ is not None]
    rows = Freeze.objects.filter(pk__in=ids, block_ends_at__gt=at).only("calendar_id", "summary", "block_ends_at")
    return {one.calendar_id: one for one in rows}


def _holding(one: Held, calendars: Mapping[int, Any]) -> set[int]:
    """The calendars that hold it back. A named one of another customer does not."""
    return {
        pk
        for pk, calendar in calendars.items()
        if calendar.customer_id == one.customer_id and (calendar.is_global or pk in one.calendar_ids)
    }


def _later(calendar_ids: Collection[int], *, at: datetime) -> dict[int, list[tuple[datetime, datetime]]]:
    """The stretches of these calendars that begin after the instant: one of them may take over from another."""
    found: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
    if not calendar_ids:
        return found
    rows = Freeze.objects.filter(calendar_id__in=calendar_ids, starts_at__gt=at, starts_at=F("block_starts_at"))
    for pk, start, end in rows.values_list("calendar_id", "block_starts_at", "block_ends_at"):
        found[pk].append((start, end))
    return found


def _frozen(
    ids: Collection[int],
    calendars: Mapping[int, Any],
    now: Mapping[int, Freeze],
    later: Mapping[int, list[tuple[datetime, datetime]]],
) -> Frozen:
    longest = max((now[pk] for pk in ids if pk in now), key=lambda one: one.block_ends_at)
    end = _end(longest.block_ends_at, [one for pk in ids for one in later.get(pk, ())])
    return Frozen(longest.calendar_id, calendars[longest.calendar_id].name, longest.summary, end)


def _end(end: datetime, stretches: Iterable[tuple[datetime, datetime]]) -> datetime:
    """When nothing freezes any more: a stretch that begins by the end of another goes on from there."""
    for start, until in sorted(stretches):
        if start > end:
            break
        end = max(end, until)
    return end
