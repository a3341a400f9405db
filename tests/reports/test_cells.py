"""CSV cells: what a spreadsheet would run stays text, and what is a number stays one."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.cells import cell, lines


@pytest.mark.parametrize(
    # The last two are full-width forms, which some programs read as the plain ones.
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x")', "\uff1d1", "\uff0d1"],
)
def test_cell__text_that_starts_as_a_formula__is_made_harmless(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "1", "a=b", "a-b", "'=1", " =1", "web-1", "ÄÖÜ"])
def test_cell__other_text__is_as_it_is(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize(("value", "shown"), [(-5, "-5"), (0, "0"), (1.5, "1.5"), (-0.25, "-0.25")])
def test_cell__number__is_left_alone(value: float, shown: str) -> None:
    assert cell(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "2026-03-29T01:30:00Z"),
        (datetime(2026, 3, 29, 3, 30, 5, 999, tzinfo=timezone(timedelta(hours=2))), "2026-03-29T01:30:05Z"),
    ],
)
def test_cell__other_values__are_plain_words(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_lines__of_cells_with_commas_quotes_and_breaks__are_as_rfc_4180_has_them() -> None:
    assert lines([['a,"b"\r\nc', 2], ["", None]]) == b'"a,""b""\r\nc",2\r\n,\r\n'


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)))
def test_lines__read_back__are_the_texts_or_those_with_an_apostrophe(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(lines(rows).decode(), newline="")))

    assert [[one.removeprefix("'") for one in row] for row in read] == [
        [one.removeprefix("'") for one in row] for row in rows
    ]
    assert not any(one.startswith(("=", "+", "-", "@", "\t", "\r")) for row in read for one in row)
