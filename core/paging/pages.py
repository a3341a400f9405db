"""One page of a queryset as a bare array, with the headers that lead to the others."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import EXCLUDES, PAGED_TOO_FAR, InvalidInput, Problem
from core.paging import parameters
from core.paging.cursors import Place, cursor, fingerprint, place
from core.paging.keys import Key, keys_of, ranges_behind
from core.paging.links import links
from core.paging.parameters import SEARCH_AFTER, PageParameters
from core.shapes import parse

_NAMES = ("pageNumber", "pageSize", SEARCH_AFTER)

M = TypeVar("M", bound=Model)


def page(
    request: Request,
    queryset: QuerySet[M],
    *,
    render: Callable[[M], Any] | None = None,
    render_all: Callable[[list[M]], list[Any]] | None = None,
    order: Sequence[str] | None = None,
    wanted: PageParameters | None = None,
) -> Response:
    """One page of `queryset` as a bare array, with `X-Total-Count`, `Link` and `searchAfter` headers.

    `render` makes JSON of one row; `render_all` of all of them, where they share look-ups. `order` names columns as
    `order_by` does, and defaults to the queryset's own; the primary key is added, so that no two rows tie. `wanted` are
    the parameters, where the view has read them. Raises InvalidInput.
    """
    asked = _asked(request, wanted)
    keys = keys_of(queryset, order)
    listed = fingerprint(queryset)
    counted: int | None = None
    if asked.search_after:
        begin = place(keys, asked.search_after, listed=listed)
        counted = begin.total
        rows, more = _rows_behind(queryset, keys, begin, asked.page_size)
    else:
        refuse_too_far(asked)
        start, end = asked.page_number * asked.page_size, (asked.page_number + 1) * asked.page_size
        # One row more than asked for costs less than a count, and tells whether others follow.
        rows = _slice(queryset, Q(), keys, start, end + 1)
        rows, more = rows[: asked.page_size], len(rows) > asked.page_size
    total = _total(queryset, asked, rows, more) if counted is None else counted
    behind = cursor(keys, rows[-1], total=total, listed=listed) if rows else None
    response = Response(_rendered(rows, render, render_all))
    response["X-Total-Count"] = str(total)
    response["Link"] = links(request, asked, total, behind if more else None)
    if behind:
        response[SEARCH_AFTER] = behind
    return response


def _asked(request: Request, wanted: PageParameters | None) -> PageParameters:
    asked = _read(request) if wanted is None else wanted
    header = request.headers.get(SEARCH_AFTER)
    if header and not asked.search_after:
        asked = asked.model_copy(update={"search_after": header})
    if asked.search_after and asked.page_number:
        message = "excludes pageNumber: the rows after a key have no page numbers; leave pageNumber out"
        raise InvalidInput(problems=[Problem(SEARCH_AFTER, "excludes", message, EXCLUDES)])
    return asked


def _read(request: Request) -> PageParameters:
    """Only the paging parameters: whoever calls without `wanted` has judged the others."""
    sent = {name: request.GET[name] for name in _NAMES if name in request.GET}
    return parse(PageParameters, sent, noun="parameter")


def refuse_too_far(asked: PageParameters) -> None:
    """Raises InvalidInput for a page by number that begins or ends past the furthest record."""
    if (asked.page_number + 1) * asked.page_size > parameters.FURTHEST_RECORD:
        message = (
            f"pages by number end at record {parameters.FURTHEST_RECORD}; to read on, send the searchAfter header of "
            "the page before as searchAfter"
        )
        raise InvalidInput(problems=[Problem("pageNumber", "too_far", message, PAGED_TOO_FAR)])


def _slice(queryset: QuerySet[M], behind: Q, keys: Sequence[Key], start: int, end: int) -> list[M]:
    """Rows by their places in the order. They are chosen by their keys alone, in the same statement: sorted or passed
    over as wide as rows are shown, with all that is joined to them, they would cost many times as much."""
    order = [key.expression() for key in keys]
    chosen = queryset.filter(behind).order_by(*order).values("pk")[start:end]
    return list(queryset.filter(pk__in=chosen).order_by(*order))


def _rows_behind(queryset: QuerySet[M], keys: Sequence[Key], begin: Place, size: int) -> tuple[list[M], bool]:
    """The same behind a place: from the first range, and from the next only where that has too few."""
    rows: list[M] = []
    for behind in ranges_behind(keys, begin.values):
        rows += _slice(queryset, behind, keys, 0, size + 1 - len(rows))
        if len(rows) > size:
            break
    return rows[:size], len(rows) > size


def _total(queryset: QuerySet[M], asked: PageParameters, rows: Sequence[M], more: bool) -> int:
    """How many rows there are in all, from what was read where that tells."""
    start = asked.page_number * asked.page_size
    if not asked.search_after and not more and (rows or not start):
        return start + len(rows)
    return queryset.order_by().count()


def _rendered(
    rows: list[M], render: Callable[[M], Any] | None, render_all: Callable[[list[M]], list[Any]] | None
) -> list[Any]:
    if render_all is not None:
        return render_all(rows)
    return [render(row) for row in rows] if render is not None else list(rows)
