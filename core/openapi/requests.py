"""Request bodies in the document: the JSON schema of shapes."""

from typing import Any

from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.plumbing import ResolvedComponent
from pydantic.json_schema import GenerateJsonSchema, model_json_schema

from core.shapes import Shape
from core.shapes.annotations import members_of, unwrapped, wire_names

# It has no types.
_Component: Any = ResolvedComponent
_REF = "#/components/schemas/"
# It has no types, of which mypy would complain in the class below.
_PydanticExtension: Any = PydanticExtension


class _JsonSchema(GenerateJsonSchema):
    """Pydantic's, with what our own marks say of a field."""

    def model_schema(self, schema: Any) -> dict[str, Any]:
        """The schema of one shape, nested ones among them."""
        made: dict[str, Any] = super().model_schema(schema)
        for name, info in schema["cls"].model_fields.items():
            _, marks = unwrapped(info.annotation, info.metadata)
            for member in members_of(info.annotation):
                marks = (*marks, *unwrapped(member)[1])
            for mark in marks:
                _say(made["properties"][wire_names(name, info, marks)[0]], getattr(mark, "document", {}))
        return made


def _say(field: dict[str, Any], more: dict[str, Any]) -> None:
    """Add to a field's schema; an enumeration of its own takes the place of the common one."""
    if "enum" in more:
        part = next((one for one in field.get("anyOf", ()) if "$ref" in one), field)
        part.pop("$ref", None)
        part |= {"type": "string", "enum": more["enum"]}
    field |= {name: one for name, one in more.items() if name != "enum"}


def json_schema_of(shape: type[Shape]) -> dict[str, Any]:
    """A shape's JSON schema, with `$defs` and references to components."""
    return model_json_schema(shape, ref_template=_REF + "{model}", mode="validation", schema_generator=_JsonSchema)


class ShapeSchema(_PydanticExtension):
    """What clients send. A component of its own beside answers of the same name: `JobRequest`, and for a PATCH
    `PatchedJobRequest`, of which nothing is required and what is absent has no default: it stays as it is.

    Says what is best sent. What is read besides (numbers as text, other spellings of a choice, null for "not set") is
    said once, in the document's description; names and keys that are read besides stand in `x-also-named` and
    `x-ignored`.
    """

    target_class = Shape
    match_subclasses = True
    priority = 1

    def get_name(self, auto_schema: Any, direction: str) -> str:
        """The component's name, to which the library adds Request and Patched."""
        # For a PATCH the library marks the class itself as partial, and would find it so for all later operations.
        if auto_schema.method != "PATCH" and "partial" in vars(self.target):
            del self.target.partial
        return str(super().get_name(auto_schema, direction))

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        """The JSON schema; those of nested shapes become components."""
        whole = json_schema_of(self.target)
        parts: dict[str, Any] = whole.pop("$defs", {})
        made = _Requests(auto_schema.registry, parts)
        return made.shape(whole, partial=direction == "request" and auto_schema.method == "PATCH")


class _Requests:
    """The schemas of one body, whose parts are registered under their names as requests."""

    def __init__(self, registry: Any, parts: dict[str, Any]) -> None:
        self._registry = registry
        self._parts = parts

    def shape(self, schema: dict[str, Any], *, partial: bool) -> dict[str, Any]:
        """An object's schema, with names of components for its parts."""
        properties = schema.get("properties", {})
        ignored = [name for name, one in properties.items() if one.get("readOnly")]
        kept = {name: self._value(one, partial) for name, one in properties.items() if name not in ignored}
        made = {**schema, "properties": kept}
        ignored = sorted({*ignored, *made.pop("x-ignored", ())})
        if ignored:
            made["x-ignored"] = ignored
        if partial:
            made.pop("required", None)
            for one in kept.values():
                one.pop("default", None)
        return made

    def _value(self, schema: dict[str, Any], partial: bool) -> dict[str, Any]:
        """A field's schema. In a merge patch objects are merged, but lists are replaced: their items are whole."""
        made = dict(schema)
        if "$ref" in made:
            made["$ref"] = self._part(made["$ref"].removeprefix(_REF), partial)
        if "mapping" in made.get("discriminator", {}):
            names = made["discriminator"]["mapping"].items()
            renamed = {word: self._part(name.removeprefix(_REF), partial) for word, name in names}
            made["discriminator"] = {**made["discriminator"], "mapping": renamed}
        for name in ("anyOf", "oneOf", "allOf"):
            if name in made:
                made[name] = [self._value(one, partial) for one in made[name]]
        if isinstance(made.get("items"), dict):
            made["items"] = self._value(made["items"], False)
        if isinstance(made.get("additionalProperties"), dict):
            made["additionalProperties"] = self._value(made["additionalProperties"], False)
        return made

    def _part(self, name: str, partial: bool) -> str:
        schema = self._parts[name]
        is_shape = schema.get("type") == "object"
        called = f"{'Patched' if partial else ''}{name}Request" if is_shape else name
        part = _Component(name=called, type=_Component.SCHEMA, object=called)
        if part not in self._registry:
            # Before its schema is made, so that one which holds itself comes to an end.
            self._registry.register(part)
            part.schema = self.shape(schema, partial=partial) if is_shape else schema
        return _REF + called
