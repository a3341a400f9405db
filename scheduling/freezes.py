"""Which stretches of time an iCalendar text (RFC 5545) freezes. Pure functions; no Django.

Every event is a freeze, whether it is said to make its owner busy or not, unless it is cancelled. Reading and
repeating is done by the libraries `icalendar` and `recurring_ical_events`.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import recurring_ical_events
from icalendar import Calendar, Event
from icalendar.parser import Contentline
from icalendar.prop import vRecur

from scheduling import zones

MOST_FREEZES = 10_000
LONGEST_SUMMARY = 200
# More often than that nobody freezes anything; a rule by the second would be as long as its text is short.
_MOST_A_DAY = 24
_REPEATS = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_REPEATING = {"RRULE", "RDATE", "EXRULE", "RECURRENCE-ID"}
# What says when an event is: whichever of two is meant, nobody knows.
_SAID_ONCE: Mapping[str, tuple[type | None, str]] = {
    "DTSTART": (date, "a date, or a date and a time"),
    "DTEND": (date, "a date, or a date and a time"),
    "DURATION": (timedelta, "a length of time"),
    "RECURRENCE-ID": (date, "a date, or a date and a time"),
    "STATUS": (None, "a word"),
}
# The highest of each.
_TIMES_OF_DAY = {"BYHOUR": 23, "BYMINUTE": 59, "BYSECOND": 59}
# Around a period, what the libraries leave out because they compare wall-clock times of different zones.
_MARGIN = timedelta(days=2)
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Freeze:
    """From `start` until just before `end`, both in UTC."""

    start: datetime
    end: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a text, and where: a line, or an event by its name."""

    where: str
    message: str


class Unreadable(ValueError):
    """A text that says no freezes. `problems` name the lines or the events."""

    def __init__(self, problems: Sequence[Wrong]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.where}: {one.message}" for one in problems))


def frozen(text: str, *, zone: str, start: datetime, end: datetime, most: int = MOST_FREEZES) -> list[Freeze]:
    """What a text freezes between two instants, by start. Freezes may overlap; they are not cut at the period's ends.

    `zone` is the canonical name of the zone that floating times and whole days are in. Raises Unreadable for a text
    that is no iCalendar, for events that cannot be meant, and for more than `most` freezes.
    """
    calendars = _calendars(text)
    problems: list[Wrong] = []
    found: list[Freeze] = []
    for calendar in calendars:
        for events in _series(calendar).values():
            if wrong := list(_wrong(events)):
                problems += wrong
                continue
            try:
                found += _expanded(calendar, events, zone=zone, start=start, end=end)
            except Unreadable as refused:
                problems += refused.problems
            if len(found) > most:
                raise Unreadable([Wrong(named(events[0]), f"with it there are more than {most} freezes")])
    if problems:
        raise Unreadable(problems[:_MOST_PROBLEMS])
    return sorted(found, key=lambda one: (one.start, one.end))


def event(*, start: datetime, end: datetime, summary: str, rule: str, uid: str) -> Event:
    """One event of a calendar that was kept as a list. `start` and `end` are aware; `rule` as in RRULE, or empty."""
    made = Event()
    made.add("uid", uid)
    made.add("summary", summary)
    made.add("dtstart", start)
    made.add("dtend", end)
    if rule:
        made.add("rrule", _rule_of(rule))
    return made


def rule_problem(rule: str) -> str | None:
    """What is wrong with a rule of repetition such as `FREQ=WEEKLY;BYDAY=FR`; None where nothing is."""
    try:
        return _wrong_rule(_rule_of(rule))
    except ValueError as refused:
        return str(refused)


def text_of(events: Iterable[Event]) -> str:
    """The events as an iCalendar text."""
    calendar = Calendar()
    calendar.add("prodid", "-//patch deployment//calendars//EN")
    calendar.add("version", "2.0")
    for one in events:
        calendar.add_component(one)
    return str(calendar.to_ical(), "utf-8")


def named(one: Event) -> str:
    """An event as a person finds it in its text."""
    summary = str(one.get("SUMMARY") or "")[:LONGEST_SUMMARY]
    return f"event {summary!r}" if summary else f"event with UID {str(one.get('UID') or '')[:LONGEST_SUMMARY]!r}"


def _rule_of(rule: str) -> Mapping[str, Any]:
    read: Mapping[str, Any] = vRecur.from_ical(rule)
    return read


def _calendars(text: str) -> list[Calendar]:
    _require_nesting(text)
    try:
        found = Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError) as trouble:
        raise Unreadable([_broken_line(text, trouble)]) from trouble
    calendars = [one for one in found if isinstance(one, Calendar)]
    if any(not name for calendar in calendars for one in calendar.walk() for name, _ in one.errors):
        raise Unreadable([_broken_line(text, ValueError("a line that has no name"))])
    return calendars


def _require_nesting(text: str) -> None:
    """BEGIN and END in their order. The libraries say only that something is amiss, or nothing."""
    open_: list[tuple[str, int]] = []
    calendars = 0
    for number, line in _lines(text):
        word, _, name = line.partition(":")
        word, name = word.strip().upper(), name.strip().upper()
        if word == "BEGIN":
            calendars += name == "VCALENDAR"
            open_.append((name, number))
        elif word == "END":
            if not open_ or open_.pop()[0] != name:
                raise Unreadable([Wrong(f"line {number}", f"END:{name[:80]} ends nothing that is open there")])
        elif not open_:
            raise Unreadable([Wrong(f"line {number}", "an iCalendar text begins with BEGIN:VCALENDAR")])
    if open_:
        name, number = open_[-1]
        raise Unreadable([Wrong(f"line {number}", f"BEGIN:{name} has no END:{name}")])
    if not calendars:
        raise Unreadable([Wrong("line 1", "an iCalendar text begins with BEGIN:VCALENDAR")])


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The unfolded lines that are not blank, each with the number of its first."""
    number, held = 0, ""
    for at, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        if line[:1] in {" ", "\t"} and held:
            held += line[1:]
            continue
        if held.strip():
            yield number, held
        number, held = at, line
    if held.strip():
        yield number, held


def _broken_line(text: str, trouble: Exception) -> Wrong:
    for number, line in _lines(text):
        if not _is_content(line):
            return Wrong(f"line {number}", f"must be NAME:VALUE, but was {line[:80]!r}")
    return Wrong("line 1", f"cannot be read: {str(trouble)[:LONGEST_SUMMARY]}")


def _is_content(line: str) -> bool:
    try:
        # Its constructor has no types.
        read: Any = Contentline
        read(line).parts()
    except ValueError:
        return False
    return True


def _series(calendar: Calendar) -> dict[str, list[Any]]:
    """The events that belong together: one that repeats, and its occurrences that were changed."""
    found: dict[str, list[Any]] = defaultdict(list)
    for number, one in enumerate(calendar.walk("VEVENT")):
        found[str(one.get("UID") or number)].append(one)
    return found


def _wrong(events: Sequence[Event]) -> Iterator[Wrong]:
    for one in events:
        where = named(one)
        for name, message in one.errors:
            yield Wrong(where, f"{name}: {str(message)[:LONGEST_SUMMARY]}")
        if one.errors:
            continue
        if mistaken := [*_mistaken(one)]:
            yield from (Wrong(where, message) for message in mistaken)
            continue
        if "DTSTART" not in one:
            yield Wrong(where, "DTSTART is missing")
            continue
        if _length(one) < timedelta(0):
            yield Wrong(where, "ends before it begins")
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            if zone := _unknown_zone(one.get(name)):
                yield Wrong(where, f"{name}: nobody knows the time zone {zone!r}")
        for rule in _rules(one):
            if wrong := _wrong_rule(rule):
                yield Wrong(where, f"RRULE: {wrong}")


def _mistaken(one: Event) -> Iterator[str]:
    """What says when an event is, and says it twice or in another kind of value: VALUE may be anything."""
    for name, (kind, meant) in _SAID_ONCE.items():
        value = one.get(name)
        if isinstance(value, list):
            yield f"{name} stands there more than once"
        elif kind is not None and value is not None and not isinstance(getattr(value, "dt", None), kind):
            yield f"{name} must be {meant}"


def _length(one: Any) -> timedelta:
    """By what its clocks show, or by the instants where both are of a zone."""
    start, end = one["DTSTART"].dt, one["DTEND"].dt if "DTEND" in one else None
    if end is None:
        whole: timedelta = one["DURATION"].dt if "DURATION" in one else timedelta(days=not isinstance(start, datetime))
        return whole
    if isinstance(start, datetime) and isinstance(end, datetime) and start.tzinfo and end.tzinfo:
        return end.astimezone(UTC) - start.astimezone(UTC)
    return _shown(end) - _shown(start)


def _shown(at: date) -> datetime:
    return at.replace(tzinfo=None) if isinstance(at, datetime) else datetime.combine(at, time())


def _unknown_zone(value: Any) -> str | None:
    """The name of a zone that was said and not understood: its times would pass for floating ones."""
    zone = getattr(value, "params", {}).get("TZID")
    at = getattr(value, "dt", None)
    return str(zone)[:64] if zone and isinstance(at, datetime) and at.tzinfo is None else None


def _rules(one: Event) -> list[Mapping[str, Any]]:
    rules = one.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def _wrong_rule(rule: Mapping[str, Any]) -> str | None:
    frequency = str((rule.get("FREQ") or [""])[0]).upper()
    if frequency not in _REPEATS:
        return f"FREQ must be one of {', '.join(sorted(_REPEATS))}, with BYHOUR for times of day"
    if any(int(value) < 1 for name in ("INTERVAL", "COUNT") for value in rule.get(name) or ()):
        return "INTERVAL and COUNT must be 1 or more"
    times = 1
    for name, highest in _TIMES_OF_DAY.items():
        if any(not 0 <= int(value) <= highest for value in rule.get(name) or ()):
            return f"{name} must be 0 to {highest}"
        times *= max(1, len(rule.get(name) or ()))
    return f"repeats more than {_MOST_A_DAY} times a day" if times > _MOST_A_DAY else None


def _expanded(
    calendar: Calendar, events: Sequence[Event], *, zone: str, start: datetime, end: datetime
) -> Iterator[Freeze]:
    try:
        for one in _occurrences(calendar, events, start, end):
            if str(one.get("STATUS", "")).upper() == "CANCELLED":
                continue
            begins = one["DTSTART"].dt
            ends = one["DTEND"].dt if "DTEND" in one else begins + _length(one)
            found = Freeze(_instant(begins, zone), _instant(ends, zone), str(one.get("SUMMARY") or ""))
            if found.start < found.end and found.end > start and found.start < end:
                yield found
    except (TimeoutError, MemoryError):
        raise Unreadable(
            [Wrong(named(events[0]), "takes too long to work out; say it in a simpler way, or split the calendar")]
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as trouble:
        raise Unreadable([Wrong(named(events[0]), f"cannot be meant: {str(trouble)[:LONGEST_SUMMARY]}")]) from trouble


def _occurrences(calendar: Calendar, events: Sequence[Event], start: datetime, end: datetime) -> Sequence[Any]:
    if len(events) == 1 and not _REPEATING & events[0].keys():
        # Nearly all of a long text; asking the library about each takes ten times as long.
        return events
    alone = Calendar()
    if "X-WR-TIMEZONE" in calendar:
        alone["X-WR-TIMEZONE"] = calendar["X-WR-TIMEZONE"]
    for one in events:
        alone.add_component(one)
    found: Sequence[Any] = recurring_ical_events.of(alone).between(start - _MARGIN, end + _MARGIN)
    return found


def _instant(at: date, zone: str) -> datetime:
    if not isinstance(at, datetime):
        return zones.instant(datetime.combine(at, time()), zone)
    if at.tzinfo is None:
        return zones.instant(at, zone)
    return at.astimezone(UTC)
