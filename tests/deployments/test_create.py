"""POST /pm/v1/deploymentjob: what is answered, what else is understood, and what is refused."""

import json
import uuid
from typing import Any

import pytest

from core.models import Event, Message
from deployments.models import Job, JobAction, Run
from deployments.services import definitions
from inventory.models import Asset
from tenants.models import Role
from tests import factories
from tests.factories import Person

NOBODY = "00000000-0000-4000-8000-000000000000"
MESSAGE = {"userMessage": "", "description": ""}
DEFERMENT = {"count": 3, "interval": 1, "intervalUnit": "HOURS"}
MAIL = {
    "notificationTypes": {"email": True},
    "notificationConfigs": {"recipientEmails": "ops@example.com"},
    "notificationEvents": {"onJobStart": True},
}

# A job of which nothing was said but what must be. Keys of ours come last.
LEAST_JOB: dict[str, Any] = {
    "schemaVersion": "1.0",
    "name": "a job",
    "description": None,
    "type": "Install",
    "platform": "Linux",
    "status": "Disabled",
    "approvedPatches": None,
    "patchCount": 0,
    "isDynamicPatchesQQL": False,
    "dynamicQQLType": 0,
    "dynamicPatchesQQL": None,
    "additionalDynamicQQLType": 0,
    "additionalDynamicPatchesQQL": None,
    "assetIds": None,
    "assetTagIds": None,
    "filterType": "Any",
    "matchAllTagIds": None,
    "exclusionAssetIds": None,
    "exclusionTagIds": None,
    "exclusionFilterType": "Any",
    "coAuthorUserIds": None,
    "scheduleType": "On-demand",
    "recurring": False,
    "recurringWeekDays": None,
    "dayOfMonth": None,
    "recurringLastDayOfMonth": None,
    "recurringDayOfMonth": None,
    "recurringWeekDayOfMonth": None,
    "monthlyRecurringType": None,
    "patchTuesdayPlusXDays": None,
    "timezoneType": "SPECIFIC_TZ",
    "timezone": "UTC",
    "timeout": -1,
    "timeoutUnit": "HOURS",
    "preDeployment": {**MESSAGE, "deferment": DEFERMENT},
    "duringDeployment": MESSAGE,
    "postDeployment": {
        "suppressReboots": False,
        "rebootOption": {**MESSAGE, "deferment": DEFERMENT},
        "rebootCountdown": {**MESSAGE, "interval": 15, "intervalUnit": "MINUTES"},
        "onComplete": {**MESSAGE, "alwaysShowCompletedPrompt": False},
        "rebootHonorOnUserLogin": False,
    },
    "minimizeWindow": False,
    "opportunisticDownloads": False,
    "continueOnPatchFailure": False,
    "downloadRandomizeTime": None,
    "downloadRandomizeTimeUnit": None,
    "enableReattemptFailedPatches": False,
    "reattemptFailedPatches": None,
    "preDeployActions": None,
    "postDeployActions": None,
    "linkedJobId": None,
    "chainedJobRule": None,
    "notification": None,
    "customPatchURLId": None,
    "remediationQids": None,
    "isVulnContext": None,
    "updatedBy": {"user": None, "date": None},
    "deletedBy": {"user": None, "date": None},
    "jobCategory": 3,
    "jobSource": 3,
    "subCategory": "Patch",
    "readOnly": False,
    "isAssetImported": False,
    "taggedAssetCount": None,
    "applicableAssetCount": None,
    "assetCount": None,
    "totalAssetCount": None,
    "assetResultReceivedCount": None,
    "jobTriggerStatus": None,
    "completionPercent": None,
    "linkedToJob": None,
    "linkedJobs": None,
    "jobStartCountdown": None,
    "passwordAction": None,
    "hostIsolationConfig": None,
    "quarantineAssetRequestNotification": None,
    "disabledPatches": None,
    "assetDetectionsQQL": None,
    "externalId": None,
    "recurrenceInterval": None,
    "doNotRunUntil": None,
    "missedRunPolicy": "RunWithin",
    "missedRunWithin": "PT4H",
    "historyStrategy": "FULL",
    "retentionPeriod": 90,
    "rollout": None,
    "calendarIds": None,
    "requiresApproval": False,
}
OURS = list(LEAST_JOB)[list(LEAST_JOB).index("externalId") :]

# What this version does not do: field → (values that change nothing, values that would).
NOT_YET: dict[str, tuple[list[Any], list[Any]]] = {
    "historyStrategy": (["FULL", "full"], ["OFF", "MINIMAL", "ERROR"]),
    "retentionPeriod": ([90, "90", 90.0], [30, 91, "-90"]),
}
# The other fields of a job, which this version does.
DONE = {
    "name", "externalId", "description", "type", "platform", "status", "approvedPatches", "isDynamicPatchesQQL",
    "dynamicQQLType", "dynamicPatchesQQL", "additionalDynamicQQLType", "additionalDynamicPatchesQQL", "linkedJobId",
    "chainedJobRule", "remediationQids", "isVulnContext", "assetIds", "assetTagIds", "filterType", "matchAllTagIds",
    "exclusionAssetIds", "exclusionTagIds", "exclusionFilterType", "coAuthorUserIds", "scheduleType", "startDateTime",
    "recurring", "recurringWeekDays", "dayOfMonth", "recurringLastDayOfMonth", "recurringDayOfMonth",
    "recurringWeekDayOfMonth", "monthlyRecurringType", "patchTuesdayPlusXDays", "recurrenceInterval", "doNotRunUntil",
    "timezoneType", "timezone", "timeout", "timeoutUnit", "preDeployment", "duringDeployment", "postDeployment",
    "missedRunPolicy", "missedRunWithin",
    "suppressReboots", "rebootOption", "rebootCountdown", "onComplete", "rebootHonorOnUserLogin",
    "alwaysShowCompletedPrompt", "minimizeWindow", "opportunisticDownloads", "continueOnPatchFailure",
    "downloadRandomizeTime", "downloadRandomizeTimeUnit", "enableReattemptFailedPatches", "reattemptFailedPatches",
    "noOfReattempts", "exponentialBackoffInterval", "customPatchURLId", "preDeployActions", "postDeployActions",
    "notification", "calendarIds", "requiresApproval", "rollout",
}  # fmt: skip


def _fields(answer: Any) -> list[str]:
    return [problem["field"] for problem in answer.json()["errors"]]


def _refused(ada: Person, **changes: Any) -> list[str]:
    """The fields that a refusal names. Nothing is stored."""
    answer = ada.post("deploymentjob", factories.job_body(**changes))

    assert answer.status_code == 400, answer.content
    assert not Job.objects.exists()
    return _fields(answer)


def _created(ada: Person, **changes: Any) -> dict[str, Any]:
    answer = ada.post("deploymentjob", factories.job_body(**changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _but(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}


# --- what is answered -------------------------------------------------------------------------------------------------


def test_create__least_body__answers_every_key(ada: Person) -> None:
    answer = ada.post("deploymentjob", factories.job_body())

    job = answer.json()
    stored = Job.objects.get()
    milliseconds = int(stored.created_at.timestamp() * 1000)
    author = {"id": str(ada.user.public_id), "name": "ada", "fullName": ada.user.full_name}
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/pm/v1/deploymentjob/{stored.public_id}"
    assert answer.headers["ETag"]
    assert job == LEAST_JOB | {
        "id": str(stored.public_id),
        "customerId": str(ada.customer.public_id),
        "startDateTime": job["startDateTime"],
        "createdBy": {"user": author, "date": milliseconds},
    }
    # `==` takes False for 0 and 1 for True, which JSON does not.
    assert json.dumps(LEAST_JOB, sort_keys=True) == json.dumps(
        _but(job, "id", "customerId", "startDateTime", "createdBy"), sort_keys=True
    )
    assert list(job)[-len(OURS) :] == OURS


def test_create__whole_body__comes_back(ada: Person) -> None:
    one, two = (factories.tag(ada.customer, name) for name in ("one", "two"))
    hosts = [str(factories.asset(ada.customer).public_id) for _ in range(3)]
    patches = [str(factories.patch(ada.customer, package).public_id) for package in ("b", "a")]
    colleague = factories.person(customer=ada.customer, role=Role.OPERATOR)
    body = {
        "name": "whole",
        "externalId": "nightly",
        "description": "",
        "type": "Rollback",
        "platform": "Linux",
        "status": "Disabled",
        "approvedPatches": patches,
        "assetIds": hosts[:2],
        "assetTagIds": [str(two.public_id), str(one.public_id)],
        "filterType": "All",
        "matchAllTagIds": [str(one.public_id)],
        "exclusionAssetIds": hosts[2:],
        "exclusionTagIds": [str(two.public_id)],
        "exclusionFilterType": "All",
        "coAuthorUserIds": [str(colleague.user.public_id)],
        "scheduleType": "Once",
        "startDateTime": "2030-4-14 01:45:48 PM",
        "recurring": False,
        "timezoneType": "SPECIFIC_TZ",
        "timezone": "America/St_Johns",
        "timeout": 90,
        "timeoutUnit": "MINUTES",
    }

    job = _created(ada, **body)

    assert {key: job[key] for key in body} == body
    assert job["patchCount"] == 2


def test_create__lists__empty_and_absent_and_null_are_told_apart(ada: Person) -> None:
    lists = ["approvedPatches", "assetIds", "assetTagIds", "matchAllTagIds", "exclusionAssetIds", "exclusionTagIds"]
    lists += ["coAuthorUserIds", "preDeployActions", "postDeployActions"]

    empty = _created(ada, **{name: [] for name in lists})
    null = ada.post("deploymentjob", {**factories.job_body(), **dict.fromkeys(lists)}).json()
    text = _created(ada, **dict.fromkeys(lists, "null"))

    assert [empty[name] for name in lists] == [[]] * len(lists)
    assert [null[name] for name in lists] == [None] * len(lists)
    assert [text[name] for name in lists] == [None] * len(lists)


def test_create__action__has_exactly_its_keys(ada: Person) -> None:
    job = _created(ada, preDeployActions=[factories.script()], postDeployActions=[factories.script("after")])

    (action,) = job["preDeployActions"]
    customer = ada.customer.public_id
    assert action == {
        "actionId": action["actionId"],
        "actionType": "predeploy",
        "action": "Run Script",
        "params": {"actionItem": "say hello", "timeout": 180, "remediationScope": False},
        "script": f"{customer}/{action['actionId']}/Script",
        "scriptType": "sh",
        "actionLinkedToJob": False,
    }
    assert job["postDeployActions"][0]["actionType"] == "postdeploy"
    shown = ada.get(f"scripts/{action['script']}").json()
    assert shown == {"script": "echo hello", "scriptType": "sh"}


def test_create__notification__recipients_come_back_as_text(ada: Person) -> None:
    mail = MAIL | {"notificationConfigs": {"recipientEmails": ["b@example.com ", "a@example.com", "b@example.com"]}}

    job = _created(ada, notification=mail)

    assert job["notification"] == {
        "notificationTypes": {"email": True},
        "notificationConfigs": {"recipientEmails": "b@example.com,a@example.com", "completedPercentage": None},
        "notificationEvents": {"onJobStart": True, "onJobComplete": False},
    }


@pytest.mark.parametrize("nobody", [None, "", "null", {"notificationTypes": {"email": False}}, {}])
def test_create__no_mail_wanted__is_no_notification(ada: Person, nobody: Any) -> None:
    answer = ada.post("deploymentjob", {**factories.job_body(), "notification": nobody})

    assert answer.status_code == 201, answer.json()
    assert answer.json()["notification"] is None


def test_create__answer_posted_again__is_the_same_job(ada: Person) -> None:
    tag, host = factories.tag(ada.customer, "web"), factories.asset(ada.customer)
    first = _created(
        ada,
        externalId="first",
        description="",
        assetTagIds=[str(tag.public_id)],
        exclusionAssetIds=[str(host.public_id)],
        matchAllTagIds=[],
        preDeployActions=[factories.script(text="echo read again")],
        notification=MAIL,
        scheduleType="Once",
        startDateTime="2030-4-14 01:45:48 PM",
        timeout=6,
    )
    read = ada.get(f"deploymentjob/{first['id']}").json()

    second = ada.post("deploymentjob", read | {"externalId": "second"})

    assert second.status_code == 201, second.json()
    new = ("id", "createdBy", "externalId", "preDeployActions")
    assert _but(second.json(), *new) == _but(read, *new)
    (old_action,), (new_action,) = read["preDeployActions"], second.json()["preDeployActions"]
    assert _but(new_action, "actionId", "script") == _but(old_action, "actionId", "script")
    assert new_action["actionId"] != old_action["actionId"]
    stored = JobAction.objects.get(public_id=new_action["actionId"])
    assert bytes(stored.script) == b"echo read again"


# --- what else is understood ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "field", "means"),
    [
        ({"type": "Uninstall"}, "type", "Rollback"),
        ({"type": "IN_STALL"}, "type", "Install"),
        ({"platform": "lInUx"}, "platform", "Linux"),
        ({"scheduleType": "on_demand"}, "scheduleType", "On-demand"),
        ({"scheduleType": "ONDEMAND"}, "scheduleType", "On-demand"),
        ({"filterType": "ALL"}, "filterType", "All"),
        ({"exclusionFilterType": "any"}, "exclusionFilterType", "Any"),
        ({"timezoneType": "specific-tz"}, "timezoneType", "SPECIFIC_TZ"),
        ({"timezone": "europe/berlin"}, "timezone", "Europe/Berlin"),
        ({"timezone": ""}, "timezone", "UTC"),
        ({"timeout": "6"}, "timeout", 6),
        ({"timeout": 6.0}, "timeout", 6),
        ({"timeout": "-1"}, "timeout", -1),
        ({"timeout": ""}, "timeout", -1),
        ({"timeout": "null"}, "timeout", -1),
        ({"timeout": "6", "timeoutUnit": "minutes"}, "timeoutUnit", "MINUTES"),
        ({"status": ""}, "status", "Disabled"),
        ({"status": "DISABLED"}, "status", "Disabled"),
        ({"recurring": "false"}, "recurring", False),
        ({"recurring": ""}, "recurring", False),
        ({"externalId": ""}, "externalId", None),
        ({"externalId": "null"}, "externalId", None),
        ({"externalId": 77}, "externalId", "77"),
        ({"name": 2026}, "name", "2026"),
        ({"description": ""}, "description", ""),
        ({"scheduleType": "Once", "startDateTime": "2030-04-14 13:45:48"}, "startDateTime", "2030-4-14 01:45:48 PM"),
        ({"scheduleType": "Once", "startDateTime": "2030-04-14T13:45:48"}, "startDateTime", "2030-4-14 01:45:48 PM"),
        ({"scheduleType": "Once", "startDateTime": "2030-4-4 12:05 am"}, "startDateTime", "2030-4-4 12:05:00 AM"),
    ],
)
def test_create__other_spelling__means_the_same(ada: Person, sent: dict[str, Any], field: str, means: Any) -> None:
    job = _created(ada, **sent)

    assert job[field] == means
    assert type(job[field]) is type(means)


def test_create__ids_as_text__are_lists(ada: Person) -> None:
    one, two = (str(factories.tag(ada.customer, name).public_id) for name in ("one", "two"))
    host = str(factories.asset(ada.customer).public_id)

    job = _created(ada, tagIds=f" {one}, {two} ,{one}", assetIds=host.upper())

    assert (job["assetTagIds"], job["assetIds"]) == ([one, two], [host])


def test_create__two_names_of_one_field__must_agree(ada: Person) -> None:
    one, two = (str(factories.tag(ada.customer, name).public_id) for name in ("one", "two"))

    assert _refused(ada, tagIds=[one], assetTagIds=[two]) == ["assetTagIds"]


def test_create__action_item_beside_the_action__is_its_name(ada: Person) -> None:
    action = {"action": "run_script", "actionItem": "say", "script": "ZWNobw==", "scriptType": "SH"}

    job = _created(ada, preDeployActions=[action])

    assert job["preDeployActions"][0]["params"]["actionItem"] == "say"


def test_create__start_in_a_zone__is_that_wall_clock_time_there(ada: Person) -> None:
    host = factories.asset(ada.customer)

    _created(
        ada,
        scheduleType="Once",
        startDateTime="2030-07-01 06:00:00",
        timezone="America/New_York",
        status="Enabled",
        assetIds=[str(host.public_id)],
        preDeployActions=[factories.script()],
    )

    assert Job.objects.get().next_run_at.isoformat() == "2030-07-01T10:00:00+00:00"


# --- what is refused --------------------------------------------------------------------------------------------------


def test_create__many_mistakes__all_are_named_at_once(ada: Person) -> None:
    body = factories.job_body(name=None, type="Instal", assetIdz=[], timeout=500, scheduleType="Once")

    answer = ada.post("deploymentjob", body)

    assert answer.status_code == 400
    assert set(_fields(answer)) == {"name", "type", "assetIdz", "timeout", "startDateTime"}
    assert not Job.objects.exists()


def test_create__empty_body__names_all_that_is_required(ada: Person) -> None:
    answer = ada.post("deploymentjob", {})

    found = answer.json()
    assert set(_fields(answer)) == {"name", "type", "scheduleType"}
    assert found.keys() == {"status", "error", "errorCode", "message", "_error", "errors", "requestId"}
    assert (found["status"], found["error"]) == (400, "Bad Request")
    assert found["_error"] == {"errorCode": found["errorCode"], "message": found["message"]}
    assert found["requestId"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("changes", "field", "nearest"),
    [
        ({"assetIdz": []}, "assetIdz", "assetIds"),
        ({"Name": "x"}, "Name", "name"),
        ({"notification": MAIL | {"notificationEvent": {}}}, "notification.notificationEvent", "notificationEvents"),
        (
            {"notification": {**MAIL, "notificationEvents": {"onJobStart": True, "onJobEnd": 1}}},
            "notification.notificationEvents.onJobEnd",
            "onJob",
        ),
        (
            {"preDeployActions": [factories.script() | {"scriptTyp": "sh"}]},
            "preDeployActions[0].scriptTyp",
            "scriptType",
        ),
        (
            {
                "postDeployActions": [
                    factories.script(),
                    factories.script() | {"params": {"actionItem": "a", "tmeout": 1}},
                ]
            },
            "postDeployActions[1].params.tmeout",
            "timeout",
        ),
    ],
)
def test_create__unknown_key__is_named_with_the_nearest(
    ada: Person, changes: dict[str, Any], field: str, nearest: str
) -> None:
    answer = ada.post("deploymentjob", factories.job_body(**changes))

    (problem,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "1901")
    assert problem["field"] == field
    assert nearest in problem["message"]
    assert not Job.objects.exists()


def test_create__answers_own_keys__are_ignored_where_only_the_server_sets_them(ada: Person) -> None:
    sent = {"id": NOBODY, "createdBy": 1, "linkedJobReferenceCount": 7, "patchCount": 99, "readOnly": True}
    action = factories.script() | {"actionId": NOBODY, "actionType": "x", "actionLinkedToJob": 3, "downloadProtocol": 0}
    action["params"]["remediationScope"] = True

    job = _created(ada, **sent, preDeployActions=[action])

    assert (job["patchCount"], job["readOnly"]) == (0, False)
    assert job["id"] != NOBODY
    assert job["preDeployActions"][0]["actionId"] != NOBODY


@pytest.mark.parametrize("field", ["approvedPatches", "assetIds", "exclusionAssetIds", "assetTagIds", "matchAllTagIds",
                                   "exclusionTagIds", "coAuthorUserIds"])  # fmt: skip
def test_create__id_of_another_customer__is_like_one_that_never_was(ada: Person, field: str) -> None:
    stranger = factories.stranger()
    foreign = {
        "approvedPatches": lambda: factories.patch(stranger.customer),
        "coAuthorUserIds": lambda: stranger.user,
    }.get(
        field, lambda: factories.tag(stranger.customer, "t") if "Tag" in field else factories.asset(stranger.customer)
    )
    unknown = str(uuid.uuid4())
    known = str(foreign().public_id)

    first = ada.post("deploymentjob", factories.job_body(**{field: [known]}))
    second = ada.post("deploymentjob", factories.job_body(**{field: [unknown]}))

    assert [first.status_code, second.status_code] == [400, 400]
    assert _fields(first) == [f"{field}[0]"]
    assert first.json()["errors"] == json.loads(json.dumps(second.json()["errors"]).replace(unknown, known))


def test_not_yet__all_fields_of_the_contract__are_declared(ada: Person) -> None:
    from deployments.definition import JobDefinition

    declared = {info.alias for info in JobDefinition.model_fields.values()}

    assert declared == DONE | NOT_YET.keys()
    assert not DONE & NOT_YET.keys()


@pytest.mark.parametrize("field", NOT_YET)
def test_not_yet__what_changes_nothing__is_accepted(ada: Person, field: str) -> None:
    for value in (None, "", "null", *NOT_YET[field][0]):
        answer = ada.post("deploymentjob/validate", {**factories.job_body(), field: value})

        assert answer.json()["errors"] == [], value
        unchanging = (*LEAST_JOB.keys() - {"startDateTime"},)
        assert {key: answer.json()["job"][key] for key in unchanging} == LEAST_JOB


@pytest.mark.parametrize("field", NOT_YET)
def test_not_yet__anything_else__is_refused_at_that_field(ada: Person, field: str) -> None:
    for value in NOT_YET[field][1]:
        answer = ada.post("deploymentjob", factories.job_body(**{field: value}))

        assert answer.status_code == 400, value
        assert [one.split(".")[0] for one in _fields(answer)] == [field]
        assert "not supported yet" in answer.json()["message"]
    assert not Job.objects.exists()


def test_create__webhook__is_refused_where_it_stands(ada: Person) -> None:
    notification = {**MAIL, "notificationTypes": {"email": True, "webhook": True}}

    assert _refused(ada, notification=notification) == ["notification.notificationTypes.webhook"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timeout": 0}, "timeout"),
        ({"timeout": -2}, "timeout"),
        ({"timeout": 169}, "timeout"),
        ({"timeout": 10_081, "timeoutUnit": "MINUTES"}, "timeout"),
        ({"timeout": 1.5}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": 10**30}, "timeout"),
        ({"timeoutUnit": "DAYS"}, "timeoutUnit"),
        ({"name": ""}, "name"),
        ({"name": "x" * 257}, "name"),
        ({"name": ["x"]}, "name"),
        ({"description": "x" * 10_001}, "description"),
        ({"externalId": "x" * 257}, "externalId"),
        # No URL could name these.
        ({"externalId": "a/b"}, "externalId"),
        ({"externalId": ".."}, "externalId"),
        ({"externalId": "validate"}, "externalId"),
        ({"status": "Deleted"}, "status"),
        ({"status": "Deleting"}, "status"),
        ({"type": "Remove"}, "type"),
        ({"filterType": "None"}, "filterType"),
        ({"recurring": True}, "recurring"),
        ({"recurring": "maybe"}, "recurring"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"scheduleType": "Once"}, "startDateTime"),
        ({"scheduleType": "Once", "startDateTime": "tomorrow"}, "startDateTime"),
        ({"scheduleType": "Once", "startDateTime": "2030-02-30 10:00:00"}, "startDateTime"),
        ({"scheduleType": "Once", "startDateTime": "2030-02-20T10:00:00Z"}, "startDateTime"),
        ({"assetIds": "nobody"}, "assetIds[0]"),
        ({"assetIds": {"id": 1}}, "assetIds"),
        ({"assetIds": [None]}, "assetIds[0]"),
        ({"preDeployActions": {}}, "preDeployActions"),
        ({"preDeployActions": [{}, 3]}, "preDeployActions[1]"),
        ({"preDeployActions": [factories.script()] * 51}, "preDeployActions"),
        ({"preDeployActions": [factories.script() | {"script": "%%%"}]}, "preDeployActions[0].script"),
        ({"preDeployActions": [factories.script() | {"script": "ZWNobw"}]}, "preDeployActions[0].script"),
        ({"preDeployActions": [factories.script() | {"script": ""}]}, "preDeployActions[0].script"),
        ({"preDeployActions": [factories.script() | {"script": 5}]}, "preDeployActions[0].script"),
        ({"preDeployActions": [factories.script(text="x" * (512 * 1024 + 1))]}, "preDeployActions[0].script"),
        ({"preDeployActions": [factories.script() | {"script": f"{NOBODY}/{NOBODY}/Script"}]},
         "preDeployActions[0].script"),
        ({"postDeployActions": [factories.script("")]}, "postDeployActions[0].params.actionItem"),
        ({"postDeployActions": [factories.script("x" * 257)]}, "postDeployActions[0].params.actionItem"),
        ({"postDeployActions": [factories.script() | {"params": {"actionItem": "a", "timeout": 0}}]},
         "postDeployActions[0].params.timeout"),
        ({"postDeployActions": [factories.script() | {"params": {"actionItem": "a", "timeout": 86_401}}]},
         "postDeployActions[0].params.timeout"),
        ({"notification": {"notificationTypes": {"email": True}, "notificationEvents": {"onJobStart": True}}},
         "notification.notificationConfigs.recipientEmails"),
        ({"notification": _but(MAIL, "notificationEvents")}, "notification.notificationEvents"),
        ({"notification": MAIL | {"notificationConfigs": {"recipientEmails": "nobody"}}},
         "notification.notificationConfigs.recipientEmails"),
        ({"notification": MAIL | {"notificationConfigs": {"recipientEmails": "a@b.de\nBcc: c@d.de"}}},
         "notification.notificationConfigs.recipientEmails"),
        ({"notification": MAIL | {"notificationConfigs": {
            "recipientEmails": [f"a{number}@example.com" for number in range(101)]}}},
         "notification.notificationConfigs.recipientEmails"),
        ({"status": "Enabled", "assetIds": []}, "approvedPatches"),
    ],
)  # fmt: skip
def test_create__what_cannot_be__is_refused_where_it_stands(ada: Person, changes: dict[str, Any], field: str) -> None:
    assert field in _refused(ada, **changes)
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "timeout", [(1, "HOURS"), (168, "HOURS"), (1, "MINUTES"), (10_080, "MINUTES"), (-1, "MINUTES")]
)
def test_create__window_at_a_bound__is_accepted(ada: Person, timeout: tuple[int, str]) -> None:
    job = _created(ada, timeout=timeout[0], timeoutUnit=timeout[1])

    assert (job["timeout"], job["timeoutUnit"]) == timeout


def test_create__enabled_without_work_or_hosts__names_both(ada: Person) -> None:
    assert _refused(ada, status="Enabled") == ["approvedPatches", "assetIds"]


def test_create__enabled_with_only_exclusions__still_lacks_hosts(ada: Person) -> None:
    host = factories.asset(ada.customer)

    fields = _refused(
        ada, status="Enabled", exclusionAssetIds=[str(host.public_id)], preDeployActions=[factories.script()]
    )

    assert fields == ["assetIds"]


def test_create__enabled_once_whose_window_is_over__is_refused(ada: Person) -> None:
    host = factories.asset(ada.customer)
    body: dict[str, Any] = {
        "scheduleType": "Once",
        "startDateTime": "2020-01-01 00:00:00",
        "timeout": 1,
        "assetIds": [str(host.public_id)],
        "preDeployActions": [factories.script()],
    }

    assert _refused(ada, status="Enabled", **body) == ["startDateTime"]
    assert _created(ada, **body)["status"] == "Disabled"


def test_create__enabled_on_demand__opens_its_run_in_the_same_transaction(ada: Person) -> None:
    host = factories.asset(ada.customer)

    job = _created(ada, status="Enabled", assetIds=[str(host.public_id)], preDeployActions=[factories.script()])

    run = Run.objects.get()
    assert (str(run.job.public_id), run.instance, run.trigger, run.state) == (job["id"], 1, "enabled", "Pending")
    assert Event.objects.filter(kind="run.opened").count() == 1
    assert Message.objects.filter(task="deployments.resolve_run").count() == 1


def test_create__external_id__is_unique_among_live_jobs_of_the_customer(ada: Person) -> None:
    first = _created(ada, externalId="nightly / é %".replace("/", "-"))
    name = first["externalId"]

    again = ada.post("deploymentjob", factories.job_body(externalId=name))
    theirs = factories.stranger().post("deploymentjob", factories.job_body(externalId=name))
    by_name = ada.get(f"deploymentjob/{name.replace('%', '%25')}")
    ada.delete(f"deploymentjob/{first['id']}")
    afterwards = ada.post("deploymentjob", factories.job_body(externalId=name))

    assert (again.status_code, _fields(again)) == (409, ["externalId"])
    assert (theirs.status_code, by_name.status_code, afterwards.status_code) == (201, 200, 201)
    assert by_name.json()["id"] == first["id"]


def test_create__same_external_id_at_once__one_is_made(committed: None) -> None:
    ada = factories.person(customer=factories.customer())

    answers = factories.at_once(lambda: ada.post("deploymentjob", factories.job_body(externalId="x")), threads=4)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


def test_create__script_path__needs_the_right_to_read_it(ada: Person) -> None:
    author, other = (factories.person(customer=ada.customer, role=Role.OPERATOR) for _ in range(2))
    script = _created(author, preDeployActions=[factories.script()])["preDeployActions"][0]["script"]
    body = factories.job_body(preDeployActions=[factories.script() | {"script": script}])

    statuses = {one.user.username: one.post("deploymentjob", body).status_code for one in (author, ada, other)}

    assert list(statuses.values()) == [201, 201, 400]


def test_create__viewer__is_refused(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    answer = viewer.post("deploymentjob", factories.job_body())

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "1922")
    assert not Job.objects.exists()


# --- hostile bodies ---------------------------------------------------------------------------------------------------

_HEAD = '{"name":"a","type":"Install","platform":"Linux","scheduleType":"On-demand",'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (_HEAD + '"description":' + "[" * 100 + "]" * 100 + "}", 400),
        (_HEAD + '"description":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}", 400),
        (_HEAD + '"description":"a\\u0000b"}', 400),
        (_HEAD + '"description":"\\ud800"}', 400),
        (_HEAD + '"name":"twice"}', 400),
        (_HEAD + '"timeout":NaN}', 400),
        (_HEAD + '"timeout":1e999}', 400),
        (_HEAD + '"timeout":' + "9" * 5_000 + "}", 400),
        (_HEAD, 400),
        ("[]", 400),
        ('"text"', 400),
        ("null", 400),
        ("3", 400),
        (b"\xff\xfe", 400),
        (_HEAD + '"description":"' + "x" * 10 * 1024 * 1024 + '"}', 413),
    ],
    ids=lambda value: None if isinstance(value, int) else f"{len(value)} bytes",
)
def test_create__hostile_body__is_refused_in_json(ada: Person, body: str | bytes, status: int) -> None:
    answer = ada.client.post("/pm/v1/deploymentjob", body, content_type="application/json", headers=ada.headers)

    found = answer.json()
    # Nested too deep is 1904, as is too long; the latter alone is 413.
    assert answer.status_code in {status, 413}, found
    assert found.keys() == {"status", "error", "errorCode", "message", "_error", "errors", "requestId"}
    assert len(found["message"]) < 500
    assert not Job.objects.exists()


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_create__other_content_type__is_415(ada: Person, content_type: str) -> None:
    body = json.dumps(factories.job_body())

    answer = ada.client.generic("POST", "/pm/v1/deploymentjob", body, content_type=content_type, headers=ada.headers)

    assert (answer.status_code, answer.json()["errorCode"]) == (415, "1909")
    assert not Job.objects.exists()


def test_create__wrong_method__is_405(ada: Person) -> None:
    answer = ada.put("deploymentjob", factories.job_body())

    assert (answer.status_code, answer.json()["errorCode"]) == (405, "1908")
    assert "POST" in answer.headers["Allow"]


def test_create__text_of_any_script__comes_back_as_it_was(ada: Person) -> None:
    name = "Привет 'name' \"x\" <b>&amp; \u202e %s {0} \\ \t"

    job = _created(ada, name=name, description=name)

    assert (job["name"], job["description"]) == (name, name)
    assert ada.get(f"deploymentjob/{job['id']}").json() == job


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timeout": 2**62, "downloadRandomizeTime": 1}, "timeout"),
        ({"downloadRandomizeTime": 2**62}, "downloadRandomizeTime"),
        ({"preDeployment": {"deferment": {"count": 168, "interval": 2**62}}}, "preDeployment.deferment.interval"),
        (
            {"postDeployment": {"rebootCountdown": {"interval": 2**62, "userMessage": "now"}}},
            "postDeployment.rebootCountdown.interval",
        ),
    ],
)
def test_create__length_of_time_beyond_all_reckoning__is_refused_at_its_field(
    ada: Person, changes: dict[str, Any], field: str
) -> None:
    assert field in _refused(ada, platform="Windows", **changes)


def test_create__what_it_names_is_deleted_at_that_moment__conflicts(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = factories.asset(ada.customer)
    check = definitions.check_definition

    def and_then_gone(**asked: Any) -> Any:
        checked = check(**asked)
        Asset.objects.filter(pk=host.pk).delete()
        return checked

    monkeypatch.setattr("deployments.services.jobs.check_definition", and_then_gone)

    answer = ada.post("deploymentjob", factories.job_body(assetIds=[str(host.public_id)]))

    assert answer.status_code == 409
    assert "deleted" in answer.json()["message"]
    assert not Job.objects.exists()
