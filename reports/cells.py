"""CSV as RFC 4180 has it, in which no cell is run as a formula by the program that opens it."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

# With these at its start, a spreadsheet reads a cell as a formula, whoever wrote it (OWASP, "CSV injection"). The last
# four are the full-width forms of the first, which some programs read alike.
_STARTS_A_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
BOM = b"\xef\xbb\xbf"


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows of values as lines of UTF-8, each with its end."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def cell(value: Any) -> str:
    """A value as a cell: instants in UTC, numbers as they are, and text that cannot be taken for a formula."""
    # The most frequent first: there are as many calls as cells.
    if type(value) is str:
        return harmless(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # A number with its minus is no formula, and must stay a number.
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return harmless(str(value))


def harmless(text: str) -> str:
    """The text, with an apostrophe before what would begin a formula."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text
