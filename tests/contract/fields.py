"""One line for each field of a job that stands for itself: where it shows, and two bodies that differ in it."""

from typing import Any

from tests.contract.house import (
    DAILY,
    INTERVAL,
    MONTHLY,
    ONCE,
    START,
    WEEKLY,
    mail,
    run_script,
    without,
)
from tests.contract.observers import (
    Body,
    begun,
    child_runs,
    deadline,
    found_as,
    latest_start,
    mails,
    manifest,
    next_start,
    plan,
    planned_work,
    refusal,
    run_states,
    runs,
    states_after_a_failure,
    who_may_edit,
)
from tests.contract.rows import Row, row

NO_PATCHES: Body = {"approvedPatches": None}
NO_HOSTS: Body = {"assetIds": None}
# Within the time that freezes are worked out for.
EVERY_DAY = {"scheduleType": "Daily", "startDateTime": "2025-1-1 06:30:00 PM"}
SPREAD = {"timeout": 10, "timeoutUnit": "HOURS"}
THREE_TILLS = {"assetIds": ["<asset till-1>", "<asset till-2>", "<asset till-3>"]}
EVERY_TILL = {"assetIds": None, "assetTagIds": ["<tag tills>"]}
TWO_TAGS = ["<tag tills>", "<tag tills-to-spare>"]
RETRIES = {"noOfReattempts": 2, "exponentialBackoffInterval": 3}
RULE = {"actionIds": [1], "threshold": 50, "field": "postDeployAction"} | {
    "condition": "Post Actions were successfully executed"
}
COMPLETE = {"onJobStart": False, "onJobComplete": True}

ROWS: dict[str, Row] = {
    # who and what
    "name": Row(found_as("deploymentjob/byname/one"), {"name": "one"}, {"name": "two"}),
    "externalId": Row(found_as("deploymentjob/the-one"), {"externalId": "the-one"}, {"externalId": "the-other"}),
    "description": row(mails, "description", "first words", "second words", notification=mail()),
    "type": row(planned_work, "type", "Install", "Rollback", "Linux", assetIds=["<asset web-3>"]),
    "platform": Row(
        planned_work,
        {"platform": "Windows"},
        {"platform": "Linux"},
        base={**NO_PATCHES, "dynamicPatchesQQL": "title:*", "assetIds": ["<asset till-1>", "<asset web-1>"]},
    ),
    "status": row(runs, "status", "Enabled", "Disabled"),
    "coAuthorUserIds": row(who_may_edit, "coAuthorUserIds", ["<user grace>"], []),
    # patches
    "approvedPatches": row(planned_work, "approvedPatches", ["<patch win-1>"], ["<patch win-2>"]),
    "isDynamicPatchesQQL": Row(
        planned_work, {"isDynamicPatchesQQL": True}, {"isDynamicPatchesQQL": False}, base=NO_PATCHES
    ),
    "dynamicQQLType": Row(
        planned_work, {"dynamicQQLType": 1, "dynamicPatchesQQL": "title:win"}, {"dynamicQQLType": 0}, base=NO_PATCHES
    ),
    "dynamicPatchesQQL": row(planned_work, "dynamicPatchesQQL", "title:win-1", "title:win-2", **NO_PATCHES),
    "additionalDynamicQQLType": Row(
        planned_work,
        {"additionalDynamicQQLType": 1, "additionalDynamicPatchesQQL": "title:win-2"},
        {"additionalDynamicQQLType": 0},
        base={**NO_PATCHES, "dynamicPatchesQQL": "title:win-1"},
    ),
    "additionalDynamicPatchesQQL": row(
        planned_work,
        "additionalDynamicPatchesQQL",
        "title:win-2",
        "title:win-1",
        **NO_PATCHES,
        dynamicPatchesQQL="title:win-1",
    ),
    "linkedJobId": row(planned_work, "linkedJobId", "<job with win-1>", "<job with win-2>", **NO_PATCHES),
    "remediationQids": row(mails, "remediationQids", [91001], [91002], notification=mail(), isVulnContext=True),
    "isVulnContext": row(mails, "isVulnContext", True, False, notification=mail(), remediationQids=[91001]),
    "customPatchURLId": row(manifest, "customPatchURLId", "<url near>", "<url far>"),
    # machines
    "assetIds": row(planned_work, "assetIds", ["<asset till-1>"], ["<asset till-2>"]),
    "assetTagIds": row(planned_work, "assetTagIds", ["<tag tills>"], ["<tag tills-to-spare>"]),
    "filterType": row(planned_work, "filterType", "Any", "All", **NO_HOSTS, assetTagIds=TWO_TAGS),
    "matchAllTagIds": row(planned_work, "matchAllTagIds", [], ["<tag tills-to-spare>"], **EVERY_TILL),
    "exclusionAssetIds": row(planned_work, "exclusionAssetIds", ["<asset till-1>"], ["<asset till-2>"], **EVERY_TILL),
    "exclusionTagIds": row(planned_work, "exclusionTagIds", ["<tag tills>"], ["<tag tills-to-spare>"], **EVERY_TILL),
    "exclusionFilterType": row(
        planned_work, "exclusionFilterType", "Any", "All", **EVERY_TILL, exclusionTagIds=TWO_TAGS
    ),
    # when
    "scheduleType": Row(plan, ONCE, DAILY),
    "startDateTime": row(next_start, "startDateTime", START, "2031-3-5 06:30:00 PM", scheduleType="Once"),
    "recurring": row(refusal, "recurring", True, False, **DAILY),
    "recurringWeekDays": row(
        next_start, "recurringWeekDays", "1,0,0,0,0,0,0", "0,0,0,0,1,0,0", **without(WEEKLY, "recurringWeekDays")
    ),
    "dayOfMonth": row(next_start, "dayOfMonth", 10, 11, **MONTHLY),
    "recurringLastDayOfMonth": Row(
        next_start,
        {"recurringLastDayOfMonth": True},
        {"recurringLastDayOfMonth": False, "dayOfMonth": 10},
        base=MONTHLY,
    ),
    "recurringDayOfMonth": row(next_start, "recurringDayOfMonth", 2, 5, **MONTHLY, recurringWeekDayOfMonth=3),
    "recurringWeekDayOfMonth": row(next_start, "recurringWeekDayOfMonth", 0, 3, **MONTHLY, recurringDayOfMonth=2),
    "monthlyRecurringType": Row(
        next_start, {"monthlyRecurringType": 1}, {"monthlyRecurringType": 0, "dayOfMonth": 20}, base=MONTHLY
    ),
    "patchTuesdayPlusXDays": row(next_start, "patchTuesdayPlusXDays", 1, 2, **MONTHLY, monthlyRecurringType=1),
    "recurrenceInterval": row(plan, "recurrenceInterval", "PT2H", "PT3H", **without(INTERVAL, "recurrenceInterval")),
    "doNotRunUntil": row(next_start, "doNotRunUntil", "2031-06-01T00:00:00Z", "2031-07-01T00:00:00Z", **INTERVAL),
    "timezoneType": Row(
        plan, {"timezoneType": "AGENT_TZ"}, {"timezoneType": "SPECIFIC_TZ"}, base={**ONCE, **EVERY_TILL}
    ),
    "timezone": row(next_start, "timezone", "Europe/Berlin", "America/New_York", **ONCE),
    "requiresApproval": row(run_states, "requiresApproval", True, False, status="Enabled"),
    "calendarIds": row(plan, "calendarIds", ["<calendar always>"], [], **EVERY_DAY),
    "timeout": row(deadline, "timeout", 2, 3),
    "missedRunPolicy": row(latest_start, "missedRunPolicy", "Skip", "AtNextContact"),
    "missedRunWithin": row(latest_start, "missedRunWithin", "PT5H", "P1D"),
    "timeoutUnit": row(deadline, "timeoutUnit", "HOURS", "MINUTES", timeout=2),
    # how
    "minimizeWindow": row(manifest, "minimizeWindow", True, False),
    "opportunisticDownloads": row(manifest, "opportunisticDownloads", True, False),
    "continueOnPatchFailure": row(manifest, "continueOnPatchFailure", True, False, "Linux"),
    "downloadRandomizeTime": row(
        manifest, "downloadRandomizeTime", 1, 120, downloadRandomizeTimeUnit="MINUTES", **SPREAD
    ),
    "downloadRandomizeTimeUnit": row(
        manifest, "downloadRandomizeTimeUnit", "HOURS", "MINUTES", downloadRandomizeTime=2, **SPREAD
    ),
    "enableReattemptFailedPatches": Row(
        manifest,
        {"enableReattemptFailedPatches": True, "reattemptFailedPatches": RETRIES},
        {"enableReattemptFailedPatches": False},
        base=SPREAD,
    ),
    "noOfReattempts": row(
        manifest, "noOfReattempts", 1, 2, reattemptFailedPatches=True, exponentialBackoffInterval=1, **SPREAD
    ),
    "exponentialBackoffInterval": row(
        manifest, "exponentialBackoffInterval", 1, 2, reattemptFailedPatches=True, noOfReattempts=1, **SPREAD
    ),
    # chained jobs
    "chainedJobRule[].threshold": row(
        child_runs, "chainedJobRule", [RULE | {"threshold": 50}], [RULE | {"threshold": 51}], **NO_PATCHES
    ),
    "chainedJobRule[].actionIds": row(
        child_runs,
        "chainedJobRule",
        [RULE | {"threshold": 90}],
        [RULE | {"threshold": 90, "actionIds": [2]}],
        **NO_PATCHES,
    ),
    "chainedJobRule[].field": row(
        refusal,
        "chainedJobRule",
        [RULE],
        [RULE | {"field": "preDeployAction"}],
        **NO_PATCHES,
        linkedJobId="<job with win-1>",
    ),
    "chainedJobRule[].condition": row(
        refusal,
        "chainedJobRule",
        [RULE],
        [RULE | {"condition": "Post Actions failed"}],
        **NO_PATCHES,
        linkedJobId="<job with win-1>",
    ),
    # notification
    "notification.notificationTypes.email": Row(
        mails, {"notification": mail()}, {"notification": mail(notificationTypes={"email": False})}
    ),
    "notification.notificationConfigs.recipientEmails": Row(
        mails,
        {"notification": mail()},
        {"notification": mail(notificationConfigs={"recipientEmails": "other@example.com"})},
    ),
    "notification.notificationConfigs.completedPercentage": Row(
        mails,
        *(
            {
                "notification": mail(
                    notificationEvents=COMPLETE,
                    notificationConfigs={"recipientEmails": "a@example.com", "completedPercentage": share},
                )
            }
            for share in (50, 100)
        ),
    ),
    "notification.notificationEvents.onJobStart": Row(
        mails,
        {"notification": mail(notificationEvents=COMPLETE)},
        {"notification": mail(notificationEvents=COMPLETE | {"onJobStart": True})},
    ),
    "notification.notificationEvents.onJobComplete": Row(
        mails,
        {"notification": mail()},
        {"notification": mail(notificationEvents={"onJobStart": True, "onJobComplete": True})},
    ),
}


_SHARE = {"waves": [{"percent": 34}]}
_EACH_FAILS = {"preDeployActions": [run_script()]}
ROWS |= {
    "rollout.waves[].percent": row(plan, "rollout", _SHARE, {"waves": [{"percent": 33}]}, **THREE_TILLS),
    "rollout.waves[].count": row(plan, "rollout", *({"waves": [{"count": many}]} for many in (1, 2)), **THREE_TILLS),
    "rollout.waves[].tagIds": row(
        plan, "rollout", *({"waves": [{"tagIds": [one]}]} for one in TWO_TAGS), **THREE_TILLS
    ),
    "rollout.waves[].soakMinutes": row(
        plan, "rollout", *({"waves": [{"count": 1, "soakMinutes": soak}]} for soak in (0, 5)), **THREE_TILLS
    ),
    "rollout.maxConcurrent": row(begun, "rollout", *({"maxConcurrent": many} for many in (1, 2))),
    "rollout.haltOnFailurePercent": row(
        states_after_a_failure, "rollout", *({"haltOnFailurePercent": share} for share in (50, 51)), **_EACH_FAILS
    ),
    "rollout.haltMinSample": row(
        states_after_a_failure,
        "rollout",
        *({"haltOnFailurePercent": 50, "haltMinSample": many} for many in (2, 3)),
        **_EACH_FAILS,
    ),
}


# What this version does not do yet: it must be refused, or it would be dead.
REFUSED: dict[str, Any] = {
    "historyStrategy": "OFF",
    "retentionPeriod": 30,
    "notification.notificationTypes.webhook": True,
}
