"""The frozen copy of a job that a run carries, and what is read back from it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from deployments.definition import DeferrableMessage, Message, PostDeployment, said
from deployments.models import Combine, Job, Part, Run, TimeoutUnit
from deployments.progress import BAD_HOSTS
from deployments.services.actions import snapshot_action
from deployments.services.choosing import chosen_patches
from deployments.services.downloads import download
from deployments.services.rollouts import freeze_rollout
from inventory.models import Patch
from inventory.targeting import Target

_MINUTES: Mapping[str, int] = {TimeoutUnit.HOURS: 60, TimeoutUnit.MINUTES: 1}


def freeze(job: Job, *, at: datetime, parent_run: Run | None = None) -> dict[str, Any]:
    """Everything that a run needs of its job, as JSON: nothing edited later changes the run.

    A run that one of the parent job started gets that run's patches. Ids of ours are bare numbers (`pk`), what clients
    know is a UUID as text.
    """
    target = targets(job)
    if parent_run is not None:
        patches = parent_run.snapshot["patches"]
    else:
        patches = [_patch(patch) for patch in chosen_patches(job, target=Target(**target), at=at)]
    return {
        "jobId": str(job.public_id),
        "name": job.name,
        "description": job.description,
        "type": job.type,
        "platform": job.platform,
        "notification": job.notification,
        "remediationQids": job.remediation_qids if job.is_vuln_context else None,
        "patches": patches,
        "wantsPatches": bool(patches or job.is_dynamic_patches_qql or job.linked_job_id),
        "target": target,
        "conduct": _conduct(job),
        "actions": [snapshot_action(action) for action in job.actions.order_by("position")],
        **freeze_rollout(job),
    }


def freeze_again(run: Run) -> dict[str, Any]:
    """The snapshot of a run that ended, for the hosts on which it failed."""
    failed = run.host_tasks.filter(state__in=BAD_HOSTS).order_by("asset_id")
    target = Target(asset_ids=list(failed.values_list("asset_id", flat=True)))
    return {**run.snapshot, "target": asdict(target)}


def target_of(snapshot: Mapping[str, Any]) -> Target:
    """The target list of a snapshot."""
    return Target(**snapshot["target"])


def _patch(patch: Patch) -> dict[str, Any]:
    return {
        "pk": patch.pk,
        "patchId": str(patch.public_id),
        "package": patch.package,
        "version": patch.version,
        "architecture": patch.architecture,
        "packageManager": patch.package_manager,
        "title": patch.title,
        **({"download": told} if (told := download(patch)) else {}),
    }


def _conduct(job: Job) -> dict[str, Any]:
    """How a host is to go about it, as its manifest says it: docs/agent-protocol.md."""
    unit = _MINUTES[job.download_randomize_time_unit or TimeoutUnit.HOURS]
    retries = job.reattempt_failed_patches if job.enable_reattempt_failed_patches else None
    return {
        "before": job.pre_deployment or said(DeferrableMessage()),
        "during": job.during_deployment or said(Message()),
        "after": job.post_deployment or said(PostDeployment()),
        "minimizeWindow": job.minimize_window,
        "opportunisticDownloads": job.opportunistic_downloads,
        "continueOnPatchFailure": job.continue_on_patch_failure,
        "downloadWithinMinutes": (job.download_randomize_time or 0) * unit,
        "retries": retries and {"count": retries["noOfReattempts"], "minutes": retries["exponentialBackoffInterval"]},
        "patchUrl": job.custom_patch_url.url if job.custom_patch_url else None,
    }


def targets(job: Job) -> dict[str, Any]:
    """The target list of a job as a snapshot holds it. Reads prefetched links where there are some."""
    assets = [(link.part, link.asset_id) for link in sorted(job.asset_links.all(), key=_place)]
    tags = [(link.part, link.tag_id) for link in sorted(job.tag_links.all(), key=_place)]
    return {
        "asset_ids": [pk for part, pk in assets if part == Part.INCLUDE],
        "exclusion_asset_ids": [pk for part, pk in assets if part == Part.EXCLUDE],
        "tag_ids": [pk for part, pk in tags if part == Part.INCLUDE],
        "match_all_tag_ids": [pk for part, pk in tags if part == Part.MATCH_ALL],
        "exclusion_tag_ids": [pk for part, pk in tags if part == Part.EXCLUDE],
        "all_tags": job.filter_type == Combine.ALL,
        "all_exclusion_tags": job.exclusion_filter_type == Combine.ALL,
    }


def _place(link: Any) -> int:
    return int(link.position)
