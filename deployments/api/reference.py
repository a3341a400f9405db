"""Time zones and enumerations as they are answered, made from the code that uses them."""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from deployments.api.fields import enumerations_of
from deployments.definition import JobDefinition
from deployments.models.choices import Stage, StepKind, Trigger
from deployments.reasons import CATALOGUE
from deployments.states import HostTaskState, RunState, StepState
from deployments.statuses import CODES, ActionResult, PatchResult
from inventory.models import PatchStatus, Severity
from scheduling import zones
from tenants.models import Role

# What answers carry beside the words that a job's own fields take; those are found by themselves.
_ANSWERED: tuple[type[enum.Enum], ...] = (
    ActionResult,
    HostTaskState,
    PatchResult,
    PatchStatus,
    Role,
    RunState,
    Severity,
    Stage,
    StepKind,
    StepState,
    Trigger,
)
_NONE: Mapping[str, Any] = MappingProxyType({})


def timezone_rows(at: datetime) -> list[dict[str, Any]]:
    """Every accepted zone with its offset at an instant."""
    return [_timezone_row(name, int(zones.offset(name, at).total_seconds())) for name in zones.names()]


def enumerations() -> dict[str, list[dict[str, Any]]]:
    """Every enumeration by name, each with its values."""
    kinds = {kind.__name__: kind for kind in _ANSWERED} | enumerations_of(JobDefinition)
    by_name = {name: _values(one.value for one in kind) for name, kind in kinds.items()}
    by_name["HostStatus"] = _values(CODES, codes=CODES)
    for kind, sentences in CATALOGUE.items():
        by_name[kind.__name__] = _values(sentences, descriptions=sentences)
    return dict(sorted(by_name.items()))


def _timezone_row(name: str, seconds: int) -> dict[str, Any]:
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return {"name": name, "utcOffset": f"{sign}{hours:02d}:{minutes:02d}", "offsetSeconds": seconds}


def _values(
    words: Iterable[str], *, codes: Mapping[str, int] = _NONE, descriptions: Mapping[str, str] = _NONE
) -> list[dict[str, Any]]:
    return [{"value": str(word), "code": codes.get(word), "description": descriptions.get(word)} for word in words]
