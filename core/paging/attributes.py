"""`attributes`: of each row only what is wanted. Which keys a row has, its declared answer says."""

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Union

from pydantic import BaseModel, RootModel

from core.errors import InvalidInput, Problem
from core.shapes import guess

Row = dict[str, Any]
# Wanted keys, each with what is wanted inside it; empty for all of it.
Wanted = dict[str, "Wanted"]

_MOST_GUESSES = 20


def keep(row: type[BaseModel], names: Sequence[str] | None) -> Wanted | None:
    """What `names` want of rows that look like `row`; None for everything. Raises InvalidInput."""
    if not names:
        return None
    known = names_of(row)
    unknown = [name for name in names if not _is_known(name, known)]
    if unknown:
        raise InvalidInput(
            problems=[
                Problem("attributes", "unknown_key", f"rows have no {name[:64]!r}{guess(name, known)}")
                for name in unknown[:_MOST_GUESSES]
            ]
        )
    wanted: Wanted = {}
    for name in names:
        _want(wanted, name.split("."))
    return wanted


def narrowed(row: Row, wanted: Wanted) -> Row:
    """The row without what was not asked for, in its own order."""
    return {key: _inside(value, wanted[key]) for key, value in row.items() if key in wanted}


def _inside(value: Any, wanted: Wanted) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_inside(one, wanted) for one in value]
    return narrowed(value, wanted) if isinstance(value, dict) else value


def _want(wanted: Wanted, parts: Sequence[str]) -> None:
    """`tags` beside `tags.name` is all of `tags`, in whichever order the two come."""
    first, rest = parts[0], parts[1:]
    if not rest or wanted.get(first) == {}:
        wanted[first] = {}
    else:
        _want(wanted.setdefault(first, {}), rest)


# --- the keys that rows have ------------------------------------------------------------------------------------------

# Stands for whatever key an object without declared keys has.
_ANY = "*"


@cache
def names_of(row: type[BaseModel]) -> frozenset[str]:
    """Every key of a declared answer, those inside objects with dots; `a.*` where `a` has no declared keys."""
    return frozenset(_names(row))


def _names(model: type[BaseModel]) -> Iterable[str]:
    for name, info in model.model_fields.items():
        wire = info.serialization_alias or info.alias or name
        yield wire
        for inner in _models(info.annotation):
            below = [_ANY] if inner is dict else _names(inner)
            yield from (f"{wire}.{one}" for one in below)


def _models(annotation: Any) -> Iterable[Any]:
    """The answers that an annotation holds, through unions and lists; `dict` for an object of any keys."""
    origin = typing.get_origin(annotation)
    if origin in {Union, types.UnionType, list, Annotated}:
        for part in typing.get_args(annotation):
            yield from _models(part)
    elif annotation is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
        yield dict
    elif isinstance(annotation, type) and issubclass(annotation, RootModel):
        yield from _models(annotation.model_fields["root"].annotation)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


def _is_known(name: str, known: frozenset[str]) -> bool:
    parts = name.split(".")
    within = (".".join([*parts[:length], _ANY]) for length in range(1, len(parts)))
    return name in known or any(one in known for one in within)
