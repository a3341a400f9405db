"""From a tree to a Q: every clause is asked of its token, and all that is wrong is told at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from core.errors import InvalidInput
from core.query.parsing import parse_query
from core.query.problems import UNKNOWN_TOKEN, WRONG_TYPE, QueryError
from core.query.tokens import Token
from core.query.tree import And, AnyOf, Anything, Clause, Compared, Has, Literal, Node, Not, Nothing, Or, Range, Value
from core.shapes import guess
from core.shapes.words import shown


def compile_query(text: str, tokens: Mapping[str, Token], *, now: datetime, field: str = "query") -> Q:
    """The rows that a query means, as a condition for `filter` on the model that `tokens` are of.

    `field` is what the sender calls the query. Raises InvalidInput with a problem for each mistake, its code one of
    `syntax`, `unknown_token`, `wrong_type` and `too_complex`, its message naming the column (from 1) and what would be
    right.
    """
    compiler = _Compiler(tokens, now)
    try:
        meant = compiler.node(parse_query(text))
    except QueryError as wrong:
        raise InvalidInput(problems=[wrong.problem(field)]) from None
    if compiler.wrong:
        raise InvalidInput(problems=[one.problem(field) for one in compiler.wrong])
    return meant


@dataclass(frozen=True)
class _Compiler:
    tokens: Mapping[str, Token]
    now: datetime
    wrong: list[QueryError] = field(default_factory=list)

    def node(self, node: Node) -> Q:
        """As deep as the parser's limit lets a query be, and no deeper."""
        match node:
            case And(parts):
                return Q(*(self.node(part) for part in parts), _connector=Q.AND)
            case Or(parts):
                return Q(*(self.node(part) for part in parts), _connector=Q.OR)
            case Not(inner):
                return ~self.node(inner)
            case _:
                return self._clause(node)

    def _clause(self, clause: Clause) -> Q:
        try:
            token = self._token(clause)
            if isinstance(clause, Has):
                return self._has(token, clause.value)
            return self._compared(token, clause)
        except QueryError as wrong:
            self.wrong.append(wrong)
            return Q()

    def _token(self, clause: Clause) -> Token:
        token = self.tokens.get(clause.token)
        if token is None:
            message = f"unknown token {shown(clause.token)}{guess(clause.token, self.tokens)}"
            raise QueryError(UNKNOWN_TOKEN, clause.column, message)
        return token

    def _has(self, token: Token, value: Value) -> Q:
        match value:
            case Literal():
                return token.has(value, now=self.now)
            case Anything():
                return token.present()
            case Nothing():
                return ~token.present()
            case AnyOf(items):
                return Q(*(token.has(item, now=self.now) for item in items), _connector=Q.OR)
            case Range(low, high, inclusive):
                return self._between(token, low, high, inclusive=inclusive)

    def _between(self, token: Token, low: Literal, high: Literal, *, inclusive: bool) -> Q:
        self._require_order(token, low)
        more, less = (">=", "<=") if inclusive else (">", "<")
        return token.compared(more, low, now=self.now) & token.compared(less, high, now=self.now)

    def _compared(self, token: Token, clause: Compared) -> Q:
        if clause.operator == "=":
            return token.equals(clause.literal, now=self.now)
        self._require_order(token, clause.literal)
        return token.compared(clause.operator, clause.literal, now=self.now)

    def _require_order(self, token: Token, literal: Literal) -> None:
        if not token.ordered:
            message = f"expected ':' or '=' with {token.takes}; only numbers and dates have ranges and comparisons"
            raise QueryError(WRONG_TYPE, literal.column, message)
