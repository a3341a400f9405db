"""What a rule across fields gets: the values it looks at, and the report it adds problems to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from core.errors import INVALID, Problem
from core.shapes.words import echo, join

# Enough for a person to repair a body by; a body made of nothing but mistakes must not cost more than a good one.
MOST_PROBLEMS = 1000


class Values:
    """The fields of one shape, as a rule sees them. Names are those of Python."""

    def __init__(self, shape: type[BaseModel], valid: Mapping[str, object], sent: Iterable[str]) -> None:
        self._shape = shape
        self._valid = valid
        self._sent = frozenset(sent)

    def get(self, name: str, default: Any = None) -> Any:
        """The value; the field's default where it was not sent; `default` where it is in error or has no default."""
        if name in self._valid:
            return self._valid[name]
        info = self._shape.model_fields[name]
        return default if name in self._sent or info.is_required() else info.get_default(call_default_factory=True)

    def given(self, name: str) -> bool:
        """Whether it was sent, validly or not."""
        return name in self._sent

    def valid(self, *names: str) -> bool:
        """Whether all of these were sent, and validly."""
        return all(name in self._valid for name in names)

    def sound(self, *names: str) -> bool:
        """Whether none of these is in error; one that was not sent is not."""
        return all(name in self._valid or name not in self._sent for name in names)


class Report:
    """Where the problems of one body are gathered, each with the path from the body's top.

    `forgiving`: keys that nobody knows are passed over, as where a newer program speaks.
    """

    def __init__(self, *, forgiving: bool = False) -> None:
        self.problems: list[Problem] = []
        self.forgiving = forgiving
        self._prefix = ""
        self._wire_names: Mapping[str, str] = {}
        self._read: dict[str, Values] = {}

    def within(self, path: str, wire_names: Mapping[str, str]) -> "Report":
        """The same report for the rules of what stands at `path`, which name fields as Python does."""
        inner = Report()
        inner.problems, inner._prefix, inner._wire_names, inner._read = self.problems, path, wire_names, self._read
        return inner

    def remember(self, path: str, values: Values) -> None:
        """Keep the fields of the shape at `path`, counted from the body's top, for the rules of what it stands in."""
        self._read[path] = values

    def inner(self, path: str) -> Values | None:
        """The fields of a shape below where the rule stands, such as `items[2].params`, also where some are in error.

        None where there is no object.
        """
        return self._read.get(join(self._prefix, path))

    def add(self, field: str, code: str, message: str, error_code: str = INVALID) -> None:
        """One problem. `field` is a field's Python name, or a path of wire names below where the rule stands."""
        name = echo(self._wire_names.get(field, field))
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(join(self._prefix, name), code, message, error_code))


Rule = Callable[[Values, Report], None]
