"""The kinds of pre- and post-actions: what each accepts, and what the endpoint is told. One module a kind."""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from actions import run_script

KINDS: Mapping[str, ModuleType] = {module.KIND: module for module in (run_script,)}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's step for one action of a run's snapshot, without its number."""
    stage = "pre" if action["stage"] == "predeploy" else "post"
    return {
        "kind": "action",
        "stage": stage,
        "actionId": action["actionId"],
        "action": action["action"],
        "name": action["params"]["actionItem"],
        "timeout": action["params"]["timeout"],
        **KINDS[action["action"]].tell(action),
    }
