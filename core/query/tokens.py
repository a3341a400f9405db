"""What a token may be asked, and which rows that means.

Each kind of token reads literals of its own sort and makes a Q of each question. A Q of ours is true or false of every
row, never unknown, so that `not` gives exactly the other rows: for columns Django sees to it, and expressions must not
be null.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Count,
    Exists,
    Expression,
    F,
    Func,
    IntegerField,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce

from core.query.moments import Period, period
from core.query.problems import WRONG_TYPE, QueryError
from core.query.tree import Literal, Quote
from core.shapes.words import folded, shown

# Rows that a condition on a related table means: `Q(Exists(links.filter(condition)))`. A join would give a row once for
# each thing it is related to, and `not` would mean another thing.
Within: TypeAlias = Callable[[Q], Q]
Column: TypeAlias = str | Expression

_NEVER = Q(pk__in=[])
# The numbers that the smallest columns hold, too.
_IN_EVERY_RANGE = range(-(2**15), 2**15)
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}", re.ASCII | re.IGNORECASE)


def _here(condition: Q) -> Q:
    return condition


@dataclass(frozen=True)
class Token:
    """Base of all kinds: how they refuse, and how they reach a related table."""

    # What it takes, for messages.
    wants: ClassVar[str]
    # Whether it knows more and less: comparisons and ranges.
    ordered: ClassVar[bool] = False

    within: Within = _here

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        return self.wants

    def has(self, literal: Literal, *, now: datetime) -> Q:
        """`token:literal`."""
        raise NotImplementedError

    def equals(self, literal: Literal, *, now: datetime) -> Q:
        """`token = literal`."""
        return self.has(literal, now=now)

    def compared(self, operator: str, literal: Literal, *, now: datetime) -> Q:
        """`token > literal` and its like; asked of ordered tokens alone."""
        raise NotImplementedError

    def present(self) -> Q:
        """`token:*`."""
        raise NotImplementedError

    def refuse(self, literal: Literal, hint: str = "") -> QueryError:
        """The error for a literal of another sort."""
        return QueryError(WRONG_TYPE, literal.column, f"expected {self.takes}, found {shown(literal.text)}{hint}")


# --- text -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextToken(Token):
    """Words and phrases are contained, in any case; what is in backticks or single quotes is the whole text."""

    wants = "text"

    column: Column = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        if literal.quote is Quote.EXACT:
            return self.equals(literal, now=now)
        return self.within(_where(self.column, "icontains", _filled(self, literal)))

    def equals(self, literal: Literal, *, now: datetime) -> Q:
        return self.within(_where(self.column, "exact", literal.text))

    def present(self) -> Q:
        return self.within(_where(self.column, "isnull", False) & ~_where(self.column, "exact", ""))


def _filled(token: Token, literal: Literal) -> str:
    if not literal.text:
        raise token.refuse(literal, "; use null for none, and * for any")
    return literal.text


@dataclass(frozen=True)
class ListToken(Token):
    """An array of texts: what TextToken asks, of any element."""

    wants = "text"

    column: str = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        if literal.quote is Quote.EXACT:
            return self.equals(literal, now=now)
        return self._any("contains", _filled(self, literal))

    def equals(self, literal: Literal, *, now: datetime) -> Q:
        return self._any("equals", literal.text)

    def present(self) -> Q:
        return self._any("differs", "")

    def _any(self, question: str, text: str) -> Q:
        return self.within(Q(_AnyElement(F(self.column), rows="unnest(%s)", value="item", asks=question, text=text)))


@dataclass(frozen=True)
class JsonListToken(ListToken):
    """The same of one key of a JSON array of objects."""

    key: str = ""

    def _any(self, question: str, text: str) -> Q:
        # Lax paths skip objects without the key, and fail for no document.
        rows = f"jsonb_path_query(%s, '$[*].\"{self.key}\"')"
        return self.within(Q(_AnyElement(F(self.column), rows=rows, value="item #>> '{}'", asks=question, text=text)))


class _AnyElement(Func):
    """Whether any element of a column passes. `rows` and `value` are ours; `text` is the client's, and bound."""

    output_field: ClassVar = BooleanField()
    _CONDITIONS: ClassVar = {
        "contains": "UPPER({value}) LIKE UPPER(%s)",
        "equals": "{value} = %s",
        "differs": "{value} <> %s",
    }

    def __init__(self, *expressions: Any, rows: str, value: str, asks: str, text: str) -> None:
        super().__init__(*expressions)
        self.rows, self.value, self.asks, self.text = rows, value, asks, text

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]
        column, parameters = compiler.compile(self.get_source_expressions()[0])
        text = f"%{connection.ops.prep_for_like_query(self.text)}%" if self.asks == "contains" else self.text
        condition = self._CONDITIONS[self.asks].format(value=self.value)
        rows = self.rows.replace("%s", column)
        # Every part of the statement is a literal of our own code.
        return f"EXISTS (SELECT 1 FROM {rows} AS item WHERE {condition})", (*parameters, text)  # noqa: S608


# --- numbers ----------------------------------------------------------------------------------------------------------

_LOOKUPS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "=": "exact"}


@dataclass(frozen=True)
class NumberToken(Token):
    """A whole number."""

    wants = "a whole number"
    ordered = True

    column: Column = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        return self.within(self.where("=", self._read(literal)))

    def compared(self, operator: str, literal: Literal, *, now: datetime) -> Q:
        return self.within(self.where(operator, self._read(literal)))

    def present(self) -> Q:
        return self.within(self.some())

    def where(self, operator: str, number: int) -> Q:
        """The rows whose number is so."""
        so = _where(self.column, _LOOKUPS[operator], number)
        # Of a number beyond the column's range Django makes all rows, those without a number too.
        return so if number in _IN_EVERY_RANGE else so & self.some()

    def some(self) -> Q:
        """The rows that have a number."""
        return _where(self.column, "isnull", False)

    def _read(self, literal: Literal) -> int:
        if not _WHOLE_NUMBER.fullmatch(literal.text.strip()):
            raise self.refuse(literal)
        return int(literal.text)


@dataclass(frozen=True)
class CountToken(NumberToken):
    """How many rows `links` has for this one: a queryset that OuterRef correlates, `by` the key it is correlated by."""

    links: QuerySet[Any] | None = None
    by: str = ""

    def where(self, operator: str, number: int) -> Q:
        """Whether there is one at all is answered without counting."""
        assert self.links is not None  # noqa: S101 - a default only because the base class has defaults
        some = Q(Exists(self.links))
        if (operator, number) in {(">", 0), (">=", 1)}:
            return some
        if (operator, number) in {("=", 0), ("<=", 0), ("<", 1)}:
            return ~some
        counted = self.links.order_by().values(self.by).annotate(count_=Count("pk")).values("count_")
        return _where(Coalesce(Subquery(counted), 0, output_field=IntegerField()), _LOOKUPS[operator], number)

    def present(self) -> Q:
        return ~_NEVER


@dataclass(frozen=True)
class NumbersToken(NumberToken):
    """A JSON array of whole numbers: what NumberToken asks, of any of them."""

    column: str = ""

    def where(self, operator: str, number: int) -> Q:
        return Q(_any_number(self.column, f"$[*] ? (@ {'==' if operator == '=' else operator} $n)", number))

    def present(self) -> Q:
        return self.within(Q(_any_number(self.column, "$[*]", 0)))


def _any_number(column: str, path: str, number: int) -> Func:
    """Whether a path finds something in a column. `path` is ours; the number is the client's, and bound as `$n`."""
    return Func(
        F(column),
        Value(number, BigIntegerField()),
        template="COALESCE(jsonb_path_exists(%(expressions)s)), FALSE)",
        arg_joiner=f", '{path}', jsonb_build_object('n', ",
        output_field=BooleanField(),
    )


# --- words of a few, ids, dates ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChoiceToken(Token):
    """One of a few words, in any case, and the rows that each means."""

    cases: tuple[tuple[str, Q], ...] = ()

    @property
    def takes(self) -> str:
        words = [word for word, _ in self.cases]
        return " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"

    def has(self, literal: Literal, *, now: datetime) -> Q:
        by_folded = {folded(word): rows for word, rows in self.cases}
        rows = by_folded.get(folded(literal.text))
        if rows is None:
            raise self.refuse(literal)
        return self.within(rows)

    def present(self) -> Q:
        return self.within(Q(*(rows for _, rows in self.cases), _connector=Q.OR))


def any_of(links: QuerySet[Any]) -> Within:
    """The rows that have one of `links`, which OuterRef correlates, for which a condition holds."""

    def within(condition: Q) -> Q:
        return Q(Exists(links.filter(condition)))

    return within


def choice_of(column: str, choices: Iterable[str], within: Within = _here) -> ChoiceToken:
    """A column that holds one of `choices`, such as the members of a TextChoices."""
    return ChoiceToken(within, tuple((str(one), Q((column, str(one)))) for one in choices))


def flag(column: str) -> ChoiceToken:
    """A boolean column; null is neither."""
    return ChoiceToken(cases=(("true", Q((column, True))), ("false", Q((column, False)))))


def flag_when(condition: Q) -> ChoiceToken:
    """True of the rows that `condition` means, false of all others."""
    return ChoiceToken(cases=(("true", condition), ("false", ~condition)))


def never() -> Q:
    """No row at all: of a flag that is false everywhere today."""
    return _NEVER


@dataclass(frozen=True)
class UuidToken(Token):
    """An id."""

    wants = "an id such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b"

    column: str = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        if not _UUID.fullmatch(literal.text.strip()):
            raise self.refuse(literal)
        return self.within(_where(self.column, "exact", UUID(literal.text.strip())))

    def present(self) -> Q:
        return self.within(_where(self.column, "isnull", False))


@dataclass(frozen=True)
class DateToken(Token):
    """A moment. A date of the query means the whole of its day: `> 2025-04-14` starts on the 15th."""

    wants = "a date such as 2025-04-14, 2025-04-14T13:45:00Z, now or now-7d"
    ordered = True

    column: str = ""

    def has(self, literal: Literal, *, now: datetime) -> Q:
        meant = self._read(literal, now)
        return self.within(self._where("gte", meant.start) & self._where("lt", meant.end))

    def compared(self, operator: str, literal: Literal, *, now: datetime) -> Q:
        meant = self._read(literal, now)
        lookup, edge = {
            ">": ("gte", meant.end),
            ">=": ("gte", meant.start),
            "<": ("lt", meant.start),
            "<=": ("lt", meant.end),
        }[operator]
        return self.within(self._where(lookup, edge))

    def present(self) -> Q:
        return self.within(_where(self.column, "isnull", False))

    def stored(self, at: datetime) -> Any:
        """A moment as the column holds it."""
        return at

    def _where(self, lookup: str, at: datetime) -> Q:
        return _where(self.column, lookup, self.stored(at))

    def _read(self, literal: Literal, now: datetime) -> Period:
        try:
            return period(literal.text, now=now)
        except ValueError:
            raise self.refuse(literal) from None


@dataclass(frozen=True)
class WallClockToken(DateToken):
    """A wall-clock time without a zone, stored as ISO text, which sorts as time does. `now` is that of UTC."""

    def stored(self, at: datetime) -> str:
        return at.replace(tzinfo=None).isoformat()


def _where(column: Column, lookup: str, value: Any) -> Q:
    if isinstance(column, str):
        return Q((f"{column}__{lookup}", value))
    kind: Any = column.get_lookup(lookup)
    return Q(kind(column, value))
