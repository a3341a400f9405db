"""PATCH: a JSON merge patch (RFC 7396) on the full job, which is then judged as a whole."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from core.errors import InvalidInput, Problem
from core.shapes import also_named
from deployments.definition import JobDefinition, as_sent
from deployments.definition.schedule import FIELDS_OF

# Of both queries of a job: the query, and the fields that follow it where a client leaves them out.
_QUERIES = (
    ("dynamicPatchesQQL", ("dynamicQQLType", "isDynamicPatchesQQL")),
    ("additionalDynamicPatchesQQL", ("additionalDynamicQQLType",)),
)


def merged(document: Mapping[str, Any], patch: object) -> dict[str, Any]:
    """The document with what the patch says; null resets. Raises InvalidInput where the patch is no object."""
    if not isinstance(patch, Mapping):
        raise InvalidInput(problems=[Problem("", "invalid", "must be an object")])
    # What may stand in several places stands in the document in one.
    opened = JobDefinition.prepare(patch)
    changes: Mapping[str, Any] = opened if isinstance(opened, Mapping) else patch
    known_as = {alias: name for name, aliases in also_named(JobDefinition).items() for alias in aliases}
    gone = {known_as.get(one, one) for one in changes if one in known_as} | set(_outdated(document, changes))
    return _merge({key: value for key, value in document.items() if key not in gone}, changes)


@contextmanager
def told_as_sent(patch: object) -> Iterator[None]:
    """Within it, problems of the merged document are told by the places that the patch has."""
    try:
        yield
    except InvalidInput as refused:
        problems = [replace(one, field=as_sent(one.field, patch)) for one in refused.problems]
        raise InvalidInput(problems=problems) from None


def _outdated(document: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[str]:
    """Which fields of the document follow what is changed, or belong to what is given up."""
    if _is_other(changes.get("scheduleType"), document["scheduleType"]):
        yield "recurring"
        yield from (name for names in FIELDS_OF.values() for name in names)
        if document["scheduleType"] == "On-demand":
            # The moment of its creation, which nobody chose.
            yield "startDateTime"
    for query, followers in _QUERIES:
        switched = query in changes and (not changes[query] or not document[followers[0]])
        if switched or any(name in changes for name in followers):
            yield from followers
    if "reattemptFailedPatches" in changes and document["reattemptFailedPatches"] is None:
        yield "enableReattemptFailedPatches"


def _merge(base: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in patch.items():
        before = result.get(key)
        result[key] = _merge(before, value) if isinstance(value, Mapping) and isinstance(before, Mapping) else value
    return result


def _is_other(sent: object, stored: str) -> bool:
    """Whether a schedule type was sent, and is not the stored one."""
    if not isinstance(sent, str) or not sent:
        return False
    return sent.casefold().replace("-", "").replace("_", "") != stored.casefold().replace("-", "")
