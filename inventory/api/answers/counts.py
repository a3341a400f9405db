"""What counts answer."""

from core.openapi import Answer


class CountedGroup(Answer):
    """How many rows have one value."""

    value: str | bool | int | None
    count: int


class Counted(Answer):
    """How many rows. `groups` is there where `groupBy` was sent, the largest first."""

    count: int
    groups: list[CountedGroup] | None = None
