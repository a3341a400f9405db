"""Random schedules as clients write them, and by themselves the instants that they mean: days walked one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, TU, WEEKLY, rrule, weekday

# Where clocks change at other times, by other amounts, or not at all.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago")
# Where the first clock on Earth is; POSIX turns the sign round.
_FIRST = "Etc/GMT-14"
_SUNDAY_FIRST = (6, 0, 1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The fields of a job's body, and what they mean: times by the clock of `zone`, or from an anchor on.

    Where `machines` are named by their zones, a start is due once it comes in the first of these.
    """

    body: dict[str, Any]
    zone: str
    rule: rrule | None = None
    days_after: int = 0
    anchor: datetime | None = None
    step: timedelta | None = None
    machines: tuple[str, ...] = ()

    def starts(self, after: datetime, until: datetime) -> list[datetime]:
        """The starts that come due after the one instant and until the other, all in UTC."""
        found = self._steps(until) if self.step else self._by_clock(until)
        return sorted({start for start, due in found if after < due <= until})

    def _steps(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        assert self.anchor and self.step  # noqa: S101 - the two come together
        one = self.anchor
        while one <= until:
            yield one, one
            one += self.step

    def _by_clock(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        assert self.rule  # noqa: S101 - whoever has no step has a rule
        begins = datetime.fromisoformat(self.body["startDateTime"])
        for one in self.rule:
            wall = one + timedelta(days=self.days_after)
            at = _instant(wall, self.zone)
            if at > until + timedelta(days=60):
                return
            if wall >= begins:
                yield at, min((_instant(wall, zone) for zone in self.machines), default=at)


def drawn(random: Random, *, first: date) -> Schedule:
    """Any schedule that begins on that day or before."""
    wall = datetime.combine(first.replace(day=1), time(random.randrange(24), random.randrange(60)))
    zone = random.choice(ZONES)
    body = {"startDateTime": wall.isoformat(), "timezone": zone}
    if random.random() < 0.15:
        hours, anchor = random.randrange(1, 48), wall.replace(tzinfo=UTC)
        body |= {"scheduleType": "Interval", "recurrenceInterval": f"PT{hours}H", "timezone": "UTC"}
        return Schedule(body, "UTC", anchor=anchor, step=timedelta(hours=hours))
    if random.random() < 0.15:
        body |= {"scheduleType": "Daily", "timezoneType": "AGENT_TZ"}
        machines = tuple(random.sample(ZONES, random.randrange(1, 4)))
        return Schedule(body, _FIRST, rrule(DAILY, dtstart=wall), machines=machines)
    fields, rule, days_after = random.choice([_daily, _weekly, _day, _last_day, _weekday, _patch_tuesday])(random, wall)
    return Schedule(body | fields, zone, rule, days_after)


def _daily(_: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    return {"scheduleType": "Daily"}, rrule(DAILY, dtstart=wall), 0


def _weekly(random: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    marks = [random.random() < 0.4 for _ in range(7)]
    marks[random.randrange(7)] = True
    days = [_SUNDAY_FIRST[place] for place, mark in enumerate(marks) if mark]
    text = ",".join(str(int(mark)) for mark in marks)
    return {"scheduleType": "Weekly", "recurringWeekDays": text}, rrule(WEEKLY, dtstart=wall, byweekday=days), 0


def _day(random: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    day = random.randrange(1, 32)
    nearest = range(28, day + 1) if day > 28 else [day]
    rule = rrule(MONTHLY, dtstart=wall, bymonthday=list(nearest), bysetpos=-1)
    return {"scheduleType": "Monthly", "dayOfMonth": day}, rule, 0


def _last_day(_: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    return (
        {"scheduleType": "Monthly", "recurringLastDayOfMonth": True},
        rrule(MONTHLY, dtstart=wall, bymonthday=-1),
        0,
    )


def _weekday(random: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    nth, place = random.randrange(1, 6), random.randrange(7)
    day = weekday(_SUNDAY_FIRST[place], -1 if nth == 5 else nth)
    fields = {"scheduleType": "Monthly", "recurringDayOfMonth": nth, "recurringWeekDayOfMonth": place}
    return fields, rrule(MONTHLY, dtstart=wall, byweekday=day), 0


def _patch_tuesday(random: Random, wall: datetime) -> tuple[dict[str, Any], rrule, int]:
    days = random.randrange(-27, 28)
    # A Patch Tuesday of the month before may lead to a day of this one, and of the next.
    earlier = (wall.replace(day=1) - timedelta(days=40)).replace(day=1)
    fields = {"scheduleType": "Monthly", "monthlyRecurringType": 1, "patchTuesdayPlusXDays": days}
    return fields, rrule(MONTHLY, dtstart=earlier, byweekday=TU(2)), days


def _instant(wall: datetime, zone: str) -> datetime:
    """The first time that clocks there show `wall`; where they skip it, the first moment after the gap."""
    there = ZoneInfo(zone)
    while (at := wall.replace(tzinfo=there).astimezone(UTC)).astimezone(there).replace(tzinfo=None) != wall:
        wall += timedelta(minutes=1)
    return at
