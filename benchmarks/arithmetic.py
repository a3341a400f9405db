"""The next occurrence after an instant: ours, python-dateutil's rrule and cronsim, on rules that mean the same.

Each is asked as its users ask it: rules of ours and of rrule are made once and asked again, cronsim's expression is
read each time, since an iterator of it goes forward only. All must give the same answer before they are timed.
"""

import statistics
import time
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import fill
from typing import TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim
from dateutil.rrule import DAILY, FR, MINUTELY, MO, MONTHLY, TH, WE, WEEKLY, rrule

from scheduling import recurrence

RRULE_TIMES, CRON_TIMES = 20, 5
ZONES = ("UTC", "America/New_York")
# When the rules begin, by the clock, and the instant that is asked for.
STARTS, ASKED = datetime(2025, 4, 9, 2, 30), datetime(2026, 6, 18, 12, tzinfo=UTC)  # noqa: DTZ001 - a clock's
_SECONDS = 0.02
Ask: TypeAlias = Callable[[], datetime | None]


@dataclass(frozen=True, slots=True)
class Alike:
    """One rule as each of the three says it, where clocks are those of a zone; cron cannot say all of them."""

    name: str
    ours: Callable[[datetime], recurrence.Rule]
    theirs: Callable[[datetime], rrule]
    cron: str = ""


def _monthly(at: datetime, **on: object) -> rrule:
    return rrule(MONTHLY, dtstart=at, **on)  # type: ignore[arg-type]


def _interval(text: str) -> Callable[[datetime], recurrence.Rule]:
    return lambda at: recurrence.Interval(recurrence.parse_duration(text), at.astimezone(UTC))


RULES = (
    Alike("daily", lambda at: recurrence.Daily(_wall(at)), lambda at: rrule(DAILY, dtstart=at), "30 2 * * *"),
    Alike(
        "weekly on Monday and Thursday",
        lambda at: recurrence.Weekly(_wall(at), (1, 4)),
        lambda at: rrule(WEEKLY, dtstart=at, byweekday=(MO, TH)),
        "30 2 * * 1,4",
    ),
    Alike(
        "monthly on day 10",
        lambda at: recurrence.MonthlyOnDay(_wall(at), 10),
        lambda at: _monthly(at, bymonthday=10),
        "30 2 10 * *",
    ),
    Alike(
        "monthly on day 30, or the last",
        lambda at: recurrence.MonthlyOnDay(_wall(at), 30),
        lambda at: _monthly(at, bymonthday=(28, 29, 30), bysetpos=-1),
    ),
    Alike(
        "monthly on the last day",
        lambda at: recurrence.MonthlyOnLastDay(_wall(at)),
        lambda at: _monthly(at, bymonthday=-1),
        "30 2 L * *",
    ),
    Alike(
        "monthly on the second Wednesday",
        lambda at: recurrence.MonthlyOnWeekday(_wall(at), 2, 3),
        lambda at: _monthly(at, byweekday=WE(2)),
        "30 2 * * 3#2",
    ),
    Alike(
        "monthly on the last Friday",
        lambda at: recurrence.MonthlyOnWeekday(_wall(at), 5, 5),
        lambda at: _monthly(at, byweekday=FR(-1)),
        "30 2 * * 5L",
    ),
    Alike(
        "3 days after Patch Tuesday",
        lambda at: recurrence.PatchTuesday(_wall(at), 3),
        # Which is the Friday from the 11th to the 17th.
        lambda at: _monthly(at, byweekday=FR, bymonthday=tuple(range(11, 18))),
    ),
    Alike("every 5 minutes", _interval("PT5M"), lambda at: rrule(MINUTELY, dtstart=at, interval=5), "*/5 * * * *"),
    Alike("every day, counted", _interval("P1D"), lambda at: rrule(DAILY, dtstart=at), "30 2 * * *"),
    Alike("every month, counted", _interval("P1M"), lambda at: rrule(MONTHLY, dtstart=at), "30 2 9 * *"),
)


@dataclass(frozen=True)
class Found:
    """Medians in microseconds, by rule, zone, and who was asked."""

    rounds: int
    medians: Mapping[tuple[str, str], Mapping[str, float]]

    @property
    def met(self) -> bool:
        """Whether ours is as many times as fast as it is to be, for every rule."""
        return all(
            row["rrule"] >= RRULE_TIMES * row["ours"] and row.get("cronsim", row["rrule"]) >= CRON_TIMES * row["ours"]
            for row in self.medians.values()
        )

    def described(self) -> str:
        """The figures as a page of text."""
        text = (
            f"The first occurrence after {ASKED:%Y-%m-%d %H:%M} UTC of rules that begin on {STARTS:%Y-%m-%d %H:%M}, in "
            f"microseconds of processor time: medians of {self.rounds} rounds, in turns. All three gave the same "
            "answers. rrule goes through the occurrences from the start on; ours and cronsim's do not depend on how "
            "long ago that is. "
            f"Targets: {RRULE_TIMES} times as fast as rrule, {CRON_TIMES} times as fast as cronsim."
        )
        rows = "\n".join(_line(rule, zone, row) for (rule, zone), row in self.medians.items())
        head = "| rule | zone | ours | rrule | times | cronsim | times |\n|---|---|---|---|---|---|---|"
        return f"## The next occurrence\n\n{fill(text, width=120)}\n\n{head}\n{rows}"


def measure(*, rounds: int) -> Found:
    """Compare the answers, and time them in turns. Raises AssertionError where two differ."""
    medians = {}
    for alike in RULES:
        for zone in ZONES:
            asks = _asks(alike, zone)
            answers = {who: ask() for who, ask in asks.items()}
            assert len(set(answers.values())) == 1, (alike.name, zone, answers)  # noqa: S101 - nothing to compare else
            medians[alike.name, zone] = _timed(asks, rounds)
    return Found(rounds=rounds, medians=medians)


def _asks(alike: Alike, zone: str) -> dict[str, Ask]:
    there = ZoneInfo(zone)
    at, asked = STARTS.replace(tzinfo=there), ASKED.astimezone(there)
    ours, theirs = alike.ours(at), alike.theirs(at)
    asks: dict[str, Ask] = {
        "ours": lambda: recurrence.next_after(ours, zone, ASKED),
        "rrule": lambda: theirs.after(asked),
    }
    if alike.cron:
        asks["cronsim"] = lambda: next(CronSim(alike.cron, asked))
    return asks


def _timed(asks: Mapping[str, Ask], rounds: int) -> dict[str, float]:
    times = {who: max(1, int(_SECONDS / _seconds(ask, 1))) for who, ask in asks.items()}
    taken: dict[str, list[float]] = {who: [] for who in asks}
    for _ in range(rounds):
        for who, ask in asks.items():
            taken[who].append(_seconds(ask, times[who]) / times[who] * 1e6)
    return {who: statistics.median(one) for who, one in taken.items()}


def _seconds(ask: Ask, times: int) -> float:
    """Of the processor, not of the wall: what else the machine does says nothing of arithmetic."""
    return timeit.timeit(ask, number=times, timer=time.thread_time)


def _line(rule: str, zone: str, row: Mapping[str, float]) -> str:
    cells = [rule, zone, f"{row['ours']:.1f}", f"{row['rrule']:,.0f}", f"{row['rrule'] / row['ours']:,.0f}"]
    cron = row.get("cronsim")
    cells += [f"{cron:.0f}", f"{cron / row['ours']:.0f}"] if cron else ["", ""]
    return f"| {' | '.join(cells)} |"


def _wall(at: datetime) -> datetime:
    return at.replace(tzinfo=None)
