"""Steps that only Windows has, as the manifest tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RegistryStep:
    """Set one value. `value` is as the manifest has it: text, or a list of texts of REG_MULTI_SZ."""

    number: int
    stage: str
    key: str
    value_name: str
    type: str
    value: str | list[str]
    creates_key: bool


@dataclass(frozen=True)
class UninstallStep:
    """Remove software. None is no condition; one of `key` and `display_name` is there."""

    number: int
    stage: str
    key: str | None
    display_name: str | None
    version: str | None
    version_match: str | None
    timeout: int


def registry_step(number: int, content: Mapping[str, Any]) -> RegistryStep:
    """Of the action Change Registry Key. KeyError, TypeError or ValueError for another shape."""
    told = content["registry"]
    value = told["value"]
    return RegistryStep(
        number=number,
        stage=str(content["stage"]),
        key=str(told["key"]),
        value_name=str(told["valueName"]),
        type=str(told["type"]),
        value=[str(line) for line in value] if isinstance(value, list) else str(value),
        creates_key=told.get("createKey") is True,
    )


def uninstall_step(number: int, content: Mapping[str, Any]) -> UninstallStep:
    """Of the action Uninstall Software. KeyError, TypeError or ValueError for another shape."""
    told = content["uninstall"]
    if not told.get("key") and not told.get("displayName"):
        raise ValueError("nothing says which software is meant")
    return UninstallStep(
        number=number,
        stage=str(content["stage"]),
        key=_text(told.get("key")),
        display_name=_text(told.get("displayName")),
        version=_text(told.get("version")),
        version_match=_text(told.get("versionMatch")),
        timeout=min(max(int(content["timeout"]), 1), 86400),
    )


def _text(value: object) -> str | None:
    return str(value) if value else None
