"""The frozen copy of a job that a run carries, and what is read back from it."""

import base64
from collections.abc import Mapping
from typing import Any

from deployments.models import Combine, Job, JobPatch, Part
from inventory.targeting import Target


def freeze(job: Job) -> dict[str, Any]:
    """Everything that a run needs of its job, as JSON: nothing edited later changes the run.

    Ids of ours are bare numbers (`pk`), what clients know is a UUID as text.
    """
    return {
        "jobId": str(job.public_id),
        "name": job.name,
        "type": job.type,
        "platform": job.platform,
        "notification": job.notification,
        "patches": _patches(job),
        "target": _target(job),
        "actions": [
            {
                "actionId": str(action.public_id),
                "stage": action.stage,
                "action": action.action,
                "params": action.params,
                "script": base64.b64encode(bytes(action.script or b"")).decode(),
                "scriptType": action.script_type,
            }
            for action in job.actions.order_by("position")
        ],
    }


def target_of(snapshot: Mapping[str, Any]) -> Target:
    """The target list of a snapshot."""
    return Target(**snapshot["target"])


def _patches(job: Job) -> list[dict[str, Any]]:
    links = JobPatch.objects.filter(job=job).select_related("patch").order_by("position")
    return [
        {
            "pk": link.patch.pk,
            "patchId": str(link.patch.public_id),
            "package": link.patch.package,
            "version": link.patch.version,
            "architecture": link.patch.architecture,
            "packageManager": link.patch.package_manager,
            "title": link.patch.title,
        }
        for link in links
    ]


def _target(job: Job) -> dict[str, Any]:
    assets = list(job.asset_links.order_by("position").values_list("part", "asset_id"))
    tags = list(job.tag_links.order_by("position").values_list("part", "tag_id"))
    return {
        "asset_ids": [pk for part, pk in assets if part == Part.INCLUDE],
        "exclusion_asset_ids": [pk for part, pk in assets if part == Part.EXCLUDE],
        "tag_ids": [pk for part, pk in tags if part == Part.INCLUDE],
        "match_all_tag_ids": [pk for part, pk in tags if part == Part.MATCH_ALL],
        "exclusion_tag_ids": [pk for part, pk in tags if part == Part.EXCLUDE],
        "all_tags": job.filter_type == Combine.ALL,
        "all_exclusion_tags": job.exclusion_filter_type == Combine.ALL,
    }
