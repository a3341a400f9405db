"""What one host is told to do: the steps of its host task, from the run's snapshot and the host's own patches."""

from collections.abc import Mapping
from typing import Any

import actions
from deployments.models import HostTask, JobType, Stage, Step
from inventory.models import AssetPatch, PatchStatus


def plan(task: HostTask) -> list[dict[str, Any]]:
    """The steps as the manifest tells them, numbered from 1: pre-actions, patches, post-actions, the closing scan."""
    told = [actions.tell(action) for action in task.run.snapshot["actions"]]
    pre = [action for action in told if action["stage"] == "pre"]
    post = [action for action in told if action["stage"] == "post"]
    steps = [*pre, *_patches(task), *post, {"kind": "scan"}]
    return [{"number": number, **step} for number, step in enumerate(steps, start=1)]


def step_row(task: HostTask, step: Mapping[str, Any]) -> Step:
    """The row that follows one step of the manifest."""
    return Step(
        customer_id=task.customer_id,
        host_task=task,
        attempt=task.attempt,
        number=step["number"],
        kind=step["kind"],
        stage={"pre": Stage.PRE, "post": Stage.POST}.get(step.get("stage", ""), ""),
        title=step.get("name") or step.get("title") or "closing scan",
        action_id=step.get("actionId"),
        patch_id=_patch_pk(task, step),
    )


def _patches(task: HostTask) -> list[dict[str, Any]]:
    """The run's patches that concern this host by its last scan; without one, all of its package manager."""
    snapshot, asset = task.run.snapshot, task.asset
    standings = {
        link.patch_id: link
        for link in AssetPatch.objects.for_customer(task.customer_id).filter(
            asset=asset, patch_id__in=[patch["pk"] for patch in snapshot["patches"]]
        )
    }
    operation = "install" if snapshot["type"] == JobType.INSTALL else "rollback"
    return [
        {
            "kind": "patch",
            "operation": operation,
            "patchId": patch["patchId"],
            "package": patch["package"],
            "architecture": patch["architecture"],
            "version": patch["version"],
            "from": standing.from_version or None if (standing := standings.get(patch["pk"])) else None,
            "title": patch["title"],
        }
        for patch in snapshot["patches"]
        if patch["packageManager"] == asset.package_manager
        and (asset.scanned_at is None or _concerns(operation, standings.get(patch["pk"])))
    ]


def _concerns(operation: str, standing: AssetPatch | None) -> bool:
    if standing is None:
        return False
    if operation == "install":
        return standing.status == PatchStatus.MISSING
    return standing.from_version != "" and (standing.status == PatchStatus.INSTALLED or standing.broken)


def _patch_pk(task: HostTask, step: Mapping[str, Any]) -> int | None:
    found = (patch["pk"] for patch in task.run.snapshot["patches"] if patch["patchId"] == step.get("patchId"))
    return next(found, None)
