"""The fields of a shape as rows of documentation, read from its declaration: nothing here knows a field by name."""

import enum
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from core.shapes import Shape
from core.shapes.annotations import members_of, unwrapped, wire_names
from core.shapes.shape import ReadOnlyMark
from deployments.definition.values import OnlyOn

_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


def field_rows(shape: type[Shape]) -> list[dict[str, Any]]:
    """A row for each field that a client may send, in the order of their declaration, nested shapes inside."""
    schema = shape.model_json_schema()
    return list(_rows(shape, schema, schema.get("$defs", {})))


def enumerations_of(shape: type[Shape]) -> dict[str, type[enum.Enum]]:
    """Every enumeration that a field of the shape, or of a shape inside it, takes a word of; by class name."""
    found: dict[str, type[enum.Enum]] = {}
    for info in shape.model_fields.values():
        for kind in _classes(info.annotation):
            if issubclass(kind, Shape):
                found |= enumerations_of(kind)
            elif issubclass(kind, enum.Enum):
                found[kind.__name__] = kind
    return found


def _rows(shape: type[Shape], schema: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    required = set(schema.get("required", ()))
    for name, info in shape.model_fields.items():
        _, marks = unwrapped(info.annotation, info.metadata)
        if any(isinstance(mark, ReadOnlyMark) for mark in marks):
            continue
        names = wire_names(name, info, marks)
        said = _schema_name(names, info)
        yield _row(names, schema["properties"][said], known) | {
            "required": said in required,
            "nullable": type(None) in members_of(unwrapped(info.annotation)[0]),
            "platform": next((mark.platform.value for mark in marks if isinstance(mark, OnlyOn)), None),
            "fields": _inner_rows(info, known),
        }


def _schema_name(names: tuple[str, ...], info: FieldInfo) -> str:
    """What pydantic's schema calls the field."""
    validated = info.validation_alias
    if isinstance(validated, AliasChoices):
        return str(validated.choices[0])
    return validated if isinstance(validated, str) else info.alias or names[0]


def _row(names: tuple[str, ...], schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    members = [_resolved(one, known) for one in schema.get("anyOf", ())] or [_resolved(schema, known)]
    values = [value for member in members for value in _allowed(member, known)]
    parts = (schema, *members)
    return {
        "name": names[0],
        "otherNames": list(names[1:]),
        "type": _kinds(members, known),
        "allowedValues": values or None,
        "default": schema.get("default"),
        "minimum": _first(parts, _BOUNDS[:2]),
        "maximum": _first(parts, _BOUNDS[2:]),
        "minLength": _first(parts, ("minLength", "minItems")),
        "maxLength": _first(parts, ("maxLength", "maxItems")),
        "pattern": _first(parts, ("pattern",)),
        "description": schema.get("description", ""),
    }


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference names."""
    return known[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _allowed(schema: Mapping[str, Any], known: Mapping[str, Any]) -> list[Any]:
    """The words that it takes, also as items of a list."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    return _allowed(_resolved(schema["items"], known), known) if "items" in schema else []


def _kinds(members: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> str:
    return " or ".join(dict.fromkeys(_kind(one, known) for one in members if one.get("type") != "null"))


def _kind(schema: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """In words: `array of string (uuid)`."""
    if "items" in schema:
        item = _resolved(schema["items"], known)
        return f"array of {_kinds([_resolved(one, known) for one in item.get('anyOf', [item])], known)}"
    kind = schema.get("type", "any")
    detail = schema.get("format") or schema.get("contentEncoding")
    return f"{kind} ({detail})" if detail else str(kind)


def _first(parts: tuple[Mapping[str, Any], ...], names: tuple[str, ...]) -> Any:
    return next((part[name] for part in parts for name in names if name in part), None)


def _inner_rows(info: FieldInfo, known: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The fields of the shapes that the field holds, or holds a list of; None where it holds none."""
    shapes = [kind for kind in _classes(info.annotation) if issubclass(kind, Shape)]
    rows = [row for shape in shapes for row in _rows(shape, known.get(shape.__name__) or _own(shape), known)]
    return rows if shapes else None


@cache
def _own(shape: type[Shape]) -> Mapping[str, Any]:
    """Of a shape that the schema has inlined."""
    return shape.model_json_schema()


def _classes(annotation: Any) -> Iterator[type]:
    """The classes that an annotation is made of, through unions, lists and Annotated."""
    for member in members_of(annotation):
        bare, _ = unwrapped(member)
        inner = getattr(bare, "__args__", ())
        if inner:
            for one in inner:
                yield from _classes(one) if one is not Ellipsis else ()
        elif isinstance(bare, type):
            yield bare
