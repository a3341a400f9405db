"""The kinds of pre- and post-actions: what each accepts, and what the endpoint is told. One module a kind."""

from collections.abc import Mapping
from typing import Any

from actions.definition import Action, script_type, stored_params, stored_script
from actions.every import KINDS
from actions.kinds import LINUX
from actions.placing import misplaced
from actions.scripts import ScriptPath

__all__ = [
    "KINDS",
    "Action",
    "ScriptPath",
    "answer",
    "misplaced",
    "script_type",
    "stored_params",
    "stored_script",
    "tell",
]


def answer(action: Mapping[str, Any], *, platform: str) -> dict[str, Any]:
    """An action as clients see it.

    `action` has actionId, actionType, action and params, and under script, scriptType, detectionScript and
    detectionScriptType what stands for the stored scripts: their paths, `""` or null.
    """
    scope = {"remediationScope": False} if platform == LINUX else {}
    return {
        "actionId": action["actionId"],
        "actionType": action["actionType"],
        "action": action["action"],
        "params": action["params"] | scope,
        **KINDS[action["action"]].answer(action),
        "actionLinkedToJob": False,
    }


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
