"""Patch windows."""

from datetime import UTC, datetime, timedelta

import pytest

from scheduling.windows import deadline

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("timeout", "unit", "lasts"),
    [
        (1, "HOURS", timedelta(hours=1)),
        (168, "HOURS", timedelta(days=7)),
        (1, "MINUTES", timedelta(minutes=1)),
        (10_080, "MINUTES", timedelta(days=7)),
        (-1, "HOURS", timedelta(days=30)),
        (-1, "MINUTES", timedelta(days=30)),
    ],
)
def test_deadline__after_the_start__lasts_as_long_as_told(timeout: int, unit: str, lasts: timedelta) -> None:
    assert deadline(start=START, timeout=timeout, unit=unit) - START == lasts


def test_deadline__no_end__closes_with_the_next_start_or_after_30_days() -> None:
    tomorrow, next_year = START + timedelta(days=1), START + timedelta(days=365)

    assert deadline(start=START, timeout=-1, unit="HOURS", next_start=tomorrow) == tomorrow
    assert deadline(start=START, timeout=-1, unit="HOURS", next_start=next_year) == START + timedelta(days=30)


def test_deadline__own_end__is_not_moved_by_the_next_start() -> None:
    next_start = START + timedelta(hours=1)

    assert deadline(start=START, timeout=2, unit="HOURS", next_start=next_start) == START + timedelta(hours=2)
