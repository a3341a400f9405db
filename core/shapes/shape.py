"""The base of all shapes, and the marks that its fields may carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from core.shapes.report import Rule


class Shape(BaseModel):
    """Base of all request bodies and parameter lists. snake_case in Python, camelCase on the wire, no unknown keys."""

    model_config = ConfigDict(
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        arbitrary_types_allowed=True,
    )

    # Wire names that only the server sets and that are no fields: accepted and dropped.
    ignored_keys: ClassVar[frozenset[str]] = frozenset()
    # Rules across the fields of this shape, run wherever it stands, with paths that start at it.
    shape_rules: ClassVar[Sequence["Rule"]] = ()

    @classmethod
    def prepare(cls, data: object) -> object:
        """Override to take something else for the object, such as a text: return the mapping it stands for."""
        return data

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse what `check` would silently not run."""
        found = cls.__pydantic_decorators__
        if found.field_validators or found.model_validators or found.validators or found.root_validators:
            raise TypeError(f"{cls.__name__}: put validators into Annotated[…] or shape_rules; these are not run here")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Pydantic's, with bounds called by their JSON schema names where a lenient type stood in pydantic's way."""
        made = handler(schema)
        whole = handler.resolve_ref_schema(made)
        for one in whole.get("properties", {}).values():
            _rename_bounds(one)
        if cls.ignored_keys:
            whole["x-ignored"] = sorted(cls.ignored_keys)
        return made


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def _rename_bounds(schema: dict[str, Any]) -> None:
    for name in _BOUNDS.keys() & schema.keys():
        schema[_BOUNDS[name]] = schema.pop(name)
    for part in (*schema.get("anyOf", ()), schema.get("items")):
        if isinstance(part, dict):
            _rename_bounds(part)


@dataclass(frozen=True)
class AlsoNamed:
    """Marks a field that has further names on the wire: `Annotated[UuidList | None, AlsoNamed("tagIds")]`."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """With the further names, for the document's readers."""
        return {**handler(schema), "x-also-named": list(self.names)}


class ReadOnlyMark:
    """See ReadOnly."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "readOnly": True}


class NotSetMark:
    """See NotSet."""


class KeepsBlank:
    """Marks a type for which `""` is a value of its own."""


# Marks a field that only the server sets: whatever a client sends back is accepted and dropped.
ReadOnly = ReadOnlyMark()
# Marks a text field for which `""` and `"null"` mean "not set", as they do for all that is not text.
NotSet = NotSetMark()
KEEPS_BLANK = KeepsBlank()
