"""The OpenAPI document as clients get it, the fields that it names, and values that it allows."""

from collections.abc import Callable, Iterator
from typing import Any

from django.test import Client
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Schema = dict[str, Any]
# Ids that are there, by the name of the field that holds them.
Pools = dict[str, list[Any]]

_DEPTH = 6
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-200, 20_000) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


class Document:
    """The whole document, with its references followed."""

    def __init__(self) -> None:
        answer = Client().get("/schema", headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.content
        self.document: Schema = answer.json()

    def body_of(self, operation_id: str) -> Schema:
        """The schema of an operation's JSON body."""
        for path in self.document["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                    return self.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        raise LookupError(f"the document has no operation {operation_id}")

    def resolved(self, schema: Schema) -> Schema:
        """The schema that this one refers to, if it does."""
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    def options(self, schema: Schema) -> list[Schema]:
        """The schema's alternatives, null aside, with references followed."""
        schema = self.resolved(schema)
        among = schema.get("anyOf") or schema.get("oneOf") or [schema]
        if "allOf" in schema:
            among = schema["allOf"]
        if len(among) == 1 and among[0] is schema:
            return [schema]
        # Bounds may stand beside the alternatives instead of in them.
        beside = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf", "allOf"}}
        return [
            beside | option for one in among if self.resolved(one).get("type") != "null" for option in self.options(one)
        ]

    def fields(self, schema: Schema, prefix: str = "") -> Iterator[str]:
        """Every field that a body may hold, as `preDeployment.deferment.count` or `postDeployActions[].script`."""
        for name, one in schema.get("properties", {}).items():
            inner = list(self._inner_fields(one, prefix + name))
            yield from inner or [prefix + name]

    def _inner_fields(self, schema: Schema, path: str) -> Iterator[str]:
        for option in self.options(schema):
            if option.get("properties"):
                yield from self.fields(option, f"{path}.")
            elif "items" in option:
                yield from self._inner_fields(option["items"], f"{path}[]")

    def values(self, schema: Schema, name: str, pools: Pools, depth: int = 0) -> SearchStrategy[Any]:
        """What the schema allows; ids come from the pools, since no made-up one is ever there."""
        options = self.options(schema)
        if not options or depth > _DEPTH:
            return st.none()
        nullable = len(options) < len(self.resolved(schema).get("anyOf", []))
        drawn = st.one_of([self._values_of(option, name, pools, depth) for option in options])
        return drawn | st.none() if nullable else drawn

    def _values_of(self, option: Schema, name: str, pools: Pools, depth: int) -> SearchStrategy[Any]:
        if "enum" in option or "const" in option:
            return st.sampled_from(option.get("enum") or [option["const"]])
        if name in pools and option.get("type") in {"string", "integer"}:
            return st.sampled_from(pools[name])
        makers: dict[Any, Callable[[], SearchStrategy[Any]]] = {
            "boolean": st.booleans,
            "integer": lambda: st.integers(option.get("minimum", -5), option.get("maximum", 400)),
            "number": lambda: st.floats(option.get("minimum", -5), option.get("maximum", 400)),
            "string": lambda: _texts(option),
            "array": lambda: st.lists(
                self.values(option["items"], name, pools, depth + 1),
                min_size=option.get("minItems", 0),
                max_size=min(option.get("maxItems", 3), 3),
                unique_by=repr,
            ),
            "object": lambda: self._objects(option, pools, depth),
        }
        return makers.get(option.get("type"), lambda: JSON)()

    def _objects(self, option: Schema, pools: Pools, depth: int) -> SearchStrategy[Any]:
        required = set(option.get("required", []))
        each = {name: self.values(one, name, pools, depth + 1) for name, one in option.get("properties", {}).items()}
        return st.fixed_dictionaries(
            {name: one for name, one in each.items() if name in required},
            optional={name: one for name, one in each.items() if name not in required},
        )


def _texts(option: Schema) -> SearchStrategy[str]:
    """Texts of the schema's format and pattern; of none, any."""
    if option.get("contentEncoding") == "base64":
        return st.sampled_from(["ZWNobyBoZWxsbw==", "bHM="])
    if option.get("format") == "uuid":
        return st.uuids().map(str)
    if option.get("format") == "date-time":
        return st.datetimes().map(lambda one: f"{one.isoformat()}Z")
    if "pattern" in option:
        return st.from_regex(option["pattern"], fullmatch=True)
    longest = min(option.get("maxLength", 40), 40)
    return st.text(min_size=option.get("minLength", 0), max_size=longest) | st.sampled_from(
        option.get("examples") or [""]
    )
