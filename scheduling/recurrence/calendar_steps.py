"""An interval of days or months on the clock of one zone: steps from a wall-clock time, each counted from the first."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduling.recurrence.rules import days_in

# 400 years are 4,800 months, and as many days wherever they begin.
_MEAN_MONTH = timedelta(days=146_097) / 4_800
# No number of months is as much longer than so many mean ones.
_SLACK = timedelta(days=6)
_A_MOMENT = timedelta(microseconds=1)
_SHORTEST = 28


@dataclass(frozen=True, slots=True)
class CalendarSteps:
    """`start`, and every so many months, and what is beside them, from it."""

    start: datetime
    months: int
    beside: timedelta

    def next_local(self, local: datetime) -> datetime | None:
        if local < self.start:
            return self.start
        number = self._at_most(local) + 1
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
        found = _add_months(self.start, number * self.months)
        return found + number * self.beside if self.beside else found

    def _at_most(self, local: datetime) -> int:
        """The number of the last step up to a wall-clock time, or of one shortly before it; 0 at least."""
        if self.months and not self.beside:
            start = self.start
            number, part = divmod((local.year - start.year) * 12 + local.month - start.month, self.months)
            # The step of this month may be later in it; that of a month before is not.
            return max(number - (part == 0 and local.day <= start.day), 0)
        passed = local - self.start
        if self.months:
            return max((passed - _SLACK) // (self.months * _MEAN_MONTH + self.beside), 0)
        return max(passed // self.beside, 0)


def _add_months(local: datetime, months: int) -> datetime:
    """The same day and time so many months on, or the last day of a month that is too short."""
    if not months:
        return local
    years, month = divmod(local.month - 1 + months, 12)
    year, month, day = local.year + years, month + 1, local.day
    if day > _SHORTEST:
        day = min(day, days_in(year, month))
    return datetime.combine(date(year, month, day), local.time())
