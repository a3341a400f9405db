"""Readers of what holds no shape, and what all readers have in common."""

import enum
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

from pydantic import TypeAdapter, ValidationError

from core.errors import EXCLUDES
from core.shapes.lenient import lenient
from core.shapes.messages import report_line, wanted
from core.shapes.report import Report
from core.shapes.words import Repeated, sentence_of


class Invalid(enum.Enum):
    """What a reader returns when it has reported a problem instead."""

    INVALID = enum.auto()


INVALID = Invalid.INVALID


class Reader(Protocol):
    """Makes a value of what was sent, or reports why not and returns INVALID. `wants` says in words what it takes."""

    wants: str

    def read(self, value: object, path: str, report: Report) -> object: ...


class Leaf:
    """Whatever holds no shape: pydantic reads it."""

    def __init__(self, annotation: Any, metadata: Sequence[object]) -> None:
        full = (*lenient(annotation, metadata), *metadata)
        adapter: TypeAdapter[Any] = TypeAdapter(Annotated[(annotation, *full)] if full else annotation)
        self._validate = adapter.validator.validate_python
        self.wants = wanted(annotation, full)

    def read(self, value: object, path: str, report: Report) -> object:
        if isinstance(value, Repeated) and not self._takes_lists():
            report.add(path, "excludes", f"was given {len(value)} times with different values; give it once", EXCLUDES)
            return INVALID
        try:
            return self._validate(value)
        except ValidationError as wrong:
            for line in wrong.errors(include_url=False):
                report_line(line, path, report, self.wants)
            return INVALID

    def _takes_lists(self) -> bool:
        return self.wants.startswith("a list") or self.wants == ""


class Between:
    """A reader of shapes with functions before and after it, which raise ValueError with a sentence."""

    def __init__(
        self, inner: Reader, before: Sequence[Callable[..., Any]], after: Sequence[Callable[..., Any]]
    ) -> None:
        self.inner = inner
        self.wants = inner.wants
        self._before = before
        self._after = after

    def read(self, value: object, path: str, report: Report) -> object:
        try:
            for function in self._before:
                value = function(value)
            value = self.inner.read(value, path, report)
            if value is not INVALID:
                for function in self._after:
                    value = function(value)
        except (ValueError, AssertionError) as wrong:
            report.add(path, "invalid", sentence_of(wrong))
            return INVALID
        return value
