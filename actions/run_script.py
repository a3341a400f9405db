"""Run Script: a script of the customer's own or one that the server brings, before or after the patches."""

import base64
from collections.abc import Mapping
from typing import Any

from actions import make_cache, scripts, telling
from actions.kinds import ActionKind, BuiltIn, ScriptType
from core.errors import EXCLUDES
from core.shapes import Report, Values

KIND = ActionKind.RUN_SCRIPT
PARAMS = ("default_script_type",)
_BUILT_IN = {BuiltIn.MAKE_CACHE: make_cache}


def check(action: Values, params: Values, report: Report) -> None:
    """Either a script with its type, or a built-in one."""
    scripts.refuse("detection_script", action, report, kind=KIND)
    if not (params.sound("default_script_type") and action.sound("default_script_type")):
        return
    named = params.get("default_script_type") or action.get("default_script_type")
    if named is None:
        _check_own(action, report)
    elif action.get("script") and action.get("script") != named:
        message = "must be empty with defaultScriptType, which names a script of the server's"
        report.add("script", "excludes", message, EXCLUDES)
    elif action.get("script_type") not in (None, ScriptType.SH):
        report.add("script_type", "invalid", "must be sh with defaultScriptType MakeCache, or absent")


def _check_own(action: Values, report: Report) -> None:
    if not isinstance(action.get("script"), BuiltIn):
        scripts.need("script", action, report)


def answer(action: Mapping[str, Any]) -> dict[str, Any]:
    """Its script's path and type."""
    built_in = action["params"].get("defaultScriptType")
    path = scripts.built_in_path(built_in) if built_in else action["script"]
    return {"script": path, "scriptType": action["scriptType"]}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """The script itself; a built-in one is a script like any other to the endpoint."""
    built_in = action["params"].get("defaultScriptType")
    if built_in is None:
        return telling.script(action["script"], action["scriptType"])
    brought = _BUILT_IN[BuiltIn(built_in)]
    return telling.script(base64.b64encode(brought.SCRIPT).decode(), brought.SCRIPT_TYPE)
