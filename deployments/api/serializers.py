"""How jobs, runs and host tasks look on the wire, as the wire contract has it. Shape only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet
from django.db.models.functions import JSONObject

from core.instants import milliseconds
from deployments import progress
from deployments.api.actions import action_document
from deployments.definition import DeferrableMessage, Message, PostDeployment, said
from deployments.models import (
    Job,
    JobAction,
    JobAsset,
    JobCalendar,
    JobCoAuthor,
    JobPatch,
    JobTag,
    Part,
    Run,
    Stage,
    Step,
)
from deployments.progress import Progress
from deployments.states import FINAL_HOST_TASKS, JobState
from deployments.statuses import CODES
from scheduling import local_time
from tenants.models import User

CHILDREN = ArraySubquery(
    Job.objects.filter(customer_id=OuterRef("customer_id"), linked_job_id=OuterRef("pk"))
    .live()
    .order_by("pk")
    .values(child=JSONObject(id="public_id", name="name"))
)


def with_references(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs with all that `job_documents` reads: a fixed number of queries however many jobs there are."""
    return (
        jobs.select_related("customer", "created_by", "updated_by", "deleted_by", "linked_job", "custom_patch_url")
        .prefetch_related(
            Prefetch("asset_links", JobAsset.objects.select_related("asset").order_by("position")),
            Prefetch("tag_links", JobTag.objects.select_related("tag").order_by("position")),
            Prefetch("patch_links", JobPatch.objects.select_related("patch").order_by("position")),
            Prefetch("co_author_links", JobCoAuthor.objects.select_related("user").order_by("position")),
            Prefetch("calendar_links", JobCalendar.objects.select_related("calendar").order_by("position")),
            Prefetch("actions", JobAction.objects.order_by("position")),
        )
        .annotate(linked_jobs_=CHILDREN)
    )


def job_document(job: Job) -> dict[str, Any]:
    """The full job; it is of `with_references`."""
    [document] = job_documents([job])
    return document


def job_documents(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The full jobs, every key always there; they are of `with_references`."""
    newest = progress.newest(jobs)
    return [_document(job, newest.get(job.pk)) for job in jobs]


def _document(job: Any, newest: Progress | None) -> dict[str, Any]:
    return {
        "id": str(job.public_id),
        "customerId": str(job.customer.public_id),
        "schemaVersion": "1.0",
        "name": job.name,
        "description": job.description,
        "type": job.type,
        "platform": job.platform,
        "status": JobState.ENABLED if job.state == JobState.ENABLED else JobState.DISABLED,
        **_patches(job),
        **_targets(job),
        **_schedule(job),
        **_conduct(job),
        "preDeployActions": _actions(job, Stage.PRE),
        "postDeployActions": _actions(job, Stage.POST),
        "linkedJobId": str(job.linked_job.public_id) if job.linked_job else None,
        "chainedJobRule": job.chained_job_rule,
        "notification": _notification(job),
        "customPatchURLId": job.custom_patch_url.number if job.custom_patch_url else None,
        "remediationQids": job.remediation_qids,
        "isVulnContext": job.is_vuln_context,
        **_audit(job),
        **_constant(),
        **_how_far(newest),
        "linkedToJob": _named(job.linked_job),
        "linkedJobs": job.linked_jobs_ or None,
        **_ours(job),
    }


def _patches(job: Job) -> dict[str, Any]:
    patches = [str(link.patch.public_id) for link in job.patch_links.all()]
    return {
        "approvedPatches": patches or job.sent_empty.get("approvedPatches"),
        "patchCount": len(patches),
        "isDynamicPatchesQQL": job.is_dynamic_patches_qql,
        "dynamicQQLType": job.dynamic_qql_type,
        "dynamicPatchesQQL": job.dynamic_patches_qql,
        "additionalDynamicQQLType": job.additional_dynamic_qql_type,
        "additionalDynamicPatchesQQL": job.additional_dynamic_patches_qql,
    }


def _targets(job: Job) -> dict[str, Any]:
    def of(key: str, ids: list[str]) -> list[str] | None:
        return ids or job.sent_empty.get(key)

    assets = {part: [str(one.asset.public_id) for one in job.asset_links.all() if one.part == part] for part in Part}
    tags = {part: [str(one.tag.public_id) for one in job.tag_links.all() if one.part == part] for part in Part}
    people = [str(link.user.public_id) for link in job.co_author_links.all()]
    return {
        "assetIds": of("assetIds", assets[Part.INCLUDE]),
        "assetTagIds": of("assetTagIds", tags[Part.INCLUDE]),
        "filterType": job.filter_type,
        "matchAllTagIds": of("matchAllTagIds", tags[Part.MATCH_ALL]),
        "exclusionAssetIds": of("exclusionAssetIds", assets[Part.EXCLUDE]),
        "exclusionTagIds": of("exclusionTagIds", tags[Part.EXCLUDE]),
        "exclusionFilterType": job.exclusion_filter_type,
        "coAuthorUserIds": of("coAuthorUserIds", people),
    }


def _schedule(job: Job) -> dict[str, Any]:
    return {
        "scheduleType": job.schedule_type,
        "startDateTime": local_time.wire(local_time.parse(job.start_local)),
        "recurring": job.recurring,
        "recurringWeekDays": job.recurring_week_days,
        "dayOfMonth": job.day_of_month,
        "recurringLastDayOfMonth": job.recurring_last_day_of_month,
        "recurringDayOfMonth": job.recurring_day_of_month,
        "recurringWeekDayOfMonth": job.recurring_week_day_of_month,
        "monthlyRecurringType": job.monthly_recurring_type,
        "patchTuesdayPlusXDays": job.patch_tuesday_plus_x_days,
        "timezoneType": job.timezone_type,
        "timezone": job.timezone,
        "timeout": job.timeout,
        "timeoutUnit": job.timeout_unit,
    }


def _conduct(job: Job) -> dict[str, Any]:
    return {
        "preDeployment": job.pre_deployment or said(DeferrableMessage()),
        "duringDeployment": job.during_deployment or said(Message()),
        "postDeployment": job.post_deployment or said(PostDeployment()),
        "minimizeWindow": job.minimize_window,
        "opportunisticDownloads": job.opportunistic_downloads,
        "continueOnPatchFailure": job.continue_on_patch_failure,
        "downloadRandomizeTime": job.download_randomize_time,
        "downloadRandomizeTimeUnit": job.download_randomize_time_unit,
        "enableReattemptFailedPatches": job.enable_reattempt_failed_patches,
        "reattemptFailedPatches": job.reattempt_failed_patches,
    }


def _notification(job: Job) -> dict[str, Any] | None:
    if job.notification is None:
        return None
    stored: dict[str, Any] = job.notification
    configs = stored["notificationConfigs"]
    share = configs["completedPercentage"]
    told = {
        "recipientEmails": ",".join(configs["recipientEmails"]),
        "completedPercentage": None if share is None else str(share),
    }
    return stored | {"notificationConfigs": told}


def _actions(job: Job, stage: Stage) -> list[dict[str, Any]] | None:
    key = "preDeployActions" if stage == Stage.PRE else "postDeployActions"
    shown = [action_document(job, action) for action in job.actions.all() if action.stage == stage]
    return shown or job.sent_empty.get(key)


def _audit(job: Job) -> dict[str, Any]:
    return {
        "createdBy": _by(job.created_by, job.created_at),
        "updatedBy": _by(job.updated_by, job.updated_at),
        "deletedBy": _by(job.deleted_by, job.deleted_at),
    }


def _by(user: User | None, at: datetime | None) -> dict[str, Any]:
    person = user and {"id": str(user.public_id), "name": user.username, "fullName": user.full_name}
    return {"user": person, "date": milliseconds(at)}


def _named(job: Job | None) -> dict[str, Any] | None:
    return {"id": str(job.public_id), "name": job.name} if job else None


def _how_far(newest: Progress | None) -> dict[str, Any]:
    """What became of its newest run; the counts are null until that has found its hosts."""
    resolved = newest if newest and newest.counts else None
    return {
        "jobTriggerStatus": newest and newest.run.state,
        "completionPercent": resolved and resolved.percent,
        "totalAssetCount": resolved and resolved.hosts,
        "applicableAssetCount": resolved and resolved.applicable,
        "assetResultReceivedCount": resolved and resolved.ended,
    }


def _constant() -> dict[str, Any]:
    """Keys of this API family that say nothing here, always present."""
    return {
        "jobCategory": 3,
        "jobSource": 3,
        "subCategory": "Patch",
        "readOnly": False,
        "isAssetImported": False,
        **dict.fromkeys(
            [
                "taggedAssetCount",
                "assetCount",
                "jobStartCountdown",
                "passwordAction",
                "hostIsolationConfig",
                "quarantineAssetRequestNotification",
                "disabledPatches",
                "assetDetectionsQQL",
            ]
        ),
    }


def _ours(job: Job) -> dict[str, Any]:
    calendars = [str(link.calendar.public_id) for link in job.calendar_links.all()]
    return {
        "externalId": job.external_id,
        "recurrenceInterval": job.recurrence_interval,
        "doNotRunUntil": instant(job.do_not_run_until),
        "missedRunPolicy": job.missed_run_policy,
        "missedRunWithin": job.missed_run_within,
        "historyStrategy": job.history_strategy,
        "retentionPeriod": job.retention_period,
        "rollout": job.rollout,
        "calendarIds": calendars or job.sent_empty.get("calendarIds"),
        "requiresApproval": job.requires_approval,
    }


def occurrence(run: Run) -> dict[str, Any]:
    """A row of `GET /deploymentjob/{id}/runs`: these keys only."""
    return {
        "jobInstanceId": run.instance,
        "scheduledDateTime": instant(run.scheduled_for),
        "timezoneType": run.job.timezone_type,
    }


def run_document(run: Run, counts: Mapping[str, int], rollout: Mapping[str, Any] | None) -> dict[str, Any]:
    """One run, with how many of its hosts are in which state at this moment, and its waves."""
    total = sum(counts.values())
    ended = sum(hosts for state, hosts in counts.items() if state in FINAL_HOST_TASKS)
    return {
        "jobId": str(run.job.public_id),
        "jobInstanceId": run.instance,
        "state": run.state,
        "reason": run.reason or None,
        "note": run.note or None,
        "trigger": run.trigger,
        "retryOf": run.retry_of.instance if run.retry_of else None,
        "planHash": run.plan_hash or None,
        "scheduledDateTime": instant(run.scheduled_for),
        "deadline": instant(run.deadline),
        "startDateTime": milliseconds(run.started_at),
        "endDateTime": milliseconds(run.finished_at),
        "totalAssetCount": total,
        "completionPercent": 100 * ended // total if total else (100 if run.is_final else 0),
        "counts": dict(counts),
        "rollout": rollout,
    }


def host_row(task: Any) -> dict[str, Any]:
    """One host of a run; the task is of `services.results.hosts`."""
    return {
        "assetId": str(task.asset.public_id),
        "name": task.asset.name,
        "state": task.state,
        "status": task.status_,
        "statusCode": CODES[task.status_],
        "reason": task.reason or None,
        "reasonText": task.sentence or None,
        "startDateTime": milliseconds(task.started_at),
        "endDateTime": milliseconds(task.finished_at),
        "statusDateTime": milliseconds(task.state_changed_at),
        "startBefore": milliseconds(task.start_before),
        "attempt": task.attempt,
        "wave": task.wave,
    }


def host_document(task: Any, steps: Iterable[Step], remarks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One host of a run, step by step, and what was said meanwhile; `remarks` are of `services.remarks`."""
    return host_row(task) | {"steps": [_step(step) for step in steps], "said": [_said(one) for one in remarks]}


def _said(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": one["kind"],
        "dateTime": milliseconds(datetime.fromisoformat(one["at"])),
        "about": one.get("about") or one.get("for"),
        "answer": one.get("answer"),
        "deferralsLeft": one.get("deferralsLeft"),
        "untilDateTime": milliseconds(_until(one)),
        "number": one.get("number"),
        "try": one.get("try"),
        "reason": one.get("reason"),
    }


def _until(one: Mapping[str, Any]) -> datetime | None:
    text = one.get("until") or one.get("answerBy") or one.get("by")
    return datetime.fromisoformat(text) if text else None


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "kind": step.kind,
        "stage": step.stage or None,
        "title": step.title,
        "patchId": str(step.patch.public_id) if step.patch else None,
        "actionId": str(step.action_id) if step.action_id else None,
        "state": step.state,
        "reason": step.reason or None,
        "exitCode": step.exit_code,
        "output": step.output,
        "outputCut": step.output_cut,
        "fromVersion": step.from_version or None,
        "toVersion": step.to_version or None,
        "startDateTime": milliseconds(step.started_at),
        "endDateTime": milliseconds(step.finished_at),
        "verified": step.verified,
        # Agents count only where there was more than one.
        "tries": step.tries or int(step.started_at is not None),
    }


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
