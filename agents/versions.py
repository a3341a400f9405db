"""Versions of the agents' protocol: an agent of another minor version works, one of another major one is told so."""

import re
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.errors import InvalidInput, Problem
from deployments.reports import AnyReport

HEADER = "Agent-Protocol"


class Spoken(NamedTuple):
    """A version."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def is_newer(self) -> bool:
        """Whether it may say what we do not know."""
        return self > OURS


OURS = Spoken(1, 1)
# What agents spoke before they said so.
_FIRST = Spoken(1, 0)
# The kinds of reports that we know.
KINDS = {
    word
    for report in typing.get_args(typing.get_args(AnyReport)[0])
    for word in typing.get_args(report.model_fields["kind"].annotation)
}


def spoken(header: str | None) -> Spoken:
    """What an agent speaks, by its header. Raises InvalidInput for what is no version, and for another major one."""
    if header is None:
        return _FIRST
    found = re.fullmatch(r"(\d{1,4})\.(\d{1,4})", header.strip())
    if found is None:
        raise InvalidInput(problems=[Problem(HEADER, "invalid", f"must be like {OURS}")])
    version = Spoken(int(found[1]), int(found[2]))
    if version.major != OURS.major:
        message = f"this service speaks {OURS}, which {version} cannot talk to; install the agent that belongs to it"
        raise InvalidInput(problems=[Problem(HEADER, "invalid", message)])
    return version


def signs_of_life(body: Any) -> Any:
    """The body of a newer agent's reports, where those of kinds that we do not know say only that the agent lives.

    They count in the sequence: left out, they would be missing for ever.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("reports"), list):
        return body
    return {**body, "reports": [_known(report) for report in body["reports"]]}


def _known(report: Any) -> Any:
    if not isinstance(report, Mapping) or not isinstance(report.get("kind"), str) or report["kind"] in KINDS:
        return report
    return {name: report[name] for name in ("sequence", "at") if name in report} | {"kind": "accepted"}
