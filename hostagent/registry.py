"""Change Registry Key: set one value, and read it back."""

import binascii
from collections.abc import Callable, Mapping
from typing import Protocol

from hostagent.notes import Notes
from hostagent.outcome import Outcome
from hostagent.windows_steps import RegistryStep

# As winnt.h numbers them.
TYPES: Mapping[str, int] = {
    "REG_SZ": 1,
    "REG_EXPAND_SZ": 2,
    "REG_BINARY": 3,
    "REG_DWORD": 4,
    "REG_MULTI_SZ": 7,
    "REG_QWORD": 11,
}
HIVES = (
    "HKEY_CLASSES_ROOT",
    "HKEY_CURRENT_CONFIG",
    "HKEY_CURRENT_USER",
    "HKEY_LOCAL_MACHINE",
    "HKEY_USERS",
)

Value = str | int | bytes | list[str]


class Store(Protocol):
    """The registry of this machine. OSError where it refuses."""

    def has(self, hive: str, key: str) -> bool:
        """Whether the key is there."""

    def read(self, hive: str, key: str, name: str) -> tuple[Value | None, int] | None:
        """(the value, its type's number), None where there is none of this name."""

    def write(self, hive: str, key: str, name: str, value: Value, kind: int) -> None:
        """Set it, and have it on disk; the key is made where it is missing."""


class Registry:
    """Registry steps of one machine."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self, step: RegistryStep, notes: Notes) -> Outcome:
        """Set the value. Setting it twice changes nothing, so after a crash it is simply done, or done again."""
        try:
            split(step.key)
            wanted = value_of(step.type, step.value), TYPES[step.type]
        except (KeyError, ValueError) as error:
            return Outcome("unsupported", output=f"{step.key}, {step.value_name}: {error}")
        try:
            return self._set(step, notes, wanted)
        except OSError as error:
            code = getattr(error, "winerror", None) or error.errno
            return Outcome("nonzero_exit", exit_code=code, output=f"{step.key}, {step.value_name}: {error}")

    def settle(self, step: RegistryStep, notes: Notes) -> Outcome | None:
        """After a crash: what the registry says. None: it does not hold the value, so it is set now."""
        try:
            hive, key = split(step.key)
            there = self._store.read(hive, key, step.value_name)
            return Outcome("done") if there == (value_of(step.type, step.value), TYPES[step.type]) else None
        except (KeyError, ValueError, OSError):
            # `run` meets the same, and says so.
            return None

    def _set(self, step: RegistryStep, notes: Notes, wanted: tuple[Value, int]) -> Outcome:
        hive, key = split(step.key)
        if not step.creates_key and not self._store.has(hive, key):
            return Outcome("no_such_key", output=f"{step.key} is not there, and is not to be made")
        before = self._store.read(hive, key, step.value_name)
        if before == wanted:
            return Outcome("done", output="the value was there already")
        notes.begin({"value": _told(before)})
        notes.checkpoint("registry:before")
        self._store.write(hive, key, step.value_name, *wanted)
        notes.checkpoint("registry:written")
        after = self._store.read(hive, key, step.value_name)
        if after != wanted:
            return Outcome("not_detected", output=f"after it was set, the registry holds {_told(after)}")
        return Outcome("done", output=f"before: {_told(before)}")


def split(key: str) -> tuple[str, str]:
    """(hive, what is below it). ValueError where there is no known hive, or nothing below it."""
    hive, _, below = key.partition("\\")
    if hive.upper() not in HIVES or not below.strip("\\"):
        raise ValueError("no key below a hive in full, such as HKEY_LOCAL_MACHINE")
    return hive.upper(), below.strip("\\")


def value_of(kind: str, told: str | list[str]) -> Value:
    """What the registry holds for a value that the manifest tells. ValueError where it does not fit its type."""
    if isinstance(told, list) != (kind == "REG_MULTI_SZ"):
        raise ValueError(f"the value of {kind} is of the wrong shape")
    return _READERS[kind](told) if isinstance(told, str) else list(told)


def _number(bits: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        number = int(text)
        if not 0 <= number < 1 << bits:
            raise ValueError(f"{number} is no number of {bits} bits")
        return number

    return read


def _bytes(text: str) -> Value:
    try:
        return binascii.unhexlify(text)
    except binascii.Error as error:
        raise ValueError(f"not hex digits: {error}") from None


def _told(there: tuple[Value | None, int] | None) -> str | None:
    """For people: a value of any type, in short."""
    if there is None:
        return None
    value, kind = there
    name = next((name for name, number in TYPES.items() if number == kind), f"type {kind}")
    text = value.hex() if isinstance(value, bytes) else str(value)
    return f"{name} {text[:200]}"


_READERS: Mapping[str, Callable[[str], Value]] = {
    "REG_SZ": str,
    "REG_EXPAND_SZ": str,
    "REG_BINARY": _bytes,
    "REG_DWORD": _number(32),
    "REG_QWORD": _number(64),
}
