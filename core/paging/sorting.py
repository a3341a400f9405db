"""`sort` and `sortOrder`, in all the ways that clients spell them."""

import json
from collections.abc import Mapping, Sequence

from core.errors import INVALID, InvalidInput, Problem
from core.paging.keys import signed
from core.shapes import guess


def ordering(
    sort: object, sort_order: str | None = None, *, columns: Mapping[str, str], default: Sequence[str] = ()
) -> list[str]:
    """`sort` and `sortOrder` as names for `order_by`.

    `sort` is `name,-created`, or `[{"name":"asc"}]` as text or as a list. `columns` maps what may be sorted by, as it
    is called on the wire, to the queryset's names. Raises InvalidInput that names the nearest column.
    """
    if sort is None or sort in ("", "null"):
        pairs = [(name.lstrip("-"), name.startswith("-")) for name in default]
        return [signed(name, _descends(sort_order, otherwise=descending)) for name, descending in pairs]
    # The first mention of a column counts; a later one could change nothing.
    chosen: dict[str, str] = {}
    for name, direction in _sort_terms(sort):
        if name not in columns:
            raise _no_column(name, columns)
        descending = _descends(direction, otherwise=_descends(sort_order, otherwise=False), field="sort")
        chosen.setdefault(columns[name], signed(columns[name], descending))
    return list(chosen.values())


def _sort_terms(sort: object) -> list[tuple[str, str | None]]:
    """Pairs of a column's wire name and its direction, None where none was said."""
    terms = _parsed(sort)
    if isinstance(terms, str):
        return [_text_term(part.strip()) for part in terms.split(",") if part.strip()]
    if isinstance(terms, Mapping):
        terms = [terms]
    if not isinstance(terms, list):
        raise _bad_sort('must be like name,-created, or like [{"name":"asc"}]')
    return [pair for term in terms for pair in _listed_term(term)]


def _parsed(sort: object) -> object:
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


def _bad_sort(message: str) -> InvalidInput:
    return InvalidInput(problems=[Problem("sort", "invalid", message, INVALID)])


def _no_column(name: str, columns: Mapping[str, str]) -> InvalidInput:
    return _bad_sort(f"cannot sort by {name[:64]!r}{guess(name, columns)}")
