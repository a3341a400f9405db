"""Time, as the agent sees it: one object, so that a test can say what time it is."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event


class Clock:
    """The machine's clock. Durations are seconds, instants are aware and in UTC."""

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """A clock that nobody can set; for measuring and for deadlines."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, whatever happens."""
        time.sleep(seconds)

    def wait(self, event: Event, seconds: float) -> bool:
        """Wait until `event` is set or the time is over; answers whether it is set."""
        return event.wait(seconds)

    def lasting(self, duration: timedelta) -> timedelta:
        """How long a duration that a job names lasts here."""
        return duration


class HurriedClock(Clock):
    """A rehearsal's: what a job names in minutes lasts `minute` seconds each. All else takes its time."""

    def __init__(self, minute: float) -> None:
        self._share = minute / 60

    def lasting(self, duration: timedelta) -> timedelta:
        return duration * self._share


def to_text(instant: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the protocol writes instants."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The instant that `to_text` wrote. ValueError for anything without a zone."""
    # Python before 3.11 does not read the Z.
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant
