"""Wall-clock times as text."""

import contextlib
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import local_time

AFTERNOON = datetime(2025, 4, 14, 13, 45, 48)  # noqa: DTZ001 - wall-clock times have no zone


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1000, 1, 1)))  # noqa: DTZ001
def test_wire__any_time__is_read_back(local: datetime) -> None:
    local = local.replace(microsecond=0)

    assert local_time.parse(local_time.wire(local)) == local
    assert local_time.parse(local.isoformat(timespec="seconds")) == local


@pytest.mark.parametrize(
    "text",
    [
        "2025-4-14 01:45:48 PM",
        "2025-04-14 01:45:48 PM",
        "2025-4-14 1:45:48pm",
        " 2025-4-14  1:45:48 Pm ",
        "2025-04-14 13:45:48",
        "2025-04-14T13:45:48",
        "2025-04-14T13:45:48.000",
    ],
)
def test_parse__accepted_spelling__is_the_same_time(text: str) -> None:
    assert local_time.parse(text) == AFTERNOON


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2025-4-14 12:00 AM", 0, 0),
        ("2025-4-14 12:59 am", 0, 59),
        ("2025-4-14 12:00 PM", 12, 0),
        ("2025-4-14 11:59 PM", 23, 59),
        ("2025-4-14 00:00", 0, 0),
        ("2025-4-14T23:59", 23, 59),
    ],
)
def test_parse__edge_of_the_day__is_right(text: str, hour: int, minute: int) -> None:
    assert (local_time.parse(text).hour, local_time.parse(text).minute) == (hour, minute)


@pytest.mark.parametrize(
    ("hour", "written"), [(0, "12:05:09 AM"), (1, "01:05:09 AM"), (12, "12:05:09 PM"), (13, "01:05:09 PM")]
)
def test_wire__month_and_day__are_not_padded(hour: int, written: str) -> None:
    assert local_time.wire(datetime(2025, 4, 4, hour, 5, 9)) == f"2025-4-4 {written}"  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-04-14",
        "2025-02-30 10:00:00",
        "2025-13-01 10:00:00",
        "0000-01-01 10:00:00",
        "2025-04-14 24:00:00",
        "2025-04-14 10:60:00",
        "2025-04-14 10:00:60",
        "2025-04-14 13:00:00 PM",
        "2025-04-14 00:30:00 AM",
        "2025-04-14T10:00:00Z",
        "2025-04-14T10:00:00+02:00",
        "2025-04-14T10:00:00.5",
        "14.04.2025 10:00",
        "2025-04-14 10:00:00 XM",
        "2025-04-14 10:00:00 PM PM",
        "20250-4-14 10:00:00",
        "\uff12\uff10\uff12\uff15-04-14 10:00:00",
        "2025-04-14\n10:00:00",
    ],
)
def test_parse__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        local_time.parse(text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_parse__any_text__is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        local_time.parse(text)
