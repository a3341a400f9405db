"""The actions of a job: their stored scripts, found by path, and their rows."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import actions
from actions import Action, ScriptPath
from actions.kinds import SCRIPT_TYPE_OF
from actions.scripts import FIELDS
from core.errors import Problem
from deployments.definition.actions import STAGES
from deployments.models import Job, JobAction
from deployments.services.editors import editable
from tenants.models import User

_NOT_YOURS = "must be a script in Base64, or the path of one of yours"


def stored_scripts(
    user: User, paths: Iterable[tuple[str, ScriptPath]], problems: list[Problem]
) -> dict[ScriptPath, bytes]:
    """The scripts that a body names by path. One that its sender may not read is like one unknown.

    `paths` are those of `deployments.definition.actions.script_paths`.
    """
    named = dict(paths)
    if not named:
        return {}
    wanted = {path.action_id for path in named.values()}
    rows = JobAction.objects.for_customer(user.customer_id).filter(public_id__in=wanted, job__in=editable(user))
    stored = {row.public_id: row for row in rows.select_related("customer")}
    found = {path: script for path in named.values() if (script := _script_at(path, stored)) is not None}
    problems += [
        Problem(field=field, code="unknown_script", message=_NOT_YOURS)
        for field, path in named.items()
        if path not in found
    ]
    return found


def action_rows(job: Job, fields: Mapping[str, Any], scripts: Mapping[ScriptPath, bytes]) -> list[JobAction]:
    """The rows of a definition's actions. An id that was one of this job's before is kept."""
    before = set(JobAction.objects.filter(job=job).values_list("public_id", flat=True))
    made = []
    for name, stage in STAGES.items():
        for position, action in enumerate(fields.get(name) or ()):
            row = _row(job, action, scripts)
            row.stage, row.position = stage, position
            if action.action_id in before:
                before.remove(action.action_id)
                row.public_id = action.action_id
            made.append(row)
    return made


def snapshot_action(action: JobAction) -> dict[str, Any]:
    """An action as a run's snapshot holds it: with its scripts in Base64."""
    return {
        "actionId": str(action.public_id),
        "stage": action.stage,
        "action": action.action,
        "params": action.params,
        "script": _encoded(action.script),
        "scriptType": action.script_type,
        "detectionScript": _encoded(action.detection_script),
        "detectionScriptType": action.detection_script_type,
    }


def _encoded(script: bytes | memoryview | None) -> str:
    return base64.b64encode(bytes(script or b"")).decode()


def _script_at(path: ScriptPath, stored: Mapping[UUID, JobAction]) -> bytes | None:
    row = stored.get(path.action_id)
    if row is None or row.customer.public_id != path.customer_id:
        return None
    return bytes(getattr(row, path.field) or b"") or None


def _row(job: Job, action: Action, scripts: Mapping[ScriptPath, bytes]) -> JobAction:
    row = JobAction(customer_id=job.customer_id, job=job, action=action.action, params=actions.stored_params(action))
    for field in FIELDS:
        script = actions.stored_script(action, field)
        setattr(row, field, scripts[script] if isinstance(script, ScriptPath) else script)
        kind = actions.script_type(action, field, platform_has=SCRIPT_TYPE_OF[job.platform])
        setattr(row, f"{field}_type", kind)
    return row
