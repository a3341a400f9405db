"""What a body may not say: fields that need or exclude each other, and ids that nobody knows."""

import json
import uuid
from typing import Any

import pytest

from tests import factories
from tests.contract.house import (
    DAILY,
    INTERVAL,
    MONTHLY,
    ONCE,
    QUERY,
    WEEKLY,
    House,
    change_registry_key,
    install_software,
    less,
    mail,
    reboot,
    run_script,
    uninstall_software,
    without,
)
from tests.contract.refusals import Body, error_code, fields_of, problems, refused

# --- what is required -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lacking", [None, "", "null"])
@pytest.mark.parametrize("field", ["name", "type", "scheduleType"])
def test_required__not_there__is_named(house: House, field: str, lacking: Any) -> None:
    refused(house, house.windows(**{field: lacking}), {field}, "1903")


def test_required__empty_body__names_each(house: House) -> None:
    refused(house, {}, {"name", "type", "scheduleType"}, "1903")


@pytest.mark.parametrize("schedule", [ONCE, DAILY, WEEKLY, {**MONTHLY, "dayOfMonth": 1}, INTERVAL])
def test_required__start_of_a_schedule__is_named(house: House, schedule: Body) -> None:
    refused(house, house.windows(**without(schedule, "startDateTime")), {"startDateTime"}, "1903")


# --- platforms --------------------------------------------------------------------------------------------------------

WINDOWS_ONLY: list[tuple[Body, str]] = [
    ({"minimizeWindow": True}, "minimizeWindow"),
    ({"opportunisticDownloads": True}, "opportunisticDownloads"),
    (
        {"postDeployment": {"onComplete": {"alwaysShowCompletedPrompt": True}}},
        "postDeployment.onComplete.alwaysShowCompletedPrompt",
    ),
    ({"preDeployActions": [change_registry_key()]}, "preDeployActions[0].action"),
    ({"postDeployActions": [change_registry_key()]}, "postDeployActions[0].action"),
    ({"preDeployActions": [uninstall_software()]}, "preDeployActions[0].action"),
    ({"postDeployActions": [run_script("sh"), uninstall_software()]}, "postDeployActions[1].action"),
    ({"preDeployActions": [run_script("ps")]}, "preDeployActions[0].scriptType"),
]
LINUX_ONLY: list[tuple[Body, str]] = [
    ({"continueOnPatchFailure": True}, "continueOnPatchFailure"),
    ({"preDeployActions": [run_script("sh")]}, "preDeployActions[0].scriptType"),
]


@pytest.mark.parametrize(("change", "field"), WINDOWS_ONLY, ids=[row[1] for row in WINDOWS_ONLY])
def test_platform__what_windows_alone_has__is_refused_for_linux(house: House, change: Body, field: str) -> None:
    assert set(problems(house, house.linux(**change))) == {field}
    windows = house.windows(**change)
    if "sh" not in json.dumps(change):
        assert house.ada.post("deploymentjob/validate", windows).json()["valid"] is True


@pytest.mark.parametrize(("change", "field"), LINUX_ONLY, ids=[row[1] for row in LINUX_ONLY])
def test_platform__what_linux_alone_has__is_refused_for_windows(house: House, change: Body, field: str) -> None:
    assert set(problems(house, house.windows(**change))) == {field}
    assert house.ada.post("deploymentjob/validate", house.linux(**change)).json()["valid"] is True


def test_platform__completion_prompt_at_the_top__is_refused_for_linux(house: House) -> None:
    (field,) = problems(house, house.linux(alwaysShowCompletedPrompt=True))

    assert field.endswith("alwaysShowCompletedPrompt")


@pytest.mark.parametrize("stage", ["preDeployActions", "postDeployActions"])
def test_platform__make_cache__is_for_linux_before_the_patches(house: House, stage: str) -> None:
    action = {"action": "Run Script", "params": {"actionItem": "cache", "defaultScriptType": "MakeCache"}, "script": ""}

    valid = {
        name: house.ada.post("deploymentjob/validate", body).json()["valid"]
        for name, body in {
            "Linux": house.linux(**{stage: [action]}),
            "Windows": house.windows(**{stage: [action]}),
        }.items()
    }

    assert valid == {"Linux": stage == "preDeployActions", "Windows": False}


@pytest.mark.parametrize("default", [False, None, "false", ""])
def test_platform__field_of_the_other_at_its_default__is_accepted(house: House, default: Any) -> None:
    linux = {"minimizeWindow": default, "opportunisticDownloads": default, "alwaysShowCompletedPrompt": default}

    for body in (house.linux(**linux), house.windows(continueOnPatchFailure=default)):
        assert house.ada.post("deploymentjob", body).status_code == 201


# --- where the patches come from --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        {"isDynamicPatchesQQL": True, "dynamicQQLType": 1, "dynamicPatchesQQL": "title:win"},
        {"dynamicPatchesQQL": "title:win"},
        {"isDynamicPatchesQQL": True, "dynamicQQLType": 2, "dynamicPatchesQQL": "severity:5"},
    ],
)
def test_patches__listed_and_queried__exclude_each_other(house: House, query: Body) -> None:
    body = house.windows(**query)

    assert set(problems(house, body)) & {"approvedPatches", "dynamicPatchesQQL", "isDynamicPatchesQQL"}
    assert error_code(house, body) == "1907"


def test_patches__of_a_parent_and_ones_own__exclude_each_other(house: House) -> None:
    parent = house.create(house.windows(name="parent", postDeployActions=[run_script()]))
    own = house.windows(linkedJobId=parent["id"])
    queried = without(own, "approvedPatches") | {"dynamicPatchesQQL": "title:win"}

    for body in (own, queried):
        answer = house.ada.post("deploymentjob", body)
        fields = {one["field"] for one in answer.json()["errors"]}
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "1907")
        assert fields & {"approvedPatches", "linkedJobId", "dynamicPatchesQQL", "isDynamicPatchesQQL"}


@pytest.mark.parametrize("query", [QUERY, {**QUERY, "dynamicQQLType": 2, "dynamicPatchesQQL": "severity:5"}])
def test_patches__queried__not_for_rollback(house: House, query: Body) -> None:
    found = problems(house, house.windows(**query, type="Rollback"))

    assert set(found) & {"isDynamicPatchesQQL", "dynamicPatchesQQL", "dynamicQQLType", "type"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"dynamicPatchesQQL": "nonsense:1"}, "dynamicPatchesQQL"),
        ({"dynamicPatchesQQL": "title:win and ("}, "dynamicPatchesQQL"),
        ({"dynamicPatchesQQL": "missingCount:x"}, "dynamicPatchesQQL"),
        ({"dynamicQQLType": 2, "dynamicPatchesQQL": "nonsense:1"}, "dynamicPatchesQQL"),
        ({"additionalDynamicQQLType": 1, "additionalDynamicPatchesQQL": "nonsense:1"}, "additionalDynamicPatchesQQL"),
    ],
)
def test_patches__query_with_a_mistake__is_refused_with_its_place(house: House, query: Body, field: str) -> None:
    answer = house.ada.post("deploymentjob", without(house.windows(**QUERY), "approvedPatches") | query)

    assert answer.status_code == 400
    (problem,) = answer.json()["errors"]
    assert problem["field"] == field
    assert any(letter.isdigit() for letter in problem["message"]), problem["message"]


@pytest.mark.parametrize(
    "sent",
    [
        {"isDynamicPatchesQQL": False, "dynamicQQLType": 1, "dynamicPatchesQQL": "title:win"},
        {"isDynamicPatchesQQL": True, "dynamicQQLType": 0, "dynamicPatchesQQL": "title:win"},
    ],
)
def test_patches__query_and_no_query__contradict(house: House, sent: Body) -> None:
    body = without(house.windows(), "approvedPatches") | sent

    assert set(problems(house, body)) & {"isDynamicPatchesQQL", "dynamicQQLType", "dynamicPatchesQQL"}
    assert error_code(house, body) == "1907"


# --- notification -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notification", "field"),
    [
        (mail(notificationEvents={"onJobStart": False, "onJobComplete": False}), "notification.notificationEvents"),
        (mail(notificationEvents={}), "notification.notificationEvents"),
        (without(mail(), "notificationEvents"), "notification.notificationEvents"),
        (without(mail(), "notificationConfigs"), "notification.notificationConfigs.recipientEmails"),
        (mail(notificationConfigs={"recipientEmails": ""}), "notification.notificationConfigs.recipientEmails"),
        (mail(notificationConfigs={"recipientEmails": "nobody"}), "notification.notificationConfigs.recipientEmails"),
        (
            mail(notificationConfigs={"recipientEmails": "a@example.com,nobody"}),
            "notification.notificationConfigs.recipientEmails",
        ),
        (
            mail(notificationConfigs={"recipientEmails": ["a@example.com\nBcc: b@example.com"]}),
            "notification.notificationConfigs.recipientEmails",
        ),
        ("yes", "notification"),
        (7, "notification"),
    ],
)
def test_notification__that_would_tell_nobody_or_nothing__is_refused(
    house: House, notification: Any, field: str
) -> None:
    fields = problems(house, house.windows(notification=notification))

    # A problem in a list may be named by its place there.
    assert any(one == field or one.startswith((f"{field}.", f"{field}[")) for one in fields), fields


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        "approvedPatches",
        "assetIds",
        "assetTagIds",
        "matchAllTagIds",
        "exclusionAssetIds",
        "exclusionTagIds",
        "coAuthorUserIds",
    ],
)
def test_ids__foreign_and_unknown__get_the_same_answer(house: House, field: str) -> None:
    stranger = factories.stranger()
    foreign = {
        "approvedPatches": lambda: factories.patch(stranger.customer),
        "coAuthorUserIds": lambda: stranger.user,
        "assetIds": lambda: factories.asset(stranger.customer),
        "exclusionAssetIds": lambda: factories.asset(stranger.customer),
    }.get(field, lambda: factories.tag(stranger.customer, "theirs"))
    own = {
        "approvedPatches": "patch win-1", "assetIds": "asset till-1", "exclusionAssetIds": "asset till-1",
        "coAuthorUserIds": "user grace",
    }.get(field, "tag tills")  # fmt: skip
    pair = [str(foreign().public_id), str(uuid.uuid4())]

    answers = [house.ada.post("deploymentjob", house.windows(**{field: [house.ids[own], one]})) for one in pair]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert [one["field"] for one in answers[0].json()["errors"]] == [f"{field}[1]"]
    told = [
        without(answer.json(), "requestId") | {"errors": json.dumps(answer.json()["errors"]).replace(one, "it")}
        for answer, one in zip(answers, pair, strict=True)
    ]
    assert told[0]["errors"] == told[1]["errors"]
    assert told[0]["errorCode"] == told[1]["errorCode"]


def test_patches__of_the_other_platform__are_refused(house: House) -> None:
    body = house.windows(approvedPatches=[house.ids["patch win-1"], house.ids["patch lin-1"]])

    assert set(problems(house, body)) == {"approvedPatches[1]"}


def test_co_authors__that_left_or_never_were__are_refused(house: House) -> None:
    assert set(problems(house, house.windows(coAuthorUserIds=[str(uuid.uuid4()), "ada"]))) == {
        "coAuthorUserIds[0]",
        "coAuthorUserIds[1]",
    }


def test_external_id__of_another_live_job__conflicts(house: House) -> None:
    first = house.create(house.windows(externalId="mine"))

    answer = house.ada.post("deploymentjob", house.windows(externalId="mine"))
    house.ada.delete("deploymentjob/mine")
    afterwards = house.ada.post("deploymentjob", house.windows(externalId="mine"))

    assert answer.status_code in {400, 409}
    assert [one["field"] for one in answer.json()["errors"]] == ["externalId"]
    assert afterwards.status_code == 201
    assert afterwards.json()["id"] != first["id"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"approvedPatches": None}, {"approvedPatches"}),
        ({"approvedPatches": []}, {"approvedPatches"}),
        ({"assetIds": None}, {"assetIds"}),
        ({"assetIds": [], "assetTagIds": []}, {"assetIds"}),
        ({"assetIds": None, "approvedPatches": None}, {"approvedPatches", "assetIds"}),
    ],
)
def test_enabled__without_work_or_hosts__names_what_lacks(house: House, change: Body, fields: set[str]) -> None:
    assert set(problems(house, house.windows(status="Enabled", **change))) == fields


@pytest.mark.parametrize(
    "change",
    [
        {"approvedPatches": None, "preDeployActions": [run_script()]},
        {"approvedPatches": None, "postDeployActions": [run_script()]},
        QUERY,
    ],
)
def test_enabled__with_an_action_or_a_query__has_work(house: House, change: Body) -> None:
    assert house.create(house.windows(status="Enabled", **ONCE, **change))["status"] == "Enabled"


def test_enabled__with_a_tag__has_hosts(house: House) -> None:
    body = house.windows(status="Enabled", **ONCE, assetIds=None, tagIds=[house.ids["tag tills"]])

    assert house.create(body)["status"] == "Enabled"


# --- all at once ------------------------------------------------------------------------------------------------------


def test_problems__many_in_one_body__are_told_at_once(house: House) -> None:
    body = {
        "type": "Instal",
        "scheduleType": "Monthly",
        "dayOfMonth": 32,
        "platfrom": "Windows",
        "timeout": 0,
        "assetIds": ["nobody"],
        "coAuthorUserIds": [str(uuid.uuid4())],
        "preDeployActions": [run_script(), install_software(downloadURL="ftp://x", installMethod=7)],
        "postDeployActions": [less(run_script(), "actionItem"), reboot()],
        "notification": mail(notificationEvents={}),
        "preDeployment": {"deferment": {"count": "x"}},
    }

    fields = problems(house, body)

    assert set(fields) >= {
        "name",
        "type",
        "startDateTime",
        "dayOfMonth",
        "platfrom",
        "timeout",
        "assetIds[0]",
        "coAuthorUserIds[0]",
        "preDeployActions[1].params.downloadURL",
        "preDeployActions[1].params.installMethod",
        "postDeployActions[0].params.actionItem",
        "postDeployActions[1].action",
        "notification.notificationEvents",
        "preDeployment.deferment.count",
    }


def test_problems__of_validate_and_create__are_the_same(house: House) -> None:
    body = house.windows(name="", timeout=0, assetIdz=[], preDeployActions=[{}], **MONTHLY)

    found = house.ada.post("deploymentjob/validate", body)

    assert (found.status_code, found.json()["valid"], found.json()["job"]) == (200, False, None)
    assert found.json().keys() == {"valid", "errors", "warnings", "job"}
    assert found.json()["errors"] == house.ada.post("deploymentjob", body).json()["errors"]


def test_problems__of_a_change__leave_the_job_as_it_was(house: House) -> None:
    job = house.create(house.windows())

    for answer in (
        house.ada.patch(f"deploymentjob/{job['id']}", {"name": "new", "timeout": 0}),
        house.ada.put(f"deploymentjob/{job['id']}", house.windows(name="new", timeout=0)),
    ):
        assert fields_of(answer) == {"timeout"}
    assert house.ada.get(f"deploymentjob/{job['id']}").json() == job
