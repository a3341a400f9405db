"""Starts as an iCalendar text (RFC 5545), for calendar programs. Shape only."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from icalendar.prop import vText

from deployments import schedules
from deployments.models import Feed, TimezoneType
from deployments.reasons import SENTENCES, Reason
from deployments.services.feeds import Start
from deployments.states import RunState
from scheduling import windows
from scheduling.sentences import sentence

CONTENT_TYPE = "text/calendar; charset=utf-8"
# How often programs are asked to look again.
_REFRESH = timedelta(hours=1)
# How long a start is shown where its window has no end of its own.
_SHOWN = timedelta(hours=1)
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_DID_NOT_BEGIN = frozenset({RunState.MISSED, RunState.SKIPPED, RunState.FROZEN, RunState.CANCELED})


def calendar_text(feed: Feed, starts: Iterable[Start]) -> bytes:
    """The whole feed: the same text for the same starts."""
    calendar = Calendar()
    calendar.add("prodid", "-//patch-deployment//feed//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", vText(_text(feed.name)))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for one in starts:
        calendar.add_component(_event(one))
    text: bytes = calendar.to_ical()
    return text


def _event(one: Start) -> Event:
    event = Event()
    event.add("uid", f"{one.job.public_id}-{one.start:%Y%m%dT%H%M%SZ}@patch-deployment")
    event.add("dtstamp", one.job.updated_at or one.job.created_at)
    event.add("sequence", one.job.revision)
    begins = _shown(one, one.start)
    length = one.deadline - one.start if one.job.timeout != windows.NO_END else _SHOWN
    event.add("dtstart", begins)
    event.add("dtend", begins + min(length, _longest(one)))
    event.add("summary", _text(one.job.name if one.run is None else f"{one.job.name} ({one.run.state})"))
    event.add("description", _text(_described(one)))
    event.add("status", "CANCELLED" if one.run and one.run.state in _DID_NOT_BEGIN else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    return event


def _text(text: str) -> str:
    """Without control characters, which such a text cannot have: some programs take each for the end of a line."""
    return _CONTROLS.sub(" ", _LINE_ENDS.sub("\n", text))


def _shown(one: Start, at: datetime) -> datetime:
    """By each machine's own clock it is a time without a zone, which calendars call floating."""
    if one.job.timezone_type != TimezoneType.AGENT:
        return at
    return at.astimezone(ZoneInfo(schedules.FIRST_ZONE)).replace(tzinfo=None)


def _longest(one: Start) -> timedelta:
    """The window on one machine: that of all of them together is as much longer as the Earth's day."""
    return schedules.deadline_of(one.job, start=one.start) - one.start


def _described(one: Start) -> str:
    own_clock = one.job.timezone_type == TimezoneType.AGENT
    lines = [sentence(schedules.rule_of(one.job), None if own_clock else one.job.timezone)]
    if one.run is not None and one.run.reason:
        lines.append(SENTENCES[Reason(one.run.reason)])
    if one.job.description:
        lines.append(one.job.description)
    return "\n".join(lines)
