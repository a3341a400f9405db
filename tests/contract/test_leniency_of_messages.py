"""Messages, notifications and actions in other words, and what they mean."""

import json
from typing import Any

import pytest

from tests.contract.house import START, House, install_software, mail, run_script

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


# --- messages ---------------------------------------------------------------------------------------------------------


def _post(**changes: Any) -> dict[str, Any]:
    """The whole post-deployment shape with some parts changed."""
    return POST_DEPLOYMENT | {
        key: {**POST_DEPLOYMENT[key], **value} if isinstance(value, dict) else value for key, value in changes.items()
    }


BOTH = {"userMessage": "Hello", "description": "Hello"}
MESSAGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"preDeployment": "Hello"}, {"preDeployment": {**BOTH, "deferment": DEFERMENT}}),
    ({"preDeployment": None}, {"preDeployment": {**MESSAGE, "deferment": DEFERMENT}}),
    ({"preDeployment": ""}, {"preDeployment": {**MESSAGE, "deferment": DEFERMENT}}),
    ({"preDeployment": "null"}, {"preDeployment": {**MESSAGE, "deferment": DEFERMENT}}),
    ({"preDeployment": {}}, {"preDeployment": {**MESSAGE, "deferment": DEFERMENT}}),
    (
        {
            "preDeployment": {
                "userMessage": "Hello",
                "deferment": {"count": "2", "interval": "30", "intervalUnit": "minutes"},
            }
        },
        {
            "preDeployment": {
                "userMessage": "Hello",
                "description": "",
                "deferment": {"count": 2, "interval": 30, "intervalUnit": "MINUTES"},
            }
        },
    ),
    ({"duringDeployment": "Hello"}, {"duringDeployment": BOTH}),
    ({"duringDeployment": None}, {"duringDeployment": MESSAGE}),
    ({"duringDeployment": {"userMessage": "Hello"}}, {"duringDeployment": {"userMessage": "Hello", "description": ""}}),
    ({"postDeployment": "Hello"}, {"postDeployment": _post(onComplete=BOTH)}),
    ({"postDeployment": None}, {"postDeployment": POST_DEPLOYMENT}),
    ({"postDeployment": {}}, {"postDeployment": POST_DEPLOYMENT}),
    ({"postDeployment": {"rebootOption": "Hello"}}, {"postDeployment": _post(rebootOption=BOTH)}),
    ({"postDeployment": {"onComplete": "Hello"}}, {"postDeployment": _post(onComplete=BOTH)}),
    ({"postDeployment": {"rebootCountdown": "Hello"}}, {"postDeployment": _post(rebootCountdown=BOTH)}),
    ({"postDeployment": {"suppressReboots": "true"}}, {"postDeployment": _post(suppressReboots=True)}),
    # at the top of the body, and merged
    ({"suppressReboots": "true"}, {"postDeployment": _post(suppressReboots=True)}),
    ({"rebootHonorOnUserLogin": True}, {"postDeployment": _post(rebootHonorOnUserLogin=True)}),
    ({"rebootOption": "Hello"}, {"postDeployment": _post(rebootOption=BOTH)}),
    ({"rebootOption": {"userMessage": "Hello", "deferment": {"count": "1"}}},
     {"postDeployment": _post(rebootOption={"userMessage": "Hello", "deferment": {**DEFERMENT, "count": 1}})}),
    ({"rebootCountdown": {"interval": "20", "intervalUnit": "minutes"}},
     {"postDeployment": _post(rebootCountdown={"interval": 20})}),
    ({"rebootCountdown": "Hello"}, {"postDeployment": _post(rebootCountdown=BOTH)}),
    ({"onComplete": "Hello"}, {"postDeployment": _post(onComplete=BOTH)}),
    ({"onComplete": {"userMessage": "Hello", "alwaysShowCompletedPrompt": "true"}},
     {"postDeployment": _post(onComplete={"userMessage": "Hello", "alwaysShowCompletedPrompt": True})}),
    ({"alwaysShowCompletedPrompt": True, "onComplete": "Hello"},
     {"postDeployment": _post(onComplete={**BOTH, "alwaysShowCompletedPrompt": True})}),
    ({"postDeployment": {"suppressReboots": True}, "rebootOption": "Hello"},
     {"postDeployment": _post(suppressReboots=True, rebootOption=BOTH)}),
    ({"postDeployment": "Hello", "suppressReboots": "true"},
     {"postDeployment": _post(onComplete=BOTH, suppressReboots=True)}),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "answered"), MESSAGES, ids=lambda value: str(value)[:60])
def test_message__in_any_place_and_form__is_answered_whole(
    house: House, sent: dict[str, Any], answered: dict[str, Any]
) -> None:
    _means(house, sent, answered)


def test_message__top_level_field__is_not_answered_there(house: House) -> None:
    job = house.create(house.windows(rebootOption="Hello", suppressReboots=True, onComplete="Bye"))

    top = {"suppressReboots", "rebootOption", "rebootCountdown", "onComplete", "rebootHonorOnUserLogin"}
    assert not job.keys() & (top | {"alwaysShowCompletedPrompt", "tagIds", "noOfReattempts"})


@pytest.mark.parametrize(
    "sent",
    [
        {
            "enableReattemptFailedPatches": True,
            "reattemptFailedPatches": {"noOfReattempts": "3", "exponentialBackoffInterval": "2"},
        },
        {"reattemptFailedPatches": True, "noOfReattempts": 3, "exponentialBackoffInterval": "2"},
        {"reattemptFailedPatches": "true", "noOfReattempts": "3", "exponentialBackoffInterval": 2},
    ],
    ids=["an object", "true and two numbers", "text"],
)
def test_reattempts__in_both_forms__are_answered_as_an_object(house: House, sent: dict[str, Any]) -> None:
    _means(
        house,
        {"timeout": 10} | sent,
        {
            "enableReattemptFailedPatches": True,
            "reattemptFailedPatches": {"noOfReattempts": 3, "exponentialBackoffInterval": 2},
        },
    )


# --- notification -----------------------------------------------------------------------------------------------------


def test_notification__in_other_types__is_answered_in_its_own(house: House) -> None:
    sent = {
        "notificationTypes": {"email": "true"},
        "notificationConfigs": {"recipientEmails": ["a@example.com", "b@example.com"], "completedPercentage": "70"},
        "notificationEvents": {"onJobStart": "false", "onJobComplete": "TRUE"},
    }

    job = house.create(house.windows(notification=sent))

    shown = job["notification"]
    assert _same(shown["notificationEvents"], {"onJobStart": False, "onJobComplete": True})
    assert shown["notificationTypes"]["email"] is True
    assert shown["notificationConfigs"]["completedPercentage"] == "70"
    assert shown["notificationConfigs"]["recipientEmails"] in (
        "a@example.com,b@example.com",
        sent["notificationConfigs"]["recipientEmails"],
    )


def test_notification__percentage_as_a_number__comes_back_as_text(house: House) -> None:
    configs = {"recipientEmails": "a@example.com, b@example.com", "completedPercentage": 70}

    job = house.create(house.windows(notification=mail(notificationConfigs=configs)))

    assert job["notification"]["notificationConfigs"]["completedPercentage"] == "70"


# --- actions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        {"action": "Run Script", "params": {"actionItem": "say hello"}},
        {"action": "run script", "params": {"actionItem": "say hello"}},
        {"action": "RUN_SCRIPT", "params": {"actionItem": "say hello"}},
        {"action": "Run-Script", "actionItem": "say hello"},
        {"action": "RunScript", "actionItem": "say hello", "params": {"timeout": "180"}},
        {"action": "Run Script", "params": {"actionItem": "say hello", "timeout": ""}},
        {"action": "Run Script", "params": {"actionItem": "say hello", "timeout": None}},
    ],
)
def test_action__in_other_words__means_the_same(house: House, written: dict[str, Any]) -> None:
    sent = run_script("PS") | {"params": {}} | written

    (action,) = house.create(house.windows(preDeployActions=[sent]))["preDeployActions"]

    assert (action["action"], action["scriptType"]) == ("Run Script", "ps")
    assert _same(action["params"], {"actionItem": "say hello", "timeout": 180})


def test_action__numbers_as_text__are_numbers(house: House) -> None:
    sent = install_software(installMethod="1", timeout="60")

    (action,) = house.create(house.windows(postDeployActions=[sent]))["postDeployActions"]

    assert _same([action["params"][key] for key in ("installMethod", "timeout")], [1, 60])


def test_action__make_cache_beside_the_action__is_the_built_in_script(house: House) -> None:
    sent = {"action": "Run Script", "actionItem": "cache", "defaultScriptType": "makecache", "script": ""}

    (action,) = house.create(house.linux(preDeployActions=[sent]))["preDeployActions"]

    assert (action["script"], action["params"]["actionItem"]) == ("default/MakeCache/makecache", "cache")
