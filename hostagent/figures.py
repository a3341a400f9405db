"""The order of versions that are figures between dots, as Windows' software has them."""

import re

_PART = re.compile(r"([0-9]*)(.*)", re.DOTALL)

Figures = tuple[tuple[int, str], ...]


def figures(version: str) -> Figures:
    """What sorts as versions do: `1.10` comes after `1.9`, and `1.0` is `1`. Text behind a figure counts."""
    parts = [_PART.fullmatch(part.strip()) for part in version.strip().casefold().split(".")]
    read = [(int(part[1] or 0), part[2]) for part in parts if part]
    while read and read[-1] == (0, ""):
        read.pop()
    return tuple(read)


def compare(first: str, second: str) -> int:
    """Negative, zero or positive."""
    one, other = figures(first), figures(second)
    return (one > other) - (one < other)
