"""A field's proof that it is not dead: two bodies that differ in it, and who sees the difference."""

from dataclasses import dataclass, field
from typing import Any

from tests.contract.documents import filled
from tests.contract.observers import (
    Body,
    Observer,
    Workshop,
)


@dataclass(frozen=True)
class Row:
    """A field's proof: with `one` and with `other`, the observer must see two different things."""

    look: Observer
    one: Body
    other: Body
    platform: str = "Windows"
    # What both bodies have besides.
    base: Body = field(default_factory=dict)

    def body(self, at: Workshop, change: Body) -> Body:
        """The whole body with one of the two changes; None takes a key away."""
        whole = (at.house.windows if self.platform == "Windows" else at.house.linux)()
        whole |= filled(self.base | change, at.house.ids)
        return {key: value for key, value in whole.items() if value is not None}


def row(look: Observer, name: str, one: Any, other: Any, platform: str = "Windows", **base: Any) -> Row:
    """A line where the two bodies differ in one key of the top level."""
    return Row(look, {name: one}, {name: other}, platform, base)
