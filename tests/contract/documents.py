"""Documents with placeholders, and how a real answer differs from one: key by key, type by type, empty against null.

`<asset till-1>` is an id of the house; `<new x>` is an id that the server makes, known as `<x>` from then on;
`<now>` is local time and `<now ms>` an audit time, both of about this moment; `<any>` is anything, but there.
"""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_EXAMPLES = Path(__file__).parent / "examples"
_PLACEHOLDER = re.compile(r"<([a-z0-9 -]+)>")
_ABOUT = timedelta(minutes=5)


def example(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is sent and what is to be answered, with placeholders."""
    document = json.loads((_EXAMPLES / f"{name}.json").read_text())
    return document["sent"], document["answered"]


def filled(template: Any, ids: dict[str, str]) -> Any:
    """The template with ids in place of their names; a name that is not known yet stays."""
    if isinstance(template, dict):
        return {key: filled(value, ids) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, ids) for value in template]
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: ids.get(found[1], found[0]), template)
    return template


def learn(template: Any, actual: Any, ids: dict[str, str]) -> None:
    """Put the ids that the server made into `ids`, under their names in the template."""
    if isinstance(template, dict) and isinstance(actual, dict):
        for key in template.keys() & actual.keys():
            learn(template[key], actual[key], ids)
    elif isinstance(template, list) and isinstance(actual, list):
        for one, other in zip(template, actual, strict=False):
            learn(one, other, ids)
    elif isinstance(template, str) and template.startswith("<new ") and _is_uuid(actual):
        ids[template[len("<new ") : -1]] = actual


def differences(expected: Any, actual: Any, at: str = "") -> list[str]:
    """Where the answer is not what the template says, one line each: `path: expected …, got …`."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        lines = [f"{at}.{key}: missing" for key in expected.keys() - actual.keys()]
        lines += [f"{at}.{key}: unexpected {actual[key]!r}" for key in actual.keys() - expected.keys()]
        for key in expected.keys() & actual.keys():
            lines += differences(expected[key], actual[key], f"{at}.{key}")
        return sorted(lines)
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            line
            for number, (one, other) in enumerate(zip(expected, actual, strict=True))
            for line in differences(one, other, f"{at}[{number}]")
        ]
    return [] if _same(expected, actual) else [f"{at}: expected {expected!r}, got {actual!r}"]


def _same(expected: Any, actual: Any) -> bool:
    if expected == "<any>":
        return True
    if expected == "<now>":
        return _is_local_now(actual)
    if expected == "<now ms>":
        return type(actual) is int and abs(datetime.fromtimestamp(actual / 1000, UTC) - datetime.now(UTC)) < _ABOUT
    if isinstance(expected, str) and expected.startswith("<new "):
        return _is_uuid(actual)
    return type(expected) is type(actual) and expected == actual


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _is_local_now(value: Any) -> bool:
    """Whether it is this moment in UTC as `2025-4-14 01:45:48 PM`."""
    try:
        read = datetime.strptime(value, "%Y-%m-%d %I:%M:%S %p").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return False
    unpadded = f"{read.year}-{read.month}-{read.day} {read:%I:%M:%S %p}"
    return bool(value == unpadded) and abs(read - datetime.now(UTC)) < _ABOUT
