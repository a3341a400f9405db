"""What a field's annotation says: its members, its marks, its names on the wire."""

import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Union

from pydantic import AliasChoices
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from core.shapes.shape import AlsoNamed, KeepsBlank, Shape


def wire_names(name: str, info: FieldInfo, metadata: Sequence[object]) -> tuple[str, ...]:
    main = info.serialization_alias or info.alias or to_camel(name)
    names = [main]
    if isinstance(info.validation_alias, str):
        names.append(info.validation_alias)
    elif isinstance(info.validation_alias, AliasChoices):
        names += [choice for choice in info.validation_alias.choices if isinstance(choice, str)]
    for marker in metadata:
        names += marker.names if isinstance(marker, AlsoNamed) else ()
    return tuple(dict.fromkeys(names))


def unwrapped(annotation: Any, metadata: Iterable[object] = ()) -> tuple[Any, tuple[object, ...]]:
    """An annotation without `Annotated`, and all of its metadata, innermost first."""
    outer = tuple(_spliced(metadata))
    while typing.get_origin(annotation) is Annotated:
        outer = (*_spliced(annotation.__metadata__), *outer)
        annotation = annotation.__origin__
    return annotation, outer


def _spliced(metadata: Iterable[Any]) -> Iterator[object]:
    """`choice(X)` is itself an annotated type, so that it can be used as one; inside Annotated its metadata counts."""
    for item in metadata:
        if typing.get_origin(item) is Annotated:
            yield from _spliced(item.__metadata__)
        elif isinstance(item, FieldInfo):
            yield from _spliced(item.metadata)
        else:
            yield item


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, flat; of anything else, itself."""
    bare, metadata = unwrapped(annotation)
    if typing.get_origin(bare) not in {Union, types.UnionType}:
        return (annotation,)
    flat = [member for part in typing.get_args(bare) for member in members_of(part)]
    return tuple(Annotated[(member, *metadata)] if metadata and member is not type(None) else member for member in flat)


def keeps_blank(annotation: Any, metadata: Iterable[object]) -> bool:
    bare, own = unwrapped(annotation, metadata)
    return bare in {str, Any, object} or has(own, KeepsBlank)


def has(metadata: Iterable[object], kind: type) -> bool:
    return any(isinstance(item, kind) for item in metadata)


def holds_shape(annotation: Any) -> bool:
    bare, _ = unwrapped(annotation)
    parts = (bare, *typing.get_args(bare))
    return any(
        holds_shape(part) if part is not bare else isinstance(part, type) and issubclass(part, Shape)
        for part in parts
        if part is not Ellipsis
    )
