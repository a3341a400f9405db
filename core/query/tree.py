"""What a query says. Columns count from 1, and do not count when two trees are compared."""

import enum
from dataclasses import dataclass, field
from typing import TypeAlias


class Quote(enum.Enum):
    """How a literal was written, which says how text is matched."""

    BARE = "bare"
    PHRASE = "phrase"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Literal:
    """A word, a phrase or an exact text, without its quotes."""

    text: str
    quote: Quote = Quote.BARE
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Anything:
    """`*`: there is a value."""

    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Nothing:
    """`null`: there is no value."""

    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """`[a, b]`: what one of the items alone would match."""

    items: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """`[a .. b]`, or `(a .. b)` without its ends."""

    low: Literal
    high: Literal
    inclusive: bool = True


Value: TypeAlias = Literal | Anything | Nothing | AnyOf | Range


@dataclass(frozen=True, slots=True)
class Has:
    """`token:value`."""

    token: str
    value: Value
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """`token >= literal`. `operator` is one of `>`, `>=`, `<`, `<=`, `=`."""

    token: str
    operator: str
    literal: Literal
    column: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What `inner` does not match."""

    inner: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """What all parts match; two parts or more."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What at least one part matches; two parts or more."""

    parts: tuple["Node", ...]


Clause: TypeAlias = Has | Compared
Node: TypeAlias = Clause | Not | And | Or
