r"""The Windows registry: keys as people write them, and values as their type holds them."""

import re
from collections.abc import Callable, Mapping

from actions.kinds import RegistryValueType

_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_LONG_HIVES = frozenset(_HIVES.values())
_LONGEST_PART = 255
_NUMBER = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]{1,16})|(?P<decimal>[0-9]{1,20})", re.ASCII)


def key(text: str) -> str:
    r"""A key with its hive in full: `hklm:\Software` is `HKEY_LOCAL_MACHINE\Software`. Raises ValueError."""
    hive, _, below = text.strip().strip("\\").partition("\\")
    word = hive.upper().removesuffix(":")
    full = _HIVES.get(word, word)
    if full not in _LONG_HIVES or not below:
        known = ", ".join((*_HIVES, *sorted(_LONG_HIVES)))
        raise ValueError(rf"must be a key below a hive, such as HKLM\SOFTWARE\Example; the hives are {known}")
    return f"{full}\\{_parts(below)}"


def key_or_below_machine(text: str) -> str:
    r"""The same; a key without a hive lies below `HKEY_LOCAL_MACHINE`. Raises ValueError."""
    hive = text.strip().strip("\\").partition("\\")[0].upper().removesuffix(":")
    if hive in _HIVES or hive in _LONG_HIVES:
        return key(text)
    return key(rf"HKLM\{text.strip().strip(chr(92))}")


def _parts(below: str) -> str:
    parts = below.split("\\")
    if not all(1 <= len(part) <= _LONGEST_PART for part in parts):
        raise ValueError(f"must have 1 to {_LONGEST_PART} characters between two backslashes")
    return below


def value(text: str, kind: RegistryValueType) -> str | list[str]:
    """A value as the endpoint is told it: numbers as decimal text, binary as hex digits. Raises ValueError."""
    return _READERS[kind](text)


def _number(text: str, bits: int) -> str:
    found = _NUMBER.fullmatch(text.strip())
    number = -1 if found is None else int(found["hex"], 16) if found["hex"] else int(found["decimal"])
    if not 0 <= number < 2**bits:
        raise ValueError(f"must be a number from 0 to {2**bits - 1}, decimal or hexadecimal with 0x")
    return str(number)


def _binary(text: str) -> str:
    digits = re.sub(r"[\s,]", "", text).lower()
    if len(digits) % 2 or not re.fullmatch(r"[0-9a-f]*", digits):
        raise ValueError("must be hex digits, two for each byte, such as 0a ff 00")
    return digits


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    if not all(lines):
        # An empty string is what ends such a list in the registry.
        raise ValueError("must be lines of text, none of them empty")
    return lines


_READERS: Mapping[RegistryValueType, Callable[[str], str | list[str]]] = {
    RegistryValueType.SZ: str,
    RegistryValueType.EXPAND_SZ: str,
    RegistryValueType.MULTI_SZ: _lines,
    RegistryValueType.DWORD: lambda text: _number(text, 32),
    RegistryValueType.QWORD: lambda text: _number(text, 64),
    RegistryValueType.BINARY: _binary,
}
