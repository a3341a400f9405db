"""An interval of days or months on the clock of one zone: steps from a wall-clock time, each counted from the first."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduling.recurrence.rules import days_in

# 400 years are 4,800 months, and as many days wherever they begin.
_MEAN_MONTH = timedelta(days=146_097) / 4_800
# No number of months is as much longer than so many mean ones.
_SLACK = timedelta(days=6)
_A_MOMENT = timedelta(microseconds=1)


@dataclass(slots=True)
class CalendarSteps:
    """`start`, and every so many months, and what is beside them, from it."""

    start: datetime
    months: int
    beside: timedelta

    def next_local(self, local: datetime) -> datetime | None:
        number = self._at_most(local)
        while (found := self._step(number)) <= local:
            number += 1
        return found

    def previous_local(self, local: datetime) -> datetime | None:
        if local <= self.start:
            return None
        number = self._at_most(local - _A_MOMENT)
        found = self._step(number)
        while (later := self._step(number + 1)) < local:
            number, found = number + 1, later
        return found

    def is_clamped(self, local: datetime) -> bool:
        """Whether a step, which has to be one of them, fell on the last day of a month that is too short."""
        number = self._at_most(local)
        while self._step(number) < local:
            number += 1
        return _add_months(self.start, number * self.months).day < self.start.day

    def _step(self, number: int) -> datetime:
        return _add_months(self.start, number * self.months) + number * self.beside

    def _at_most(self, local: datetime) -> int:
        """The number of the last step up to a wall-clock time, or of one shortly before it; 0 at least."""
        passed = local - self.start
        if self.months:
            return max((passed - _SLACK) // (self.months * _MEAN_MONTH + self.beside), 0)
        return max(passed // self.beside, 0)


def _add_months(local: datetime, months: int) -> datetime:
    """The same day and time so many months on, or the last day of a month that is too short."""
    if not months:
        return local
    years, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month + 1
    return datetime.combine(date(year, month, min(local.day, days_in(year, month))), local.time())
