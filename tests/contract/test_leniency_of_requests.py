"""Signing in, deleting, empty bodies, unknown keys: what clients send in other words, apart from the fields."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.contract.house import START, House, install_software, mail, run_script, without
from tests.factories import Person

PASSWORD = "correct horse battery"
MESSAGE = {"userMessage": "", "description": ""}
DEFERMENT = {"count": 3, "interval": 1, "intervalUnit": "HOURS"}
POST_DEPLOYMENT: dict[str, Any] = {
    "suppressReboots": False,
    "rebootOption": {**MESSAGE, "deferment": DEFERMENT},
    "rebootCountdown": {**MESSAGE, "interval": 15, "intervalUnit": "MINUTES"},
    "onComplete": {**MESSAGE, "alwaysShowCompletedPrompt": False},
    "rebootHonorOnUserLogin": False,
}
ONCE = {"scheduleType": "Once", "startDateTime": START}
WEEKLY = {"scheduleType": "Weekly", "startDateTime": START, "recurringWeekDays": "0,1,0,0,0,0,0"}
MONTHLY = {"scheduleType": "Monthly", "startDateTime": START}
PATCH_TUESDAY = {**MONTHLY, "monthlyRecurringType": 1, "patchTuesdayPlusXDays": 2}


def _same(one: Any, other: Any) -> bool:
    """Whether both are the same JSON: `==` takes False for 0 and 1.0 for 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _means(house: House, sent: dict[str, Any], answered: dict[str, Any], platform: str = "windows") -> None:
    """What is sent is answered so, by create, and by a change of another job."""
    body = getattr(house, platform)()
    created = house.create(body | sent)
    other = house.create(body)
    changed = house.ada.patch(f"deploymentjob/{other['id']}", sent)

    assert changed.status_code == 200, changed.json()
    for job in (created, changed.json()):
        shown = {key: job[key] for key in answered}
        assert _same(shown, answered), shown


# --- signing in, empty bodies, deletion -------------------------------------------------------------------------------


@pytest.fixture
def hedy(db: None) -> Person:
    """Somebody with a password."""
    return factories.person(customer=factories.customer(), username="hedy", password=PASSWORD)


@pytest.mark.parametrize(
    "extra", [{}, {"permissions": "true"}, {"token": "True"}, {"token": "TRUE", "permissions": "false"}]
)
def test_sign_in__as_a_form__answers_a_bare_token_that_works(hedy: Person, extra: dict[str, str]) -> None:
    form = {"username": "hedy", "password": PASSWORD, "token": "true"} | extra
    client = Client(raise_request_exception=False)

    answer = client.post("/auth", urlencode(form), content_type="application/x-www-form-urlencoded")

    token = answer.content.decode()
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (201, "text/plain")
    assert (token.count("."), token.strip()) == (2, token)
    listed = client.get("/pm/v1/deploymentjobs", headers={"Authorization": f"Bearer {token}"})
    assert (listed.status_code, listed.json()) == (200, [])


@pytest.mark.parametrize("what", ["deploymentjobresult/summary", "run", "clone"])
def test_post__empty_and_without_content_type__is_understood(house: House, what: str) -> None:
    job = house.made()

    answer = house.ada.client.generic(
        "POST", f"/pm/v1/deploymentjob/{job['id']}/{what}", b"", content_type="", headers=house.ada.headers
    )

    assert answer.status_code in {200, 201, 202}, answer.content


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8"]
)
def test_post__content_type_with_its_charset__is_json(house: House, content_type: str) -> None:
    answer = house.ada.client.generic(
        "POST", "/pm/v1/deploymentjob", json.dumps(house.linux()), content_type=content_type, headers=house.ada.headers
    )

    assert answer.status_code == 201


@pytest.mark.parametrize("form", ["object", "list", "parameter", "text in an object"])
def test_delete__many__in_each_of_its_forms(house: House, form: str) -> None:
    jobs = [house.made(name=f"job {number}") for number in range(3)]
    one, two, kept = (job["id"] for job in jobs)
    nobody = "00000000-0000-4000-8000-000000000000"

    answer = {
        "object": lambda: house.ada.delete("deploymentjobs", {"ids": [one, two, nobody]}),
        "list": lambda: house.ada.delete("deploymentjobs", [one, two, nobody]),
        "parameter": lambda: house.ada.delete(f"deploymentjobs?ids={one},{two},{nobody}"),
        "text in an object": lambda: house.ada.delete("deploymentjobs", {"ids": f"{one}, {two},{nobody}"}),
    }[form]()

    assert answer.status_code == 200, answer.json()
    rows = answer.json()
    assert [without(row, "error") for row in rows[:2]] == [
        {"id": one, "name": "job 0", "status": "success"},
        {"id": two, "name": "job 1", "status": "success"},
    ]
    assert (rows[2]["id"], rows[2]["status"], bool(rows[2]["error"])) == (nobody, "failure", True)
    assert not rows[0].get("error")
    assert [job["id"] for job in house.ada.get("deploymentjobs").json()] == [kept]


@pytest.mark.parametrize("path", ["deploymentjob", "deploymentjobs"])
def test_delete__one__by_both_paths(house: House, path: str) -> None:
    job = house.made()

    answer = house.ada.delete(f"{path}/{job['id']}")

    assert (answer.status_code, answer.json()) == (200, {"deleted": job["id"]})
    assert house.ada.get(f"deploymentjob/{job['id']}").status_code == 404


@pytest.mark.parametrize("path", ["deploymentjob/{id}", "deploymentjob/update/{id}"])
def test_patch__both_paths__change_what_is_sent(house: House, path: str) -> None:
    job = house.made(externalId="mine")

    for name in (job["id"], "mine"):
        answer = house.ada.patch(path.format(id=name), {"name": f"by {name}"})

        assert (answer.status_code, answer.json()["name"]) == (200, f"by {name}")


# --- keys that nobody knows -------------------------------------------------------------------------------------------

UNKNOWN: list[tuple[dict[str, Any], str, str]] = [
    ({"assetIdz": []}, "assetIdz", "assetIds"),
    ({"aprovedPatches": []}, "aprovedPatches", "approvedPatches"),
    ({"timeoutunit": "HOURS"}, "timeoutunit", "timeoutUnit"),
    ({"preDeployment": {"userMesage": "x"}}, "preDeployment.userMesage", "userMessage"),
    ({"preDeployment": {"deferment": {"cuont": 1}}}, "preDeployment.deferment.cuont", "count"),
    ({"postDeployment": {"rebootOptions": {}}}, "postDeployment.rebootOptions", "rebootOption"),
    (
        {"postDeployment": {"rebootOption": {"deferment": {"intervall": 1}}}},
        "postDeployment.rebootOption.deferment.intervall",
        "interval",
    ),
    ({"rebootCountdown": {"unterval": 1}}, "rebootCountdown.unterval", "interval"),
    ({"reattemptFailedPatches": {"noOfReattempt": 1, "exponentialBackoffInterval": 1}},
     "reattemptFailedPatches.noOfReattempt", "noOfReattempts"),
    ({"notification": {**mail(), "notificationEvent": {}}}, "notification.notificationEvent", "notificationEvents"),
    ({"notification": mail(notificationEvents={"onJobStart": True, "onJobCompleted": True})},
     "notification.notificationEvents.onJobCompleted", "onJobComplete"),
    ({"notification": mail(notificationConfigs={"recipientEmails": "a@b.org", "recipientEmail": "b@b.org"})},
     "notification.notificationConfigs.recipientEmail", "recipientEmails"),
    ({"preDeployActions": [{**run_script(), "scriptTyp": "ps"}]}, "preDeployActions[0].scriptTyp", "scriptType"),
    ({"postDeployActions": [run_script(), run_script(params={"tmeout": 1})]},
     "postDeployActions[1].params.tmeout", "timeout"),
    ({"chainedJobRule": [{"field": "postDeployAction", "actionIds": [1], "treshold": 1, "condition": "x"}]},
     "chainedJobRule[0].treshold", "threshold"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "field", "nearest"), UNKNOWN, ids=lambda value: value if isinstance(value, str) else ""
)
def test_unknown_key__at_any_depth__names_the_nearest(
    house: House, sent: dict[str, Any], field: str, nearest: str
) -> None:
    job = house.create(house.windows())
    answers = [
        house.ada.post("deploymentjob", house.windows(**sent)),
        house.ada.patch(f"deploymentjob/{job['id']}", sent),
        house.ada.put(f"deploymentjob/{job['id']}", house.windows(**sent)),
    ]

    for answer in answers:
        assert answer.status_code == 400
        problems = {one["field"]: one for one in answer.json()["errors"]}
        assert field in problems, problems
        assert nearest in problems[field]["message"]
    if "chainedJobRule" not in sent:
        assert answers[0].json()["errorCode"] == "1901"
    assert len(house.ada.get("deploymentjobs").json()) == 1


def test_unknown_parameter__names_the_nearest(house: House) -> None:
    answer = house.ada.get("deploymentjobs?pagesize=3")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "1901")
    assert "pageSize" in answer.json()["message"]


# --- keys that answers carry ------------------------------------------------------------------------------------------


def test_own_keys__of_the_server__are_ignored_where_they_were_answered(house: House) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    own = {
        "id": nobody, "customerId": nobody, "schemaVersion": "9", "patchCount": 9, "taggedAssetCount": 9,
        "applicableAssetCount": 9, "createdBy": {"user": None, "date": 1}, "updatedBy": "x", "deletedBy": None,
        "jobCategory": 9, "jobSource": 9, "readOnly": True, "subCategory": "x", "jobTriggerStatus": "x",
        "completionPercent": 9, "totalAssetCount": 9, "assetResultReceivedCount": 9, "linkedToJob": True,
        "linkedJobs": [nobody], "jobStartCountdown": 9, "passwordAction": {}, "hostIsolationConfig": {},
        "quarantineAssetRequestNotification": {}, "isAssetImported": True, "disabledPatches": [nobody],
        "assetDetectionsQQL": "x", "assetCount": 9, "linkedJobReferenceCount": 9,
    }  # fmt: skip
    plain = house.create(house.windows())

    job = house.create(house.windows() | own)

    assert _same(*(without(one, "id", "createdBy", "startDateTime") for one in (plain, job)))
    assert job["id"] != nobody


def test_own_keys__of_a_summary_row__are_accepted_in_a_job(house: House) -> None:
    job = house.create(house.windows())
    (row,) = house.ada.get("deploymentjobs/summary").json()

    answer = house.ada.patch(f"deploymentjob/{job['id']}", {"linkedJobReferenceCount": row["linkedJobReferenceCount"]})

    assert answer.status_code == 200, answer.json()


@pytest.mark.parametrize("key", ["actionId", "actionType", "actionLinkedToJob", "downloadProtocol"])
def test_own_keys__of_an_action__are_ignored(house: House, key: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    sent = {"actionId": nobody, "actionType": "postdeploy", "actionLinkedToJob": True, "downloadProtocol": 7}

    (action,) = house.create(house.windows(preDeployActions=[install_software() | {key: sent[key]}]))[
        "preDeployActions"
    ]

    assert (action["actionType"], action["actionLinkedToJob"], action["downloadProtocol"]) == ("predeploy", False, 0)
    assert action["actionId"] != nobody


def test_start__of_an_on_demand_job__is_the_moment_of_creation_whatever_is_sent(house: House) -> None:
    before = timezone.now().replace(microsecond=0)

    job = house.create(house.windows(startDateTime="2031-1-1 01:00:00 AM"))

    shown = datetime.strptime(job["startDateTime"], "%Y-%m-%d %I:%M:%S %p").replace(tzinfo=UTC)
    assert before <= shown <= before + timedelta(minutes=5)
