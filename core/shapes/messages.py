"""Pydantic's errors in words that say what would be right."""

import enum
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from annotated_types import Ge, Le

from core.errors import INVALID, MISSING, UNKNOWN_KEY
from core.shapes.report import Report
from core.shapes.words import kind_of, lower_first, sentence_of, shown


def report_line(line: Any, path: str, report: Report, wants: str) -> None:
    """One of pydantic's errors, in words that say what would be right."""
    where = path + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in line["loc"])
    context = line.get("ctx", {})
    code = "unknown_key" if line["type"] == "extra_forbidden" else "invalid"
    error_code = {"extra_forbidden": UNKNOWN_KEY, "missing": MISSING}.get(line["type"], INVALID)
    message = _said(line, context, "" if line["loc"] else wants)
    report.add(where, str(context.get("code", code)), message, str(context.get("error_code", error_code)))


def _said(line: Any, context: Mapping[str, Any], wants: str) -> str:
    kind = line["type"]
    if kind in _OURS:
        return str(line["msg"])
    if kind in {"value_error", "assertion_error"} and "error" in context:
        return sentence_of(context["error"])
    if kind in {"too_long", "too_short"} and wants.startswith("text"):
        kind = f"{'bytes' if wants == _WANTED[bytes] else 'string'}_{kind}"
    if context.get("min_length") == 1:
        return "must not be empty"
    if kind in _SENTENCES and not (wants and kind in _BOUND_KINDS):
        return _SENTENCES[kind].format(**context, was=kind_of(line["input"]))
    if wants:
        return f"must be {wants}, but was {shown(line['input'])}"
    return lower_first(line["msg"]).replace("input should be", "must be").replace("input should", "must")


# Types of PydanticCustomError whose message is a finished sentence.
_OURS = {"invalid", "too_large", "excludes", "required", "unknown_key"}
_BOUND_KINDS = {"greater_than_equal", "greater_than", "less_than_equal", "less_than"}
_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "unknown key",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_long": "must be at most {max_length} characters long",
    "string_too_short": "must be at least {min_length} characters long",
    "bytes_too_long": "must be at most {max_length} bytes when decoded",
    "bytes_too_short": "must be at least {min_length} bytes when decoded",
    "too_long": "must have {max_length} items or fewer, but has {actual_length}",
    "too_short": "must have {min_length} items or more, but has {actual_length}",
    "string_type": "must be text, but was {was}",
    "list_type": "must be a list, but was {was}",
    "dict_type": "must be an object, but was {was}",
    "uuid_type": "must be a UUID, but was {was}",
    "uuid_parsing": "must be a UUID, such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b",
    "string_pattern_mismatch": "must match the pattern {pattern}",
}


def wanted(annotation: Any, metadata: Sequence[object]) -> str:
    """What a leaf takes, in words; empty where that cannot be said shortly."""
    if typing.get_origin(annotation) is list or annotation is list:
        return "a list"
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(value) for value in typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in annotation)
    return _WANTED.get(annotation, "") + _bounds(metadata)


def _bounds(metadata: Sequence[object]) -> str:
    least = [item.ge for item in metadata if isinstance(item, Ge)]
    most = [item.le for item in metadata if isinstance(item, Le)]
    if least and most:
        return f" from {least[-1]} to {most[-1]}"
    return f" of {least[-1]} or more" if least else f" of {most[-1]} or less" if most else ""


_WANTED: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    bytes: "text in Base64",
    UUID: "a UUID, such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b",
    dict: "an object",
}
