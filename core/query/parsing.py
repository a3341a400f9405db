"""From text to a tree. Neither step recurses into the query, so that no nesting can exhaust the stack."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from core.query.problems import SYNTAX, TOO_COMPLEX, QueryError
from core.query.tree import And, AnyOf, Anything, Compared, Has, Literal, Node, Not, Nothing, Or, Quote, Range

MAX_LENGTH = 4096
MAX_DEPTH = 32
MAX_CLAUSES = 200
MAX_ITEMS = 500

# Postgres takes no NUL, and no half of a surrogate pair has an encoding.
_IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")
_RESERVED = {"and", "or", "not", "null"}
_QUOTES = ("'", '"', "`")
_WORDS = {
    "_NOT": "'not'",
    "_AND": "'and'",
    "_OR": "'or'",
    "NAME": "a token",
    "_COLON": "':'",
    "COMPARE": "one of > >= < <= =",
    "_OPEN": "'('",
    "_CLOSE": "')'",
    "_FROM": "'('",
    "_UNTIL": "')'",
    "_LIST": "'['",
    "_END": "']'",
    "_COMMA": "','",
    "_TO": "'..'",
    "ANY": "'*'",
    "NULL": "'null'",
    "$END": "the end",
}


def parse_query(text: str) -> Node:
    """The tree of a query. Raises QueryError with the code `syntax` or `too_complex`."""
    if len(text) > MAX_LENGTH:
        raise QueryError(TOO_COMPLEX, MAX_LENGTH + 1, f"a query has at most {MAX_LENGTH} characters, not {len(text)}")
    if found := _IMPOSSIBLE.search(text):
        raise QueryError(SYNTAX, found.start() + 1, f"the character U+{ord(found[0]):04X} cannot stand in a query")
    parsing = _PARSER.parse_interactive(text)
    limits = _Limits()
    try:
        for token in parsing.iter_parse():
            limits.count(token)
        tree: Node = parsing.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedInput as wrong:
        raise _unexpected(text, wrong) from None
    return tree


class _Limits:
    """Counts while the text is read, so that too much is refused before anything is made of it."""

    def __init__(self) -> None:
        self.clauses = 0
        self.items = 0
        # For each open parenthesis, and outside of all: how many `not` wait for what they deny.
        self.waiting = [0]

    def count(self, token: Token) -> None:
        if token.type == "NAME":
            self.clauses += 1
        elif token.type == "_LIST":
            self.items = 1
        elif token.type == "_COMMA":
            self.items += 1
        elif token.type == "_NOT":
            self.waiting[-1] += 1
        elif token.type in {"_AND", "_OR"}:
            self.waiting[-1] = 0
        elif token.type == "_OPEN":
            self.waiting.append(0)
        elif token.type == "_CLOSE":
            self.waiting.pop()
        self._check(_column(token))

    def _check(self, column: int) -> None:
        for found, most, what in (
            (self.clauses, MAX_CLAUSES, "clauses"),
            (self.items, MAX_ITEMS, "items in one list"),
            (len(self.waiting) - 1 + sum(self.waiting), MAX_DEPTH, "levels of parentheses and nots"),
        ):
            if found > most:
                raise QueryError(TOO_COMPLEX, column, f"a query has at most {most} {what}")


def _column(token: Token) -> int:
    return (token.start_pos or 0) + 1


# --- what the rules of the grammar make -------------------------------------------------------------------------------


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Runs while the text is parsed. Its methods are named after the grammar's rules and terminals."""

    def either(self, *parts: Node) -> Node:
        return Or(_flat(parts, Or))

    def both(self, *parts: Node) -> Node:
        return And(_flat(parts, And))

    def negation(self, inner: Node) -> Node:
        return Not(inner)

    def has(self, name: Token, value: Any) -> Node:
        return Has(str(name), value, _column(name))

    def compared(self, name: Token, operator: Token, literal: Literal) -> Node:
        return Compared(str(name), str(operator), literal, _column(name))

    def anything(self, token: Token) -> Anything:
        return Anything(_column(token))

    def nothing(self, token: Token) -> Nothing:
        return Nothing(_column(token))

    def any_of(self, *items: Literal) -> AnyOf:
        return AnyOf(items)

    def inclusive(self, low: Literal, high: Literal) -> Range:
        return Range(low, high)

    def exclusive(self, low: Literal, high: Literal) -> Range:
        return Range(low, high, inclusive=False)

    def WORD(self, token: Token) -> Literal:
        if token.lower() in _RESERVED:
            message = f"expected a value, found {str(token)!r}; put a word of the language in quotes"
            raise QueryError(SYNTAX, _column(token), message)
        return Literal(str(token), Quote.BARE, _column(token))

    def ITEM(self, token: Token) -> Literal:
        return self.WORD(token)

    def PHRASE(self, token: Token) -> Literal:
        return Literal(_unquoted(token), Quote.PHRASE, _column(token))

    def EXACT(self, token: Token) -> Literal:
        return Literal(_unquoted(token), Quote.EXACT, _column(token))


def _flat(parts: Iterable[Node], kind: type[And] | type[Or]) -> tuple[Node, ...]:
    """Parentheses around the same kind say nothing."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And | Or) and type(part) is kind else (part,))
    return tuple(flat)


def _unquoted(token: Token) -> str:
    quote = token[0]
    return token[1:-1].replace(quote * 2, quote)


_PARSER = Lark(
    Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8"), parser="lalr", transformer=_Builder()
)


# --- mistakes in words ------------------------------------------------------------------------------------------------


def _unexpected(text: str, wrong: UnexpectedInput) -> QueryError:
    # At the end of the text lark gives the position of the last token, or none.
    ended = isinstance(wrong, UnexpectedToken) and wrong.token.type == "$END"
    position = len(text) if ended or wrong.pos_in_stream is None else wrong.pos_in_stream
    found = "the end" if position >= len(text) else repr(text[position])
    allowed = _allowed_after(text[:position])
    message = f"expected {_listed(allowed)}, found {found}{_hint(text, position, allowed)}"
    return QueryError(SYNTAX, position + 1, message)


def _allowed_after(beginning: str) -> set[str]:
    """Which terminals may follow. The parser that failed has forgotten some: it had begun to take the wrong one."""
    parsing = _PARSER.parse_interactive(beginning)
    parsing.exhaust_lexer()
    allowed: set[str] = parsing.accepts()  # type: ignore[no-untyped-call]
    return allowed


def _listed(allowed: set[str]) -> str:
    """In the order of `_WORDS`; a value stands for all ways to write one."""
    words = [word for terminal, word in _WORDS.items() if terminal in allowed]
    if allowed & {"WORD", "ITEM"}:
        words.insert(0, "a value")
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"


def _hint(text: str, position: int, allowed: set[str]) -> str:
    found = text[position : position + 1]
    if found in _QUOTES:
        return f"; each opening {found} needs a closing one, and a quote inside of its like is written twice"
    if found == "*":
        return "; '*' stands alone, and is an ordinary character in quotes"
    if found and "_AND" in allowed and text[position - 1].isspace():
        return "; put several words in quotes"
    return ""
