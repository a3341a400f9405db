"""Registry values: what the manifest tells, what the registry holds, and what is done where they differ."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import registry as told_by_the_server
from actions.kinds import RegistryValueType
from hostagent.registry import TYPES, Registry, Value, split, value_of
from hostagent.windows_steps import registry_step
from tests.properties import FACTOR

KEY = r"HKEY_LOCAL_MACHINE\SOFTWARE\Example"


class Held:
    """A registry that remembers, and can be made to refuse or to forget."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)
        self.values: dict[str, tuple[Value, int]] = {}
        self.writes = 0
        self.refuses = self.forgets = False

    def has(self, hive: str, key: str) -> bool:
        return f"{hive}\\{key}" in self.keys

    def read(self, hive: str, key: str, name: str) -> tuple[Value | None, int] | None:
        return self.values.get(name)

    def write(self, hive: str, key: str, name: str, value: Value, kind: int) -> None:
        if self.refuses:
            raise PermissionError(13, "access is denied")
        self.writes += 1
        self.keys.add(f"{hive}\\{key}")
        if not self.forgets:
            self.values[name] = (value, kind)


class Begun:
    """Notes of a step, without a journal."""

    def begin(self, before: Any) -> None:
        self.before = before

    def checkpoint(self, name: str) -> None:
        pass


def run(held: Held, kind: str = "REG_SZ", value: Any = "x", *, create: bool = False, key: str = KEY) -> Any:
    told = {"key": key, "valueName": "a", "type": kind, "value": value, "createKey": create}
    return Registry(held).run(registry_step(1, {"stage": "pre", "registry": told}), Begun())  # type: ignore[arg-type]


def test_run__key_is_missing__is_made_or_the_step_is_skipped() -> None:
    held = Held()

    assert run(held).reason == "no_such_key"
    assert run(held).state == "skipped"
    assert held.writes == 0
    assert run(held, create=True).reason == "done"
    assert held.values == {"a": ("x", 1)}


def test_run__value_is_there_already__writes_nothing() -> None:
    held = Held(KEY)
    held.values["a"] = ("x", 1)

    assert run(held).reason == "done"
    assert held.writes == 0
    # The same text as another type is another value.
    assert run(held, "REG_EXPAND_SZ").reason == "done"
    assert held.values["a"] == ("x", 2)


def test_run__registry_refuses_or_forgets__fails_and_says_so() -> None:
    refusing, forgetting = Held(KEY), Held(KEY)
    refusing.refuses = forgetting.forgets = True

    refused, forgotten = run(refusing), run(forgetting)

    assert (refused.reason, refused.state, refused.exit_code) == ("nonzero_exit", "failed", 13)
    assert (forgotten.reason, forgotten.state) == ("not_detected", "failed")


@pytest.mark.parametrize(
    ("kind", "value", "key"),
    [
        ("REG_DWORD", "4294967296", KEY),
        ("REG_DWORD", "-1", KEY),
        ("REG_QWORD", "one", KEY),
        ("REG_BINARY", "0", KEY),
        ("REG_MULTI_SZ", "text", KEY),
        ("REG_SZ", ["a"], KEY),
        ("REG_LINK", "x", KEY),
        ("REG_SZ", "x", "HKLM\\SOFTWARE\\Example"),
        ("REG_SZ", "x", "HKEY_LOCAL_MACHINE"),
    ],
)
def test_run__not_understood__is_unsupported_and_touches_nothing(kind: str, value: Any, key: str) -> None:
    held = Held(KEY)

    assert run(held, kind, value, key=key, create=True).reason == "unsupported"
    assert held.writes == 0


def test_split__any_case__names_the_hive_in_capitals() -> None:
    assert split("hkey_users\\S-1-5-18\\Software") == ("HKEY_USERS", "S-1-5-18\\Software")


@given(st.binary(max_size=50), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
@settings(max_examples=100 * FACTOR, deadline=None)
def test_value_of__what_the_server_tells__is_what_was_meant(data: bytes, small: int, large: int) -> None:
    def told(text: str, kind: RegistryValueType) -> Value:
        return value_of(kind, told_by_the_server.value(text, kind))

    assert told(data.hex(" "), RegistryValueType.BINARY) == data
    assert told(hex(small), RegistryValueType.DWORD) == small
    assert told(str(large), RegistryValueType.QWORD) == large
    assert set(TYPES) == {kind.value for kind in RegistryValueType}
