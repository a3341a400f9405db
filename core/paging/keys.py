"""The columns that a list is ordered by, and the rows that come behind a place in that order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, F, Field, Func, Model, Q, QuerySet, Value
from django.db.models.expressions import OrderBy

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order, and how its values come back from a cursor."""

    name: str
    descending: bool
    field: "Field[Any, Any]"
    nullable: bool

    def expression(self) -> OrderBy:
        """Null sorts as greater than everything. Postgres does so by itself, and its indexes too; said, because
        `ranges_behind` relies on it."""
        column = F(self.name)
        if not self.nullable:
            return column.desc() if self.descending else column.asc()
        return column.desc(nulls_first=True) if self.descending else column.asc(nulls_last=True)

    def equals(self, value: Any) -> Q:
        """The rows that have this value."""
        return Q((f"{self.name}__isnull", True)) if value is None else Q((self.name, value))


def keys_of(queryset: QuerySet[M], order: Sequence[str] | None) -> list[Key]:
    """The order as keys, the primary key last, so that no two rows tie."""
    named = list(order) if order is not None else _own_order(queryset)
    bare = [name.lstrip("-") for name in named]
    if not {"pk", "id", queryset.model._meta.pk.name} & set(bare):
        # Downwards where the order is: one index then serves both columns, read in one direction.
        named.append("-pk" if named and named[-1].startswith("-") else "pk")
    return [_key(queryset, name) for name in named]


def order_name(keys: Sequence[Key]) -> str:
    """The order in one text."""
    return ",".join(signed(key.name, key.descending) for key in keys)


def signed(name: str, descending: bool) -> str:
    """A column as `order_by` names it."""
    return f"-{name}" if descending else name


def ranges_behind(keys: Sequence[Key], values: Sequence[Any]) -> list[Q]:
    """The rows that sort behind `values`, as conditions of which each names rows behind those of the one before.

    Each is one stretch of an index on the columns, so that a page costs the same wherever it is, also amid rows that
    tie and among nulls. One OR of them all would be read from the list's beginning.
    """
    if not keys:
        return []
    if values[0] is None:
        within = [keys[0].equals(None) & rest for rest in ranges_behind(keys[1:], values[1:])]
        return [*within, Q((f"{keys[0].name}__isnull", False))] if keys[0].descending else within
    length = _run(keys, values)
    run, at = keys[:length], values[:length]
    equal = Q(*(key.equals(value) for key, value in zip(run, at, strict=True)))
    behind: list[Q] = [equal & rest for rest in ranges_behind(keys[length:], values[length:])]
    behind.append(Q(_Beyond(run, at)))
    if keys[0].nullable and not keys[0].descending:
        behind.append(keys[0].equals(None))
    return behind


def _run(keys: Sequence[Key], values: Sequence[Any]) -> int:
    """How many keys can be compared as one row: in one direction, without a null that would sort between."""
    length = 1
    for key, value in zip(keys[1:], values[1:], strict=True):
        upwards_to_null = key.nullable and not key.descending
        if key.descending != keys[0].descending or value is None or upwards_to_null:
            break
        length += 1
    return length


class _Beyond(Func):
    """`(a, b) > (x, y)`: rows compare column by column, and an index on both columns is entered at once."""

    output_field = BooleanField()

    def __init__(self, keys: Sequence[Key], values: Sequence[Any]) -> None:
        columns = [F(key.name) for key in keys]
        super().__init__(*columns, *(Value(value, key.field) for key, value in zip(keys, values, strict=True)))
        self.operator = "<" if keys[0].descending else ">"

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts = [compiler.compile(one) for one in self.get_source_expressions()]
        half = len(parts) // 2
        columns, values = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({columns}) {self.operator} ({values})", [one for _, bound in parts for one in bound]


def _own_order(queryset: QuerySet[M]) -> list[str]:
    own = queryset.query.order_by or queryset.model._meta.ordering or ()
    if not all(isinstance(name, str) for name in own):
        raise TypeError("pass `order`: only named columns can be paged by key")
    return [str(name) for name in own]


def _key(queryset: QuerySet[M], signed_name: str) -> Key:
    name = signed_name.lstrip("-")
    annotation = queryset.query.annotations.get(name)
    if annotation is not None:
        return Key(name, signed_name.startswith("-"), annotation.output_field, nullable=True)
    field, nullable = _field(queryset.model, name)
    return Key(name, signed_name.startswith("-"), field, nullable)


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
