"""ISO 8601 durations."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.recurrence import Duration, parse_duration, shortest
from tests.scheduling import drawn


@pytest.mark.parametrize(
    ("text", "months", "days", "seconds", "canonical"),
    [
        ("P1M", 1, 0, 0, "P1M"),
        ("PT5M", 0, 0, 300, "PT5M"),
        ("P1DT12H", 0, 1, 43_200, "P1DT12H"),
        ("P2W", 0, 14, 0, "P2W"),
        ("P14D", 0, 14, 0, "P2W"),
        ("P1W2D", 0, 9, 0, "P9D"),
        ("P1M2W", 1, 14, 0, "P1M14D"),
        ("P18M", 18, 0, 0, "P1Y6M"),
        ("P1Y2M3DT4H5M6S", 14, 3, 14_706, "P1Y2M3DT4H5M6S"),
        ("PT90M", 0, 0, 5_400, "PT1H30M"),
        ("PT24H", 0, 0, 86_400, "PT24H"),
        ("PT0300S", 0, 0, 300, "PT5M"),
        (" pt1h ", 0, 0, 3_600, "PT1H"),
        ("P0D", 0, 0, 0, "PT0S"),
        ("P230Y", 2_760, 0, 0, "P230Y"),
    ],
)
def test_parse_duration__what_is_one__has_its_parts(
    text: str, months: int, days: int, seconds: int, canonical: str
) -> None:
    found = parse_duration(text)

    assert found == Duration(months, days, seconds)
    assert found.text == str(found) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "P1", "P1DT", "1D", "PT5", "P5H", "PT1D", "P1M1Y", "PT1S1M", "PT1.5H", "PT1,5H", "P-1D", "-P1D",
        "+P1D", "P1D/P1D", "5 minutes", "00:05", "P1D 12H", "PT5M\n1", "P\uff11D", "P9999999999D",
    ],
)  # fmt: skip
def test_parse_duration__anything_else__is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match="such as 'PT6H'"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P231Y", "P999999999Y", "P999999999D", "P100000D", "P230Y1D", "PT999999999H"])
def test_parse_duration__too_long__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no longer than 230 years"):
        parse_duration(text)


@drawn.examples(200)
@given(st.integers(0, 1_000), st.integers(0, 10_000), st.integers(0, 10_000_000))
def test_text__any_duration__is_read_back(months: int, days: int, seconds: int) -> None:
    duration = Duration(months, days, seconds)

    assert parse_duration(duration.text) == duration


@drawn.examples(200)
@given(st.text(alphabet="PTYMWDHS0123456789.,-", max_size=12))
def test_parse_duration__any_text__is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_duration(parse_duration(text).text) == parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT5M", timedelta(minutes=5)),
        ("PT4M59S", timedelta(minutes=4, seconds=59)),
        ("P1D", timedelta(days=1)),
        ("P1M", timedelta(days=28)),
        ("P1M1DT1H", timedelta(days=29, hours=1)),
        ("PT0S", timedelta()),
    ],
)
def test_shortest__of_a_duration__is_no_more_than_it(text: str, expected: timedelta) -> None:
    assert shortest(parse_duration(text)) == expected
