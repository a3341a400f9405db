"""What a value means to the service, in the form that the document's schemas have: a second opinion, of its own.

Nothing here is taken from the service's code. A request that is valid in this form is not invalid, however odd it
looks; one that is not must be refused.
"""

import json
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

Schema = Mapping[str, Any]

_DIGITS = re.compile(r"[+-]?[0-9]{1,20}(?:\.0{1,20})?", re.ASCII)
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_NOT_SET = (None, "", "null")
# An object for which a text may stand, by one of its keys: which keys the text is then for.
_TEXT_FOR = {"userMessage": ("userMessage", "description"), "onComplete": ("onComplete",)}
_NOTHING = object()


class Meaning:
    """Of values by schemas of one document."""

    def __init__(self, document: Schema) -> None:
        self._document = document

    def of(self, schema: Schema, value: Any) -> Any:
        """The value as the schema would have it; where it has no meaning, the value itself."""
        schema = self.resolved(schema)
        members = [self.resolved(one) for one in schema.get("anyOf", schema.get("oneOf", ()))]
        if members:
            return self._of_one(members, value)
        if "enum" in schema:
            return _chosen(schema, value)
        read = _READERS.get(schema.get("type", ""))
        if read is not None:
            return read(self, schema, value)
        return value

    def resolved(self, schema: Schema) -> Schema:
        """Without a reference at its top."""
        while "$ref" in schema:
            found: Any = self._document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            schema = {**found, **{name: one for name, one in schema.items() if name != "$ref"}}
        return schema

    def _of_one(self, members: list[Schema], value: Any) -> Any:
        if value is None and any(one.get("type") == "null" for one in members):
            return None
        others = [one for one in members if one.get("type") != "null"]
        readings = [self.of(one, value) for one in others]
        for one, reading in zip(others, readings, strict=True):
            if _is_of_type(one, reading):
                return reading
        return readings[0] if readings else value

    def _object(self, schema: Schema, value: Any) -> Any:
        properties = schema.get("properties", {})
        if isinstance(value, str):
            keys = next((keys for name, keys in _TEXT_FOR.items() if name in properties), None)
            value = dict.fromkeys(keys, value) if keys else value
        if not isinstance(value, Mapping):
            return value
        names = {also: name for name, one in properties.items() for also in one.get("x-also-named", ())}
        meant: dict[str, Any] = {}
        for key, sent in value.items():
            name = names.get(key, key)
            # In a body an order need not be packed into text.
            one = json.dumps(sent) if name == "sort" and isinstance(sent, list | dict) else sent
            if name in schema.get("x-ignored", ()) or (one in _NOT_SET and name not in schema.get("required", ())):
                continue
            meant[name] = self.of(properties[name], one) if name in properties else one
        return meant

    def _array(self, schema: Schema, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list):
            return value
        read = [self.of(schema.get("items", {}), one) for one in value]
        # A list of names or ids without repetitions.
        return list(dict.fromkeys(read)) if all(isinstance(one, str) for one in read) else read

    def _integer(self, schema: Schema, value: Any) -> Any:
        if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
            return int(value.strip().partition(".")[0])
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _boolean(self, schema: Schema, value: Any) -> Any:
        if isinstance(value, str):
            return _WORDS.get(value.strip().lower(), value)
        return bool(value) if isinstance(value, int | float) and value in (0, 1) else value

    def _string(self, schema: Schema, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        reads = {"uuid": _uuid, "date-time": _instant}.get(schema.get("format", ""))
        return reads(value) if reads and isinstance(value, str) else value


_READERS: dict[str, Any] = {
    "object": Meaning._object,
    "array": Meaning._array,
    "integer": Meaning._integer,
    "boolean": Meaning._boolean,
    "string": Meaning._string,
}
_TYPES: dict[str, Any] = {"object": Mapping, "array": list, "string": str}


def _is_of_type(schema: Schema, value: Any) -> bool:
    kind = schema.get("type")
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _TYPES.get(kind or "", object))


def _chosen(schema: Schema, value: Any) -> Any:
    """The member of an enumeration that a word is a spelling of."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    by_word = {_folded(one): one for one in schema["enum"]} | {
        _folded(word): one for word, one in schema.get("x-also-read", {}).items()
    }
    return by_word.get(_folded(value), value)


def _folded(word: Any) -> str:
    if isinstance(word, float) and word.is_integer():
        word = int(word)
    text = str(word)
    return text.strip().partition(".")[0] if _DIGITS.fullmatch(text.strip()) else re.sub(r"[-_\s]", "", text.casefold())


def _uuid(value: str) -> str:
    try:
        return str(uuid.UUID(value.strip()))
    except ValueError:
        return value


def _instant(value: str) -> str:
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return value
    return found.isoformat() if found.tzinfo else value
