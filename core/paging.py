"""Lists as bare arrays: pages by number for people, by key for programs.

Pages by number end at record 10,000, because the database reads and throws away everything before a page; pages by key
(`searchAfter`) cost the same anywhere.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from pydantic import Field as Described
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import EXCLUDES, INVALID, PAGED_TOO_FAR, InvalidInput, Problem
from core.shapes import Shape, Text, WholeNumber, guess, parse

SEARCH_AFTER = "searchAfter"
FURTHEST_RECORD = 10_000
_SALT = "core.paging"
_PAGING_NAMES = ("pageNumber", "pageSize", SEARCH_AFTER)

M = TypeVar("M", bound=Model)


class PageParameters(Shape):
    """Base of the query parameters of every list."""

    page_number: Annotated[WholeNumber, Described(ge=0, description="Counts from 0.")] = 0
    page_size: Annotated[WholeNumber, Described(ge=1, le=FURTHEST_RECORD, description="Rows on a page.")] = 10
    search_after: Annotated[
        Text | None,
        Described(
            max_length=4096,
            description="The rows after those of an earlier answer: the value of its `searchAfter` header. May also be "
            "sent as a header. Has no limit; page numbers end at record 10,000.",
        ),
    ] = None


class SortedPageParameters(PageParameters):
    """The same for lists whose order the caller may choose; `ordering` reads the two."""

    sort: Annotated[
        Text | None, Described(description='`name,-created`, or `[{"name":"asc"}]`.', examples=["name,-created"])
    ] = None
    sort_order: Annotated[Text | None, Described(description="`asc` or `desc`, for columns that do not say.")] = None


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
    keys = _keys(queryset, order)
    ordered = queryset.order_by(*(key.expression() for key in keys))
    if asked.search_after:
        rows, more = _rows_after(ordered, keys, asked)
    else:
        _refuse_too_far(asked)
        rows, more = _sliced(ordered, asked.page_number * asked.page_size, asked.page_size)
    total = _total(queryset, asked, rows, more)
    cursor = _cursor(keys, rows[-1]) if rows else None
    response = Response(_rendered(rows, render, render_all))
    response["X-Total-Count"] = str(total)
    response["Link"] = _links(request, asked, total, cursor if more else None)
    if cursor:
        response[SEARCH_AFTER] = cursor
    return response


def ordering(
    sort: object, sort_order: str | None = None, *, columns: Mapping[str, str], default: Sequence[str] = ()
) -> list[str]:
    """`sort` and `sortOrder` as names for `order_by`.

    `sort` is `name,-created`, or `[{"name":"asc"}]` as text or as a list. `columns` maps what may be sorted by, as it
    is called on the wire, to the queryset's names. Raises InvalidInput that names the nearest column.
    """
    if sort is None or sort in ("", "null"):
        pairs = [(name.lstrip("-"), name.startswith("-")) for name in default]
        return [_signed(name, _descends(sort_order, otherwise=descending)) for name, descending in pairs]
    # The first mention of a column counts; a later one could change nothing.
    chosen: dict[str, str] = {}
    for name, direction in _sort_terms(sort):
        if name not in columns:
            raise _no_column(name, columns)
        descending = _descends(direction, otherwise=_descends(sort_order, otherwise=False), field="sort")
        chosen.setdefault(columns[name], _signed(columns[name], descending))
    return list(chosen.values())


# --- what was asked for -----------------------------------------------------------------------------------------------


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
    sent = {name: request.GET[name] for name in _PAGING_NAMES if name in request.GET}
    return parse(PageParameters, sent, noun="parameter")


def _refuse_too_far(asked: PageParameters) -> None:
    if (asked.page_number + 1) * asked.page_size > FURTHEST_RECORD:
        message = (
            f"pages by number end at record {FURTHEST_RECORD}; to read on, send the searchAfter header of the page "
            "before as searchAfter"
        )
        raise InvalidInput(problems=[Problem("pageNumber", "too_far", message, PAGED_TOO_FAR)])


# --- rows -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """One column of the order, and how its values come back from a cursor."""

    name: str
    descending: bool
    field: "Field[Any, Any]"
    nullable: bool

    def expression(self) -> OrderBy:
        """Null sorts as greater than everything. Postgres does so by itself; said, because `_beyond` relies on it."""
        column = F(self.name)
        return column.desc(nulls_first=True) if self.descending else column.asc(nulls_last=True)


def _keys(queryset: QuerySet[M], order: Sequence[str] | None) -> list[_Key]:
    named = list(order) if order is not None else _own_order(queryset)
    bare = [name.lstrip("-") for name in named]
    if not {"pk", "id", queryset.model._meta.pk.name} & set(bare):
        # Downwards where the order is: one index then serves both columns, read in one direction.
        named.append("-pk" if named and named[-1].startswith("-") else "pk")
    return [_key(queryset, name) for name in named]


def _own_order(queryset: QuerySet[M]) -> list[str]:
    own = queryset.query.order_by or queryset.model._meta.ordering or ()
    if not all(isinstance(name, str) for name in own):
        raise TypeError("pass `order`: only named columns can be paged by key")
    return [str(name) for name in own]


def _key(queryset: QuerySet[M], signed_name: str) -> _Key:
    name = signed_name.lstrip("-")
    annotation = queryset.query.annotations.get(name)
    if annotation is not None:
        return _Key(name, signed_name.startswith("-"), annotation.output_field, nullable=True)
    field, nullable = _field(queryset.model, name)
    return _Key(name, signed_name.startswith("-"), field, nullable)


def _field(model: type[Model], name: str) -> tuple["Field[Any, Any]", bool]:
    """The column that `a__b` names, and whether it can be null on the way there."""
    nullable = False
    field: Any = None
    for part in name.split("__"):
        field = model._meta.pk if part == "pk" else _get_field(model, part)
        nullable = nullable or bool(field.null)
        model = field.related_model or model
    return getattr(field, "target_field", field), nullable


def _get_field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        # `owner_id` is the column of the foreign key `owner`.
        return model._meta.get_field(name.removesuffix("_id"))


def _sliced(ordered: QuerySet[M], start: int, size: int) -> tuple[list[M], bool]:
    """The rows, and whether others follow: one more row than asked for costs less than a count."""
    rows = list(ordered[start : start + size + 1])
    return rows[:size], len(rows) > size


def _rows_after(ordered: QuerySet[M], keys: Sequence[_Key], asked: PageParameters) -> tuple[list[M], bool]:
    values = _read_cursor(keys, asked.search_after or "")
    return _sliced(ordered.filter(_after(keys, values)), 0, asked.page_size)


def _after(keys: Sequence[_Key], values: Sequence[Any]) -> Q:
    """Rows that sort behind `values`: beyond in the first column, or equal there and beyond in the second, …"""
    behind = Q(pk__in=[])
    equal = Q()
    for key, value in zip(keys, values, strict=True):
        beyond = _beyond(key, value)
        if beyond is not None:
            behind |= equal & beyond
        equal &= Q(**{f"{key.name}__isnull": True}) if value is None else Q(**{key.name: value})
    first, value = keys[0], values[0]
    if value is None or first.nullable:
        return behind
    # Implied by the rest, and said so that an index on the first column gives the place to start at.
    return Q(**{f"{first.name}__{'lte' if first.descending else 'gte'}": value}) & behind


def _beyond(key: _Key, value: Any) -> Q | None:
    """Rows that are strictly behind `value` in this column alone; None where there cannot be any."""
    if value is None:
        return Q(**{f"{key.name}__isnull": False}) if key.descending else None
    if key.descending:
        return Q(**{f"{key.name}__lt": value})
    greater = Q(**{f"{key.name}__gt": value})
    return greater | Q(**{f"{key.name}__isnull": True}) if key.nullable else greater


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


# --- cursors ----------------------------------------------------------------------------------------------------------


def _cursor(keys: Sequence[_Key], row: M) -> str:
    """The place behind `row`. Signed, so that its values need no judging when they come back."""
    content = {"by": _order_name(keys), "at": [_portable(_value(row, key.name)) for key in keys]}
    # With times exact to the microsecond, which Django's JSON encoder would cut off.
    return signing.Signer(salt=_SALT).sign_object(content)


def _read_cursor(keys: Sequence[_Key], cursor: str) -> list[Any]:
    try:
        content = signing.Signer(salt=_SALT).unsign_object(cursor)
        if content["by"] != _order_name(keys):
            raise _bad_cursor("belongs to a list in another order; start again without it")
        return [_revived(key, value) for key, value in zip(keys, content["at"], strict=True)]
    except (signing.BadSignature, KeyError, TypeError, ValueError, ValidationError):
        raise _bad_cursor("is not one that a list of ours has answered") from None


def _bad_cursor(why: str) -> InvalidInput:
    return InvalidInput(problems=[Problem(SEARCH_AFTER, "invalid", why)])


def _order_name(keys: Sequence[_Key]) -> str:
    return ",".join(_signed(key.name, key.descending) for key in keys)


def _value(row: Any, name: str) -> Any:
    """The row's value of a column, through relations; rows of `values()` are mappings."""
    if isinstance(row, Mapping):
        return row[name]
    for part in name.split("__"):
        row = None if row is None else getattr(row, part)
    return row.pk if isinstance(row, Model) else row


def _portable(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, UUID | Decimal) else value


def _revived(key: _Key, value: Any) -> Any:
    return None if value is None else key.field.to_python(value)


# --- links ------------------------------------------------------------------------------------------------------------


def _links(request: Request, asked: PageParameters, total: int, next_cursor: str | None) -> str:
    """RFC 8288, with whole addresses, because few clients resolve relative ones."""
    targets: dict[str, Mapping[str, Any]] = {"first": {}}
    if asked.search_after:
        if next_cursor:
            targets["next"] = {SEARCH_AFTER: next_cursor}
    else:
        targets |= _numbered(asked, total, next_cursor)
    return ", ".join(f'<{_address(request, changes)}>; rel="{name}"' for name, changes in targets.items())


def _numbered(asked: PageParameters, total: int, next_cursor: str | None) -> dict[str, Mapping[str, Any]]:
    last = max(0, (total - 1) // asked.page_size)
    reachable = FURTHEST_RECORD // asked.page_size - 1
    targets: dict[str, Mapping[str, Any]] = {}
    if asked.page_number:
        targets["prev"] = {"pageNumber": min(asked.page_number - 1, last)}
    if next_cursor:
        by_number = asked.page_number < reachable
        targets["next"] = {"pageNumber": asked.page_number + 1} if by_number else {SEARCH_AFTER: next_cursor}
    if last <= reachable:
        targets["last"] = {"pageNumber": last}
    return targets


def _address(request: Request, changes: Mapping[str, Any]) -> str:
    kept = [(name, value) for name, values in request.GET.lists() for value in values if name not in _PLACE]
    return request.build_absolute_uri(request.path) + _query([*kept, *changes.items()])


_PLACE = {"pageNumber", SEARCH_AFTER}


def _query(pairs: Iterable[tuple[str, Any]]) -> str:
    text = urlencode(list(pairs))
    return f"?{text}" if text else ""


# --- sorting ----------------------------------------------------------------------------------------------------------


def _sort_terms(sort: object) -> list[tuple[str, str | None]]:
    """Pairs of a column's wire name and its direction, None where none was said."""
    terms = _unpacked(sort)
    if isinstance(terms, str):
        return [_text_term(part.strip()) for part in terms.split(",") if part.strip()]
    if isinstance(terms, Mapping):
        terms = [terms]
    if not isinstance(terms, list):
        raise _bad_sort('must be like name,-created, or like [{"name":"asc"}]')
    return [pair for term in terms for pair in _listed_term(term)]


def _unpacked(sort: object) -> object:
    if not isinstance(sort, str) or not sort.lstrip().startswith(("[", "{")):
        return sort
    try:
        unpacked: object = json.loads(sort)
    except (ValueError, RecursionError):
        raise _bad_sort('must be like name,-created, or like [{"name":"asc"}]') from None
    return unpacked


def _text_term(text: str) -> tuple[str, str | None]:
    if text.startswith("-"):
        return text[1:], "desc"
    name, _, direction = text.replace(":", " ").partition(" ")
    return name.removeprefix("+"), direction.strip() or None


def _listed_term(term: object) -> list[tuple[str, str | None]]:
    if isinstance(term, str):
        return [_text_term(term)]
    if not isinstance(term, Mapping):
        raise _bad_sort('must be like name,-created, or like [{"name":"asc"}]')
    return [(str(name), None if direction is None else str(direction)) for name, direction in term.items()]


def _descends(direction: str | None, *, otherwise: bool, field: str = "sortOrder") -> bool:
    if not direction:
        return otherwise
    word = direction.strip().lower()
    if word not in {"asc", "desc", "ascending", "descending"}:
        raise InvalidInput(problems=[Problem(field, "invalid", f"must be asc or desc, but was {direction[:64]!r}")])
    return word.startswith("desc")


def _signed(name: str, descending: bool) -> str:
    return f"-{name}" if descending else name


def _bad_sort(message: str) -> InvalidInput:
    return InvalidInput(problems=[Problem("sort", "invalid", message, INVALID)])


def _no_column(name: str, columns: Mapping[str, str]) -> InvalidInput:
    return _bad_sort(f"cannot sort by {name[:64]!r}{guess(name, columns)}")
