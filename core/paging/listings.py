"""What a list is, said once: how its rows look, by what they are ordered, and what queries may ask of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from django.db.models import Count, Model, Q, QuerySet
from django.db.models.expressions import Combinable
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import InvalidInput, Problem
from core.paging.attributes import Wanted, keep, narrowed
from core.paging.pages import page, refuse_too_far
from core.paging.parameters import ListParameters
from core.paging.sorting import ordering
from core.query import Token, compile_query
from core.shapes import guess

M = TypeVar("M", bound=Model)
Column: TypeAlias = str | Combinable


@dataclass(frozen=True)
class Having:
    """What `havingQuery` asks: rows that are related to something for which a query holds.

    `tokens` are of what they are related to, and `within` makes of a condition on it one on the rows.
    """

    tokens: Mapping[str, Token]
    within: Callable[[Q], Q]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One kind of list. `row` is the declared answer; `columns` are what it is sorted by, by their names on the wire:
    a name for `order_by`, or an expression, which the rows are given only where they are sorted by it."""

    row: type[BaseModel]
    order: Sequence[str]
    columns: Mapping[str, Column]
    tokens: Mapping[str, Token] = field(default_factory=dict)
    having: Having | None = None
    # What `groupBy` may name, of columns that hold few values.
    groups: Mapping[str, Column] = field(default_factory=dict)

    def matching(self, rows: QuerySet[M], wanted: ListParameters, *, at: datetime) -> QuerySet[M]:
        """The rows that `query` and `havingQuery` mean. Raises InvalidInput with what is wrong in both.

        Also for a page number that no list has: whoever only counts may send one, too.
        """
        refuse_too_far(wanted)
        problems: list[Problem] = []
        condition = _gathered(problems, lambda: self._condition(wanted.query, "query", at))
        having = _gathered(problems, lambda: self._having(getattr(wanted, "having_query", None), at))
        if problems:
            raise InvalidInput(problems=problems)
        return rows.filter(*(one for one in (condition, having) if one))

    def page(
        self,
        request: Request,
        rows: QuerySet[M],
        wanted: ListParameters,
        *,
        at: datetime,
        render: Callable[[M], dict[str, Any]] | None = None,
        render_all: Callable[[list[M]], list[dict[str, Any]]] | None = None,
    ) -> Response:
        """One page of the rows that were asked for, in the order and with the keys that were asked for.

        Raises InvalidInput with everything that is wrong.
        """
        problems: list[Problem] = []
        order = _gathered(problems, lambda: self._order(wanted))
        keys = _gathered(problems, lambda: keep(self.row, wanted.attributes))
        matching = _gathered(problems, lambda: self.matching(rows, wanted, at=at))
        if problems or order is None or matching is None:
            raise InvalidInput(problems=problems)
        sorted_by, sortable = self._sortable(matching, order)
        shown = _shown(render, render_all, keys)
        return page(request, sortable, render_all=shown, order=sorted_by, wanted=wanted)

    def count(self, rows: QuerySet[M], *, group_by: str | None = None) -> dict[str, Any]:
        """`{"count": n}`, and where rows are counted apart `"groups": [{"value", "count"}]`, the largest first."""
        if not group_by:
            return {"count": rows.order_by().count()}
        if group_by not in self.groups:
            message = f"cannot group by {group_by[:64]!r}{guess(group_by, self.groups)}"
            raise InvalidInput(problems=[Problem("groupBy", "invalid", message)])
        column = self.groups[group_by]
        named = {} if isinstance(column, str) else {"group_": column}
        by = column if isinstance(column, str) else "group_"
        groups = rows.order_by().annotate(**named).values_list(by).annotate(count_=Count("pk")).order_by("-count_", by)
        counted = [{"value": value, "count": count} for value, count in groups]
        return {"count": sum(one["count"] for one in counted), "groups": counted}

    def _condition(self, text: str | None, name: str, at: datetime) -> Q:
        return compile_query(text, self.tokens, now=at, field=name) if text else Q()

    def _having(self, text: str | None, at: datetime) -> Q:
        if not text or self.having is None:
            return Q()
        return self.having.within(compile_query(text, self.having.tokens, now=at, field="havingQuery"))

    def _order(self, wanted: ListParameters) -> list[str]:
        names = {wire: column if isinstance(column, str) else wire for wire, column in self.columns.items()}
        return ordering(wanted.sort, wanted.sort_order, columns=names, default=self.order)

    def _sortable(self, rows: QuerySet[M], order: Sequence[str]) -> tuple[list[str], QuerySet[M]]:
        """The order, and the rows with what it needs of them."""
        computed = {name: column for name, column in self.columns.items() if not isinstance(column, str)}
        renamed = {name: f"sort_{name.replace('.', '_')}" for name in computed if {name, f"-{name}"} & set(order)}
        named = [_renamed(one, renamed) for one in order]
        return named, rows.annotate(**{renamed[name]: computed[name] for name in renamed})


def _renamed(signed: str, names: Mapping[str, str]) -> str:
    sign, name = ("-", signed[1:]) if signed.startswith("-") else ("", signed)
    return f"{sign}{names.get(name, name)}"


def _shown(
    render: Callable[[M], dict[str, Any]] | None,
    render_all: Callable[[list[M]], list[dict[str, Any]]] | None,
    keys: Wanted | None,
) -> Callable[[list[M]], list[Any]]:
    def shown(rows: list[M]) -> list[Any]:
        if render_all is not None:
            made = render_all(rows)
        else:
            assert render is not None  # noqa: S101 - a list whose rows are models says how they look
            made = [render(row) for row in rows]
        return made if keys is None else [narrowed(row, keys) for row in made]

    return shown


T = TypeVar("T")


def _gathered(problems: list[Problem], work: Callable[[], T]) -> T | None:
    """What `work` makes; where it refuses, its problems join the others."""
    try:
        return work()
    except InvalidInput as refused:
        problems += refused.problems
        return None
