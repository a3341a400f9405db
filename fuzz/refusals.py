"""Which refusals of what the schemas allow are right: those for reasons that a JSON schema cannot give."""

import re
from collections.abc import Mapping
from typing import Any

# Codes of problems that come from a rule between fields: a schema has judged each field by itself.
# Of ids, only the customer's own rows tell whether there are such.
_BETWEEN_FIELDS = {"excludes", "required", "duplicate", "too_far", "unknown_id"}
# Fields, and what is said of them, that need a grammar, a clock, a calendar or the customer's own rows.
_BEYOND_A_SCHEMA = [
    (r"(^|\.)(query|filter|havingQuery|dynamicPatchesQQL|additionalDynamicPatchesQQL)$", r".*"),
    (r"(^|\.)startDateTime$", r".*"),
    (r"(^|\.)timezone$", r"IANA|required"),
    (r"(^|\.)(recurrenceInterval|missedRunWithin)$", r".*"),
    (r"^to$", r"later than"),
    (r"^platform$", r"^the job is for"),
    (r"(^|\.)columns\[", r"there is no column"),
    (r"(^|\.)(sort|sortOrder|searchAfter|attributes|groupBy)$", r".*"),
    (r"(^|\.)recipientEmails", r"mail"),
    (r"(^|\.)(script|detectionScript|regKey|regValue|unInstallRegistryKey)$", r"bytes|Base64"),
    (r"(^|\.)doNotRunUntil$", r"years"),
    (r"(^|\.)(url|downloadURL)$", r".*"),
    (r"(^|\.)(start|end|rrule|ics)$", r".*"),
    (r"^(from|to)$", r".*"),
    (r"", r"NUL|u0000|surrogate"),
    (r"(^|\.)status$", r"time|past|window|patch|asset"),
    (r"(^|\.)(interval|downloadRandomizeTime|timeout)$", r"must be|less than"),
    (r"^rollout\.waves$", r"add up|less than"),
]
_COMPILED = [(re.compile(field), re.compile(message)) for field, message in _BEYOND_A_SCHEMA]


def are_right(body: Any) -> bool:
    """Whether each problem of a 400 is one that no schema could have told."""
    problems = body.get("errors") if isinstance(body, Mapping) else None
    return bool(problems) and all(_is_right(one) for one in problems)


def wrong_ones(body: Any) -> list[Any]:
    """The problems of a 400 that a schema could have told, or all of it."""
    problems = body.get("errors") if isinstance(body, Mapping) else None
    return [one for one in problems if not _is_right(one)] if problems else [body]


def _is_right(problem: Mapping[str, Any]) -> bool:
    if problem["code"] in _BETWEEN_FIELDS:
        return True
    return any(field.search(problem["field"]) and message.search(problem["message"]) for field, message in _COMPILED)
