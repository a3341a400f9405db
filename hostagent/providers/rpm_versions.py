"""rpm's order of versions: [epoch:]version[-release], as rpmvercmp(3) compares them."""

import re
from itertools import zip_longest

_PARTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


def split(text: str) -> tuple[int, str, str]:
    """(epoch, version, release); a missing epoch is 0, a missing release is empty."""
    epoch, colon, rest = text.rpartition(":")
    version, _, release = rest.partition("-")
    return int(epoch) if colon and epoch.isdigit() else 0, version, release


def compare(first: str, second: str) -> int:
    """Negative, zero or positive. A text without a release equals every release of its version."""
    epoch, version, release = split(first)
    other_epoch, other_version, other_release = split(second)
    if epoch != other_epoch:
        return 1 if epoch > other_epoch else -1
    by_version = _compare_parts(version, other_version)
    if by_version or not release or not other_release:
        return by_version
    return _compare_parts(release, other_release)


def _compare_parts(first: str, second: str) -> int:
    for one, other in zip_longest(_PARTS.findall(first), _PARTS.findall(second), fillvalue=""):
        if one != other and (order := _compare_part(one, other)):
            return order
    return 0


def _compare_part(one: str, other: str) -> int:
    if "~" in (one, other):
        # A tilde sorts before everything, even before the end.
        return -1 if one == "~" else 1
    if "^" in (one, other):
        # A caret sorts after the end, and before everything else.
        after = "" in (one, other)
        return 1 if (one == "^") is after else -1
    if not one or not other:
        return 1 if one else -1
    if one.isdigit() != other.isdigit():
        return 1 if one.isdigit() else -1
    if one.isdigit():
        return (int(one) > int(other)) - (int(one) < int(other))
    return (one > other) - (one < other)
