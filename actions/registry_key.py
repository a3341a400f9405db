"""Change Registry Key: set one value of a key."""

from collections.abc import Callable, Mapping
from typing import Any

from actions import registry, scripts, telling
from actions.kinds import WINDOWS, ActionKind, RegistryValueType
from actions.requiring import need_params
from core.shapes import Report, Values

KIND = ActionKind.CHANGE_REGISTRY_KEY
PLATFORM = WINDOWS
PARAMS = ("reg_key", "reg_value", "reg_value_type", "reg_key_add_new")
DEFAULTS: Mapping[str, Any] = {"reg_key_add_new": False}


def check(action: Values, params: Values, report: Report) -> None:
    """A key below a hive, and a value that its type can hold."""
    need_params(PARAMS[:3], params, report)
    for field in scripts.FIELDS:
        scripts.refuse(field, action, report, kind=KIND)
    if (key := params.get("reg_key")) is not None:
        _try(registry.key, "params.regKey", report, key.decode())
    value, kind = params.get("reg_value"), params.get("reg_value_type")
    if value is not None and kind is not None:
        _try(registry.value, "params.regValue", report, value.decode(), kind)


def _try(read: Callable[..., object], path: str, report: Report, *arguments: object) -> None:
    try:
        read(*arguments)
    except ValueError as wrong:
        report.add(path, "invalid", f"once decoded, {wrong}")


def answer(action: Mapping[str, Any]) -> dict[str, Any]:
    """No script keys."""
    return {}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """Decoded: the key with its hive in full, and the value as its type has it."""
    params = action["params"]
    kind = RegistryValueType(params["regValueType"])
    return {
        "registry": {
            "key": registry.key(telling.text(params["regKey"])),
            "valueName": params["actionItem"],
            "type": kind,
            "value": registry.value(telling.text(params["regValue"]), kind),
            "createKey": params["regKeyAddNew"],
        }
    }
