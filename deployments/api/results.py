"""How the results of a run look on the wire, as the wire contract has them. Shape only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from core.instants import milliseconds
from deployments.api.histories import run_id
from deployments.explaining import Finding, Situation
from deployments.models import HostTask, Job, Run, Stage
from deployments.reasons import sentence
from deployments.services.failures import Group
from deployments.services.results import TO_COME, TO_RESTART, TO_VERIFY, UNDER_WAY, Counts, HostResults
from deployments.statuses import CODES, ActionResult, PatchResult
from inventory.models import Asset, AssetTag, Patch

_INTERFACE = ("interfaceName", "macAddress", "address", "gatewayAddress")
_TO_COME = (TO_COME, UNDER_WAY, TO_RESTART, TO_VERIFY)


def job_result(job: Job, *, assets: int, patches: int) -> dict[str, Any]:
    """The whole around the rows of hosts."""
    return {
        "id": str(job.public_id),
        "name": job.name,
        "assetCount": assets,
        "patchCount": patches,
        "createdBy": job.created_by.username,
        "createdOn": milliseconds(job.created_at),
        "assets": [],
    }


def with_tags(tasks: QuerySet[HostTask]) -> QuerySet[Any]:
    """The host tasks with the tags of their assets that `host_rows` reads, in one query."""
    links = AssetTag.objects.filter(customer_id=OuterRef("customer_id"), asset_id=OuterRef("asset_id"))
    pairs = links.order_by("tag__name").values(pair=JSONObject(id="tag__public_id", name="tag__name"))
    return tasks.annotate(tags_=ArraySubquery(pairs))


def host_rows(run: Run, tasks: Iterable[Any], results: Mapping[int, HostResults]) -> list[dict[str, Any]]:
    """Hosts of a run; the tasks are of `services.results.hosts` and `with_tags`."""
    return [_host_row(run, task, results[task.pk]) for task in tasks]


def _host_row(run: Run, task: Any, found: HostResults) -> dict[str, Any]:
    return {
        "asset": _asset(task.asset, task.tags_),
        "jobId": str(run.job.public_id),
        "jobInstanceId": run.instance,
        "runId": str(run_id(run.job, run)),
        "status": task.status_,
        "statusCode": CODES[task.status_],
        "statusDateTime": milliseconds(task.state_changed_at),
        "startDateTime": milliseconds(task.started_at),
        "endDateTime": milliseconds(task.finished_at),
        "jobSentOn": milliseconds(run.started_at),
        **_patches(found),
        **_actions(found.actions),
        "interimResultStatus": None if task.is_final else _interim(found),
        "pendingForRebootInAnotherJob": task.restarting_ is not None,
        "pendingForRebootInAnotherJobName": task.restarting_,
        "additionalFields": _more(task),
    }


def _asset(asset: Asset, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "id": str(asset.public_id),
        "name": asset.name,
        "operatingSystem": asset.operating_system,
        "tags": tags,
        "lastLoggedOnUser": asset.last_logged_on_user or None,
        "interfaces": [{key: one.get(key) for key in _INTERFACE} for one in asset.interfaces],
        "osIdentifier": asset.os_identifier,
        "scanDateTime": milliseconds(asset.scanned_at),
    }


def _patches(found: HostResults) -> dict[str, Any]:
    counts, ids = found.patches, found.patch_ids
    return {
        "totalPatchCount": sum(counts.values()),
        "installedPatches": counts.get(PatchResult.INSTALLED, 0),
        "failedPatches": counts.get(PatchResult.FAILED, 0),
        "successPatches": counts.get(PatchResult.SUCCESS, 0),
        "supersededPatches": counts.get(PatchResult.SUPERSEDED, 0),
        "notApplicablePatches": counts.get(PatchResult.NOT_APPLICABLE, 0),
        "skipPatchCount": counts.get(PatchResult.SKIPPED, 0),
        "executing": counts.get(UNDER_WAY, 0),
        "pendingExecution": counts.get(TO_COME, 0),
        "pendingReboot": counts.get(TO_RESTART, 0),
        "pendingVerification": counts.get(TO_VERIFY, 0),
        "installed": ids.get(PatchResult.INSTALLED, []),
        "failed": ids.get(PatchResult.FAILED, []),
        "success": ids.get(PatchResult.SUCCESS, []),
        "superseded": ids.get(PatchResult.SUPERSEDED, []),
        "notApplicable": ids.get(PatchResult.NOT_APPLICABLE, []),
    }


def _actions(counts: Counts) -> dict[str, Any]:
    return {
        "successfulActionsCount": counts.get(ActionResult.SUCCEEDED, 0),
        "failedActionsCount": counts.get(ActionResult.FAILED, 0) + counts.get(ActionResult.PARTIAL, 0),
        "skippedActionsCount": counts.get(ActionResult.SKIPPED, 0),
    }


def _interim(found: HostResults) -> str | None:
    ended = {*found.patches, *found.actions}
    if ended & {PatchResult.FAILED, ActionResult.FAILED, ActionResult.PARTIAL}:
        return PatchResult.FAILED.value
    good = {PatchResult.SUCCESS, PatchResult.INSTALLED, ActionResult.SUCCEEDED, TO_RESTART, TO_VERIFY}
    return PatchResult.SUCCESS.value if ended & good else None


def _more(task: HostTask) -> dict[str, Any]:
    return {
        "state": task.state,
        "reason": task.reason or None,
        "reasonText": task.sentence or None,
        "attempt": task.attempt,
        "scheduledDateTime": milliseconds(task.start_at),
        "deadline": milliseconds(task.deadline),
    }


def patch_rows(patches: Iterable[Patch], results: Mapping[int, Counts]) -> list[dict[str, Any]]:
    """Patches of a run, each with on how many hosts it ended how."""
    return [_patch_row(patch, results[patch.pk]) for patch in patches]


def _patch_row(patch: Patch, counts: Counts) -> dict[str, Any]:
    return {
        "id": str(patch.public_id),
        "title": patch.title,
        "vendorSeverity": patch.severity,
        "assetCount": sum(counts.values()),
        "installed": counts.get(PatchResult.INSTALLED, 0),
        "success": counts.get(PatchResult.SUCCESS, 0),
        "failed": counts.get(PatchResult.FAILED, 0),
        "superseded": counts.get(PatchResult.SUPERSEDED, 0),
        "notApplicable": counts.get(PatchResult.NOT_APPLICABLE, 0),
        "skipped": counts.get(PatchResult.SKIPPED, 0),
        "pending": _pending(counts),
    }


def action_rows(run: Run, results: Mapping[str, Counts]) -> list[dict[str, Any]]:
    """Actions of a run, in the order of work, each with on how many hosts it ended how."""
    actions = sorted(run.snapshot.get("actions", ()), key=_comes_after_patches)
    return [_action_row(action, results[action["actionId"]]) for action in actions]


def _action_row(action: Mapping[str, Any], counts: Counts) -> dict[str, Any]:
    return {
        "actionId": action["actionId"],
        "actionType": action["stage"],
        "action": action["action"],
        "name": action["params"]["actionItem"],
        "status": _in_all(counts),
        "assetCount": sum(counts.values()),
        "succeeded": counts.get(ActionResult.SUCCEEDED, 0),
        "failed": counts.get(ActionResult.FAILED, 0),
        "skipped": counts.get(ActionResult.SKIPPED, 0),
        "partial": counts.get(ActionResult.PARTIAL, 0),
        "pending": _pending(counts),
    }


def failure_rows(groups: Sequence[Group]) -> list[dict[str, Any]]:
    """The groups of hosts of a run on which the same went wrong."""
    return [
        {
            "reason": group["reason"],
            "reasonText": sentence(group["reason"]),
            "kind": group["kind"] or None,
            "stage": group["stage"] or None,
            "title": group["title"] or None,
            "stepReason": group["step_reason"] or None,
            "exitCode": group["exit_code"],
            "cause": group["cause"],
            "assetCount": group["hosts"],
            "assetIds": [str(one) for one in group["assets"]],
        }
        for group in groups
    ]


def explanation(case: Situation, findings: Sequence[Finding], *, status: str | None) -> dict[str, Any]:
    """What the rules found of one host of a run, or of one patch there."""
    code = findings[-1].code
    return {
        "jobId": str(case.run.job.public_id),
        "jobInstanceId": case.run.instance,
        "assetId": str(case.asset.public_id),
        "patchId": str(case.patch.public_id) if case.patch else None,
        "status": status,
        "reason": str(code),
        "reasonText": sentence(code),
        "rules": [{"rule": one.rule, "passed": one.passed, "found": one.found} for one in findings],
    }


def _pending(counts: Counts) -> int:
    return sum(counts.get(one, 0) for one in _TO_COME)


def _in_all(counts: Counts) -> str | None:
    """One result for all hosts on which the action ended."""
    ended = [one for one in ActionResult if counts.get(one)]
    if len(ended) > 1:
        return ActionResult.PARTIAL.value
    return ended[0].value if ended else None


def _comes_after_patches(action: Mapping[str, Any]) -> bool:
    return bool(action["stage"] == Stage.POST)
