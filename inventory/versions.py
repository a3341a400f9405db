"""Package managers' orders of versions, as bytes that sort so.

Libraries compare two versions; the database is to find all newer ones by an index, and so a version needs a key. Its
order is that of deb-version(7) and of rpm's rpmvercmp; tests hold it against dpkg and rpm.
"""

import re
from collections.abc import Callable, Iterator, Mapping

# What may stand at one place, in ascending order: `~` is less than the end, and the end less than all else. dpkg: the
# letters before all other characters. rpm: `^`, letters, numbers.
_TILDE, _END, _CARET, _LETTERS, _NUMBER = (bytes([one]) for one in range(1, 6))

_DPKG_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_WINDOWS_PART = re.compile(r"([0-9]*)(.*)", re.DOTALL)
_RPM_PARTS = re.compile(r"~|\^|[A-Za-z]+|[0-9]+")


def version_key(package_manager: str, version: str) -> bytes | None:
    """The key of a version, None for a package manager whose order nobody knows here."""
    order = _ORDERS.get(package_manager)
    return order(version) if order else None


def _dpkg(version: str) -> bytes:
    """`[epoch:]upstream[-revision]`; no revision is a revision of 0."""
    epoch, rest = _epoch(version)
    upstream, hyphen, revision = rest.rpartition("-")
    parts = (upstream, revision) if hyphen else (rest, "")
    return _number(epoch) + b"".join(_dpkg_part(part) for part in parts)


def _dpkg_part(text: str) -> bytes:
    """Texts and numbers by turns: an absent number is 0, and a text's characters count one by one."""
    *pairs, _ = _DPKG_PARTS.findall(text)
    return b"".join(_dpkg_text(word) + _number(digits) for word, digits in pairs or [("", "")]) + _END


def _dpkg_text(text: str) -> bytes:
    return b"".join(_dpkg_character(one) for one in text) + _END


def _dpkg_character(one: str) -> bytes:
    if one == "~":
        return _TILDE
    # Letters keep their codes. The others come behind all of them; beyond ASCII, dpkg allows none.
    return one.encode("ascii") if one.isascii() and one.isalpha() else bytes([min(0x80 + ord(one), 0xFF)])


def _rpm(version: str) -> bytes:
    """`[epoch:]version[-release]`."""
    epoch, rest = _epoch(version)
    number, _, release = rest.partition("-")
    return _number(epoch) + b"".join(b"".join(_rpm_tokens(part)) + _END for part in (number, release))


def _rpm_tokens(text: str) -> Iterator[bytes]:
    """All other characters only separate."""
    for part in _RPM_PARTS.findall(text):
        if part == "~":
            yield _TILDE
        elif part == "^":
            yield _CARET
        elif part[0].isdigit():
            yield _NUMBER + _number(part)
        else:
            yield _LETTERS + part.encode("ascii") + b"\0"


def _epoch(version: str) -> tuple[str, str]:
    epoch, colon, rest = version.partition(":")
    return (epoch, rest) if colon and epoch.isascii() and epoch.isdigit() else ("", version)


def _number(digits: str) -> bytes:
    """Its length first: of two numbers without leading zeros the longer one is the larger one."""
    significant = digits.lstrip("0").encode("ascii")
    return len(significant).to_bytes(2, "big") + significant


def _windows(version: str) -> bytes:
    """Figures between dots: `1.10` after `1.9`, `1.0` is `1`. Text behind a figure comes after the figure alone."""
    parts = [_WINDOWS_PART.fullmatch(part.strip()) for part in version.strip().casefold().split(".")]
    read = [(part[1].lstrip("0"), part[2].replace("\0", "")) for part in parts if part]
    while read and read[-1] == ("", ""):
        read.pop()
    return b"".join(_number(digits) + text.encode() + b"\0" for digits, text in read)


_ORDERS: Mapping[str, Callable[[str], bytes]] = {"apt": _dpkg, "dnf": _rpm, "zypper": _rpm, "windows": _windows}
