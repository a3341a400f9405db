"""`searchAfter`: a place in a list, signed, so that its values need no judging when they come back."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import EmptyResultSet, ValidationError
from django.db.models import Model, QuerySet

from core.errors import InvalidInput, Problem
from core.paging.keys import Key, order_name
from core.paging.parameters import SEARCH_AFTER

_SALT = "core.paging"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: behind the row with these values. `total` is how many rows the list had when its first page
    was read; None where that was another list, since a key may be sent with another query."""

    values: list[Any]
    total: int | None


def cursor(keys: Sequence[Key], row: Any, *, total: int, listed: str) -> str:
    """The place behind `row` in a list of `total` rows."""
    at = [_portable(_value(row, key.name)) for key in keys]
    content = {"by": order_name(keys), "at": at, "of": [listed, total]}
    # With times exact to the microsecond, which Django's JSON encoder would cut off.
    return signing.Signer(salt=_SALT).sign_object(content)


def place(keys: Sequence[Key], text: str, *, listed: str) -> Place:
    """What a cursor says. Raises InvalidInput."""
    try:
        content = signing.Signer(salt=_SALT).unsign_object(text)
        if content["by"] != order_name(keys):
            raise _refused("belongs to a list in another order; start again without it")
        values = [_revived(key, value) for key, value in zip(keys, content["at"], strict=True)]
        of, total = content["of"]
        return Place(values, int(total) if of == listed else None)
    except (signing.BadSignature, KeyError, TypeError, ValueError, ValidationError):
        raise _refused("is not one that a list of ours has answered") from None


def fingerprint(queryset: QuerySet[Any]) -> str:
    """Which rows are listed, customer and conditions included, in a few letters."""
    try:
        statement = queryset.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return ""
    return hashlib.sha256(repr(statement).encode()).hexdigest()[:16]


def _refused(why: str) -> InvalidInput:
    return InvalidInput(problems=[Problem(SEARCH_AFTER, "invalid", why)])


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


def _revived(key: Key, value: Any) -> Any:
    return None if value is None else key.field.to_python(value)
