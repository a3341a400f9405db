"""From what a calendar is made of to its freezes, within the period that they are kept for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from calendars import apart
from scheduling import freezes, local_time, zones
from scheduling.freezes import LONGEST_SUMMARY, Freeze

# Behind: what previews and histories look back on. Ahead: what the longest rules need to be seen at all.
BEHIND, AHEAD = timedelta(days=400), timedelta(days=2 * 366)


@dataclass(frozen=True, slots=True)
class Block:
    """A freeze, and the whole stretch without a gap that it lies in."""

    freeze: Freeze
    start: datetime
    end: datetime


def of_text(text: str, *, zone: str, at: datetime) -> list[Freeze]:
    """What an iCalendar text freezes around an instant. Raises scheduling.freezes.Unreadable."""
    return apart.frozen(text, zone=zone, start=at - BEHIND, end=at + AHEAD)


def of_entries(entries: Sequence[Mapping[str, Any]], *, zone: str, at: datetime) -> list[Freeze]:
    """What entries freeze around an instant; see `instant_of` for their times. Raises Unreadable, too."""
    once = [one for one in entries if not one.get("rrule")]
    found = [
        Freeze(instant_of(one["start"], zone), instant_of(one["end"], zone), str(one.get("summary") or ""))
        for one in once
    ]
    found = [one for one in found if one.end > at - BEHIND and one.start < at + AHEAD]
    if len(once) < len(entries):
        repeating = (_event(number, one, zone) for number, one in enumerate(entries) if one.get("rrule"))
        found += of_text(freezes.text_of(repeating), zone=zone, at=at)
    if len(found) > freezes.MOST_FREEZES:
        wrong = freezes.Wrong("the entries", f"make more than {freezes.MOST_FREEZES} freezes")
        raise freezes.Unreadable([wrong])
    return sorted(found, key=lambda one: (one.start, one.end))


def instant_of(text: str, zone: str) -> datetime:
    """The instant of an entry's time: ISO 8601 with an offset, or what clocks in the calendar's zone show."""
    told = offset_instant(text)
    return told.astimezone(UTC) if told else zones.instant(local_time.parse(text), zone)


def offset_instant(text: str) -> datetime | None:
    """The instant, if the text is one with an offset; None for a wall-clock time."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return found if found.tzinfo else None


def blocks(found: Iterable[Freeze]) -> list[Block]:
    """The freezes, which come by start, with the stretches that they make together: touching is enough."""
    groups: list[list[Freeze]] = []
    end: datetime | None = None
    for one in found:
        if end is None or one.start > end:
            groups.append([])
            end = one.end
        groups[-1].append(one)
        end = max(end, one.end)
    ends = [max(one.end for one in group) for group in groups]
    return [Block(one, group[0].start, last) for group, last in zip(groups, ends, strict=True) for one in group]


def _event(number: int, entry: Mapping[str, Any], zone: str) -> Any:
    """It repeats by the clocks of its calendar's zone, in which the text leaves its times."""
    start, end = (zones.clock(instant_of(entry[name], zone), zone).replace(fold=0) for name in ("start", "end"))
    summary = str(entry.get("summary") or "")[:LONGEST_SUMMARY]
    return freezes.event(start=start, end=end, summary=summary, rule=entry["rrule"], uid=f"entries[{number}]")
