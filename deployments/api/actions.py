"""How actions look on the wire."""

from typing import Any

import actions
from actions.scripts import path_of
from deployments.models import Job, JobAction


def action_document(job: Job, action: JobAction) -> dict[str, Any]:
    """One action of a job; stored scripts are named by their paths."""
    shown = {
        "actionId": str(action.public_id),
        "actionType": action.stage,
        "action": action.action,
        "params": action.params,
        "script": _script(job, action, "script"),
        "scriptType": action.script_type,
        "detectionScript": _script(job, action, "detection_script"),
        "detectionScriptType": action.detection_script_type,
    }
    return actions.answer(shown, platform=job.platform)


def _script(job: Job, action: JobAction, field: str) -> str | None:
    """Its path; null where none was sent, and empty where an empty one was."""
    stored = getattr(action, field)
    if stored is None:
        return None
    return path_of(job.customer.public_id, action.public_id, field) if stored else ""
