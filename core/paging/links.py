"""The `Link` header of a page: RFC 8288, with whole addresses, because few clients resolve relative ones."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from rest_framework.request import Request

from core.paging import parameters
from core.paging.parameters import PLACE, SEARCH_AFTER, PageParameters


def links(request: Request, asked: PageParameters, total: int, next_cursor: str | None) -> str:
    """First, previous, next and last page, where there are such. `next_cursor` is None on the last page."""
    targets: dict[str, Mapping[str, Any]] = {"first": {}}
    if asked.search_after:
        if next_cursor:
            targets["next"] = {SEARCH_AFTER: next_cursor}
    else:
        targets |= _numbered(asked, total, next_cursor)
    return ", ".join(f'<{_address(request, changes)}>; rel="{name}"' for name, changes in targets.items())


def _numbered(asked: PageParameters, total: int, next_cursor: str | None) -> dict[str, Mapping[str, Any]]:
    last = max(0, (total - 1) // asked.page_size)
    reachable = parameters.FURTHEST_RECORD // asked.page_size - 1
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
    kept = [(name, value) for name, values in request.GET.lists() for value in values if name not in PLACE]
    return request.build_absolute_uri(request.path) + _query([*kept, *changes.items()])


def _query(pairs: Iterable[tuple[str, Any]]) -> str:
    text = urlencode(list(pairs))
    return f"?{text}" if text else ""
