"""What a section of a report is made of: columns to choose from, and rows a page at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from django.db.models import Q, TextChoices

from core.query import Token, compile_query
from inventory.models import Platform
from reports.models import Report, ReportKind, ReportSection

# As many rows as are held at a time, here and in the database's answer.
PAGE = 5_000

Pages: TypeAlias = Iterator[list[Any]]


class ColumnType(TextChoices):
    """How the cells of a column are to be read."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` makes the cell of a row of its section.

    `needs` is a word for what costs more queries to know of a page of rows; the section's pages ask for it. `platform`
    is that of the only machines of which there is anything to say.
    """

    key: str
    title: str
    value: Callable[[Any], Any]
    type: ColumnType = ColumnType.TEXT
    needs: str = ""
    platform: Platform | None = None
    default: bool = True

    def fits(self, platform: Platform | None) -> bool:
        """Whether a report on machines of this platform, or of any, can have it."""
        return platform is None or self.platform in {None, platform}


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of file. `pages` reads the rows of a report, given what its columns need.

    Every page is read when it is asked for, in whatever transaction is then open: writing a long report must hold none.
    """

    name: ReportSection
    kind: ReportKind
    columns: Sequence[Column]
    tokens: Mapping[str, Token]
    pages: Callable[[Report, frozenset[str]], Pages]
    by_key: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_key", {one.key: one for one in self.columns})

    def defaults(self, platform: Platform | None) -> list[str]:
        """The keys of the columns that a report has which names none."""
        return [one.key for one in self.columns if one.default and one.fits(platform)]


def condition(report: Report, tokens: Mapping[str, Token]) -> Q:
    """The rows that the report's query means. `now` in it is the moment when somebody asked for the report, however
    often its writing is begun anew."""
    return compile_query(report.query, tokens, now=report.created_at) if report.query else Q()


def seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Between the two, whole ones; None where one of them is not known."""
    return None if start is None or end is None else int((end - start).total_seconds())
