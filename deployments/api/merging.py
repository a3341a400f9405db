"""PATCH: a JSON merge patch (RFC 7396) on the full job, which is then judged as a whole."""

from collections.abc import Mapping
from typing import Any

from core.errors import InvalidInput, Problem
from core.shapes import also_named
from deployments.definition import JobDefinition

# Which fields say when, for each type of schedule: those of the old one go when the type changes.
_OF_SCHEDULE = ("startDateTime", "recurring")


def merged(document: Mapping[str, Any], patch: object) -> dict[str, Any]:
    """The document with what the patch says; null resets. Raises InvalidInput where the patch is no object."""
    if not isinstance(patch, Mapping):
        raise InvalidInput(problems=[Problem("", "invalid", "must be an object")])
    known_as = {alias: name for name, aliases in also_named(JobDefinition).items() for alias in aliases}
    base = {key: value for key, value in document.items() if key not in {known_as.get(one) for one in patch}}
    if _same(patch.get("scheduleType"), document["scheduleType"]) is False:
        base = {key: value for key, value in base.items() if key not in _OF_SCHEDULE}
    return _merge(base, patch)


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in patch.items():
        before = result.get(key)
        result[key] = _merge(before, value) if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return result


def _same(sent: object, stored: str) -> bool | None:
    """Whether a schedule type is the stored one; None where none was sent."""
    if not isinstance(sent, str) or not sent:
        return None
    return sent.casefold().replace("-", "").replace("_", "") == stored.casefold().replace("-", "")
