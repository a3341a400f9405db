"""Calendars are looked after by workers: fetched from where customers keep them, and worked out anew every day."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from calendars import expanding
from calendars.models import Calendar, Freeze, Source
from core import events, outgoing
from core.customer_context import acting_for, scheduling
from core.errors import Conflict
from core.models import Event
from core.outgoing import FetchError
from scheduling import freezes
from scheduling.freezes import LONGEST_SUMMARY, Unreadable

log = logging.getLogger(__name__)

BATCH = 500
MAX_TEXT_BYTES = 1024 * 1024
_ACCEPT = "text/calendar, text/plain;q=0.5, */*;q=0.1"
_DAY = timedelta(days=1)
_KIND = "calendar.refresh_wanted"
_CHANGED = "calendar.changed"


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at a calendar found: a text and its freezes, only one of the two, or what is in the way."""

    error: str = ""
    fetched: outgoing.Fetched | None = None
    text: str | None = None
    found: Sequence[freezes.Freeze] | None = None


def want_refresh(*, calendar: Calendar, at: datetime) -> None:
    """Let a worker fetch it soon. Raises Conflict where it has no URL."""
    if calendar.source != Source.URL:
        raise Conflict(f"The calendar {calendar.name!r} has no url to be fetched from.")
    tell_of_wanted_refresh(calendar, at=at)


def tell_of_wanted_refresh(calendar: Calendar, *, at: datetime) -> None:
    """Record the event that wakes a worker."""
    events.record(customer_id=calendar.customer_id, kind=_KIND, at=at, data={"calendarId": calendar.pk})


def tell_of_change(calendar: Calendar, *, at: datetime) -> None:
    """Record the event after which those who wait for the end of its freezes look again."""
    events.record(customer_id=calendar.customer_id, kind=_CHANGED, at=at, data={"calendarId": calendar.pk})


def sweep() -> int:
    """Have every calendar looked after whose time has come, of all customers. Returns how many.

    By the database's clock; any number of workers may sweep at once.
    """
    with scheduling():
        due = list(
            Calendar.objects.filter(due_at__lte=Now())
            .order_by("due_at")
            .annotate(now=Now())
            .only("pk", "customer_id", "due_at", "refresh_minutes")
            .select_for_update(skip_locked=True)[:BATCH]
        )
        events.record_many(
            Event(customer_id=one.customer_id, kind=_KIND, occurred_at=one.now, data={"calendarId": one.pk})
            for one in due
        )
        for one in due:
            one.due_at = one.now + timedelta(minutes=one.refresh_minutes)
        Calendar.objects.bulk_update(due, ["due_at"])
    return len(due)


def refresh(*, customer_id: int, calendar_id: int) -> None:
    """Fetch a calendar where it has a URL, and work its freezes out anew where that is due.

    Outside of any transaction, for servers may be slow. Whatever fails, the freezes stay as they are, and the calendar
    says what it was.
    """
    with acting_for(customer_id):
        calendar = Calendar.objects.for_customer(customer_id).filter(pk=calendar_id).first()
    if calendar is None:
        return
    look = _look(calendar, at=timezone.now())
    with acting_for(customer_id):
        rows = Calendar.objects.for_customer(customer_id).filter(pk=calendar_id, revision=calendar.revision)
        current = rows.select_for_update().first()
        # What was changed meanwhile has a worker of its own.
        if current is not None:
            _settle(current, look, at=timezone.now())


def store_freezes(calendar: Calendar, found: Sequence[freezes.Freeze], *, at: datetime) -> None:
    """Put these in place of the calendar's freezes; they come by start."""
    rows = Freeze.objects.for_customer(calendar.customer_id)
    rows.filter(calendar=calendar).delete()
    rows.bulk_create(
        (
            Freeze(
                customer_id=calendar.customer_id,
                calendar=calendar,
                starts_at=one.freeze.start,
                ends_at=one.freeze.end,
                summary=one.freeze.summary[:LONGEST_SUMMARY],
                block_starts_at=one.start,
                block_ends_at=one.end,
            )
            for one in expanding.blocks(found)
        ),
        batch_size=1_000,
    )
    calendar.expanded_until = at + expanding.AHEAD
    calendar.save(update_fields=["expanded_until"])
    tell_of_change(calendar, at=at)


def _look(calendar: Calendar, *, at: datetime) -> _Look:
    """What is there now. A copy that cannot be fetched or read is no reason to let go of the last good one."""
    if calendar.source != Source.URL:
        return _worked_out(calendar, None, at=at)
    try:
        fetched = outgoing.fetch(
            calendar.url,
            most=MAX_TEXT_BYTES,
            accept=_ACCEPT,
            etag=calendar.etag,
            last_modified=calendar.last_modified,
        )
        text = None if fetched.body is None else fetched.body.decode("utf-8-sig").replace("\0", "")
    except FetchError as failed:
        return _without_copy(calendar, str(failed), at=at)
    except UnicodeDecodeError:
        return _without_copy(calendar, "the text is not UTF-8", at=at)
    return _worked_out(calendar, fetched, text=text, at=at)


def _worked_out(
    calendar: Calendar, fetched: outgoing.Fetched | None, *, text: str | None = None, at: datetime
) -> _Look:
    if (text is None or text == calendar.ics) and not _is_stale(calendar, at=at):
        return _Look(fetched=fetched, text=text)
    try:
        if calendar.source == Source.ENTRIES:
            found = expanding.of_entries(calendar.entries or (), zone=calendar.timezone, at=at)
        else:
            found = expanding.of_text(calendar.ics if text is None else text, zone=calendar.timezone, at=at)
    except Unreadable as refused:
        return _Look(error=str(refused)) if text is None else _without_copy(calendar, str(refused), at=at)
    return _Look(fetched=fetched, text=text, found=found)


def _without_copy(calendar: Calendar, error: str, *, at: datetime) -> _Look:
    """The last good copy, by which the freezes of the days to come are worked out all the same."""
    log.info("calendar %s of customer %s: %s", calendar.public_id, calendar.customer_id, error)
    again = _worked_out(calendar, None, at=at) if calendar.ics else _Look()
    return _Look(error=error, found=again.found)


def _is_stale(calendar: Calendar, *, at: datetime) -> bool:
    return calendar.expanded_until is None or calendar.expanded_until < at + expanding.AHEAD - _DAY


def _settle(calendar: Calendar, look: _Look, *, at: datetime) -> None:
    calendar.error = look.error[:2_000]
    if look.fetched is not None:
        calendar.fetched_at = at
    if look.fetched is not None and look.text is not None:
        calendar.ics, calendar.etag, calendar.last_modified = look.text, look.fetched.etag, look.fetched.last_modified
    calendar.save(update_fields=["error", "fetched_at", "ics", "etag", "last_modified"])
    if look.found is not None:
        store_freezes(calendar, look.found, at=at)
