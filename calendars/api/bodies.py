"""What is sent of calendars, freezes and pauses."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from calendars.expanding import instant_of, offset_instant
from calendars.services import Content
from calendars.services.definitions import DAILY_MINUTES
from calendars.services.refreshing import MAX_TEXT_BYTES
from core import outgoing
from core.errors import EXCLUDES, MISSING
from core.paging import ListParameters
from core.shapes import Flag, NotSet, Report, Shape, Text, Values, WholeNumber
from scheduling import freezes, local_time, recurrence, zones

MAX_ENTRIES = 5_000
HOURLY = 60
SOURCES = ("entries", "ics", "url")
_TIME = (
    "What clocks in the calendar's zone show (`2026-12-24T18:00:00`), or an instant of ISO 8601 with an offset "
    "(`2026-12-24T17:00:00Z`)."
)


def _zone(value: str) -> str:
    name = zones.canonical_name(value)
    if name is None:
        raise ValueError("must be an IANA time zone, such as Europe/Berlin or UTC")
    return name


def _time(value: str) -> str:
    """In one spelling: local without an offset, or in UTC."""
    instant = offset_instant(value)
    found = instant or local_time.parse(value)
    if not recurrence.FIRST_YEAR < found.year < recurrence.LAST_YEAR:
        raise ValueError(f"must be after the year {recurrence.FIRST_YEAR} and before {recurrence.LAST_YEAR}")
    if instant:
        return instant.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return found.isoformat(timespec="seconds")


def _rule(value: str | None) -> str | None:
    if value is None:
        return None
    rule = value.strip().removeprefix("RRULE:")
    if wrong := freezes.rule_problem(rule):
        raise ValueError(f"must be a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=FR: {wrong}")
    return rule


def _text(value: str | None) -> str | None:
    if value is not None and len(value.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise ValueError(f"must be at most {MAX_TEXT_BYTES} bytes long in UTF-8")
    return value


def _address(value: str | None) -> str | None:
    return None if value is None else outgoing.allowed(value)


class EntryBody(Shape):
    """A stretch of time in which nothing is to start, once or again and again."""

    start: Annotated[Text, AfterValidator(_time), Field(description=_TIME)]
    end: Annotated[Text, AfterValidator(_time), Field(description=f"Not itself frozen any more. {_TIME}")]
    summary: Annotated[
        Text | None, NotSet, Field(max_length=freezes.LONGEST_SUMMARY, description="Why, for people.")
    ] = None
    rrule: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_rule),
        Field(
            max_length=500,
            description="How it repeats: a rule of RFC 5545, daily, weekly, monthly or yearly, by the clocks of the "
            "calendar's zone.",
            examples=["FREQ=WEEKLY;BYDAY=FR"],
        ),
    ] = None


def _one_source(values: Values, report: Report) -> None:
    if not values.sound(*SOURCES):
        return
    given = [name for name in SOURCES if values.get(name) is not None]
    if not given:
        report.add("entries", "required", "is required, or else ics or url", MISSING)
    for name in given[1:]:
        report.add(name, "excludes", f"excludes {given[0]}; send one of entries, ics and url", EXCLUDES)
    if values.get("refresh_minutes") is not None and values.sound("refresh_minutes") and "url" not in given:
        report.add("refresh_minutes", "excludes", "is only for a calendar with a url; leave it out", EXCLUDES)


def _entries_end_after_they_start(values: Values, report: Report) -> None:
    if not values.sound("entries", "timezone"):
        return
    for place, one in enumerate(values.get("entries") or ()):
        start, end = (instant_of(text, values.get("timezone")) for text in (one.start, one.end))
        if end <= start:
            report.add(f"entries[{place}].end", "invalid", "must be after start")


class CalendarFields(Shape):
    """The fields that may be left out."""

    ignored_keys: ClassVar = frozenset(
        {"id", "source", "fetchedDate", "error", "freezesUntilDate", "createdBy", "updatedBy"}
    )
    shape_rules: ClassVar = (_one_source, _entries_end_after_they_start)

    description: Annotated[Text | None, Field(max_length=10_000, description="For people.")] = None
    is_global: Annotated[
        Flag, Field(alias="global", description="Holds every job of the customer's back, whether it names it or not.")
    ] = False
    timezone: Annotated[
        Text, NotSet, AfterValidator(_zone), Field(description="Of floating times and whole days: an IANA name.")
    ] = "UTC"
    entries: Annotated[
        list[EntryBody] | None, Field(max_length=MAX_ENTRIES, description="The freezes themselves. They may overlap.")
    ] = None
    ics: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_text),
        Field(
            max_length=MAX_TEXT_BYTES,
            description="An iCalendar text (RFC 5545), at most 1 MiB: every event that is not cancelled is a freeze.",
        ),
    ] = None
    url: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_address),
        Field(
            max_length=2_000,
            description="Where such a text is kept: `https` or `http` on a public host, without a redirect. A worker "
            "fetches it; whatever fails later, the last good copy counts.",
            examples=["https://calendars.example.com/freezes.ics"],
        ),
    ] = None
    refresh_minutes: Annotated[
        WholeNumber | None,
        Field(ge=5, le=DAILY_MINUTES, description="Between two fetches of `url`; an hour where nothing is said."),
    ] = None


class CalendarBody(CalendarFields):
    """A calendar: its name, and one of `entries`, `ics` and `url`."""

    name: Annotated[Text, NotSet, Field(min_length=1, max_length=200, description="Unique within the customer.")]


class CalendarChange(CalendarFields):
    """What is to change of a calendar; what it is made of changes as a whole."""

    name: Annotated[Text | None, NotSet, Field(min_length=1, max_length=200)] = None


class CalendarParameters(ListParameters):
    """Which calendars to list."""

    name: Annotated[Text | None, NotSet, Field(description="Calendars whose name contains this, in any case.")] = None


def _ends_after_it_starts(values: Values, report: Report) -> None:
    start, end = values.get("from_"), values.get("to")
    if start and end and end <= start:
        report.add("to", "invalid", "must be after from")


class FreezeParameters(ListParameters):
    """Which freezes of a calendar to list."""

    shape_rules: ClassVar = (_ends_after_it_starts,)

    from_: Annotated[
        datetime | None, Field(alias="from", description="Freezes that have not ended by then; now where it is absent.")
    ] = None
    to: Annotated[datetime | None, Field(description="Freezes that have begun before then.")] = None


class PauseBody(Shape):
    """Whether anything of the customer's may start."""

    ignored_keys: ClassVar = frozenset({"pausedBy", "servicePaused", "serviceReason"})

    paused: Annotated[Flag, Field(description="True lets nothing start until somebody says false.")]
    reason: Annotated[Text | None, NotSet, Field(max_length=1_000, description="Why, for people.")] = None


def content_of(body: CalendarBody) -> Content:
    """What the services take."""
    return Content(
        name=body.name,
        description=body.description or "",
        is_global=body.is_global,
        timezone=body.timezone,
        entries=None if body.entries is None else [_entry(one) for one in body.entries],
        ics=body.ics or "",
        url=body.url or "",
        refresh_minutes=(body.refresh_minutes or HOURLY) if body.url else DAILY_MINUTES,
    )


def _entry(one: EntryBody) -> dict[str, Any]:
    return {"start": one.start, "end": one.end, "summary": one.summary, "rrule": one.rrule}
