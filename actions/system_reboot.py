"""System Reboot: restart the machine before the patches, and go on when it is back."""

from collections.abc import Mapping
from typing import Any

from actions import scripts
from actions.kinds import PRE, ActionKind
from core.shapes import Report, Values

KIND = ActionKind.SYSTEM_REBOOT
STAGE = PRE
PARAMS: tuple[str, ...] = ()


def check(action: Values, params: Values, report: Report) -> None:
    """It takes no script."""
    for field in scripts.FIELDS:
        scripts.refuse(field, action, report, kind=KIND)


def answer(action: Mapping[str, Any]) -> dict[str, Any]:
    """An empty script and its type."""
    return {"script": "", "scriptType": action["scriptType"]}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing beside the common part: its timeout is how long the machine may take to be back."""
    return {"reboot": {}}
