"""What one host is told to do: the steps of its host task, from the run's snapshot and the host's own patches."""

from collections.abc import Mapping, Sequence
from typing import Any

import actions
from deployments.models import HostTask, JobType, Stage, Step
from deployments.services.downloads import ways_back
from inventory.models import Asset, AssetPatch, PatchStatus


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


def concerned(
    snapshot: Mapping[str, Any], *, customer_id: int, assets: Sequence[Asset]
) -> dict[int, list[dict[str, Any]]]:
    """Asset key → the run's patches that concern it by its last scan, each with its `standing` there, by one query.

    An asset without a scan gets all patches of its package manager, and finds out itself.
    """
    links = AssetPatch.objects.for_customer(customer_id).filter(
        asset__in=assets, patch_id__in=[patch["pk"] for patch in snapshot["patches"]]
    )
    standings = {(link.asset_id, link.patch_id): link for link in links}
    return {
        asset.pk: [
            {**patch, "standing": standing}
            for patch in snapshot["patches"]
            if patch["packageManager"] == asset.package_manager
            and _concerns(snapshot, asset, standing := standings.get((asset.pk, patch["pk"])))
        ]
        for asset in assets
    }


def _patches(task: HostTask) -> list[dict[str, Any]]:
    """The patch steps of one host."""
    snapshot = task.run.snapshot
    found = concerned(snapshot, customer_id=task.customer_id, assets=[task.asset])
    back = ways_back(task.asset, found[task.asset.pk])
    return [
        {
            "kind": "patch",
            "operation": "install" if snapshot["type"] == JobType.INSTALL else "rollback",
            "patchId": patch["patchId"],
            "package": patch["package"],
            "architecture": patch["architecture"],
            "version": patch["version"],
            "from": (patch["standing"].from_version or None) if patch["standing"] else None,
            "title": patch["title"],
            **_downloads(patch, back),
        }
        for patch in found[task.asset.pk]
    ]


def _downloads(patch: Mapping[str, Any], back: Mapping[int, Mapping[str, str]]) -> dict[str, Any]:
    """Files are told only of patches that have one."""
    told = [one for one in (patch.get("download"), back.get(patch["pk"])) if one]
    return {"downloads": told} if told else {}


def _concerns(snapshot: Mapping[str, Any], asset: Asset, standing: AssetPatch | None) -> bool:
    if asset.scanned_at is None or standing is None:
        return asset.scanned_at is None
    if snapshot["type"] == JobType.INSTALL:
        return standing.status == PatchStatus.MISSING
    return standing.from_version != "" and (standing.status == PatchStatus.INSTALLED or standing.broken)


def _patch_pk(task: HostTask, step: Mapping[str, Any]) -> int | None:
    found = (patch["pk"] for patch in task.run.snapshot["patches"] if patch["patchId"] == step.get("patchId"))
    return next(found, None)
