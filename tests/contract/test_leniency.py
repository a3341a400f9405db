"""Lenient in type, strict in meaning: fields of a job in other words, and what clients get for them."""

import json
from typing import Any

import pytest

from tests.contract.house import START, House, without

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


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        "2031-4-5 01:45:48 PM", "2031-04-05 01:45:48 PM", "2031-4-5 1:45:48 PM", "2031-4-5 01:45:48 pm",
        "2031-4-5 13:45:48", "2031-04-05 13:45:48", "2031-04-05T13:45:48", " 2031-4-5 01:45:48 PM ",
    ],
)  # fmt: skip
def test_start__in_any_spelling__is_the_same_time(house: House, sent: str) -> None:
    _means(house, {"scheduleType": "Once", "startDateTime": sent}, {"startDateTime": "2031-4-5 01:45:48 PM"})


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2031-12-25 00:00:00", "2031-12-25 12:00:00 AM"),
        ("2031-12-25 12:00:00", "2031-12-25 12:00:00 PM"),
        ("2031-12-25 12:00:00 AM", "2031-12-25 12:00:00 AM"),
        ("2031-1-1 12:30:00 PM", "2031-1-1 12:30:00 PM"),
        ("2031-01-01T12:30:00", "2031-1-1 12:30:00 PM"),
        ("2031-10-09 23:59:59", "2031-10-9 11:59:59 PM"),
    ],
)
def test_start__around_noon_and_midnight__is_shown_unpadded(house: House, sent: str, shown: str) -> None:
    _means(house, {"scheduleType": "Once", "startDateTime": sent}, {"startDateTime": shown})


# --- one meaning, many types ------------------------------------------------------------------------------------------

MEANINGS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # numbers as text, text as numbers
    ("windows", {"timeout": "6"}, {"timeout": 6}),
    ("windows", {"timeout": 6.0}, {"timeout": 6}),
    ("windows", {"timeout": "90", "timeoutUnit": "MINUTES"}, {"timeout": 90, "timeoutUnit": "MINUTES"}),
    ("windows", {"timeout": -1}, {"timeout": -1, "timeoutUnit": "HOURS"}),
    ("windows", {"timeout": "-1"}, {"timeout": -1, "timeoutUnit": "HOURS"}),
    ("windows", {"timeout": None}, {"timeout": -1, "timeoutUnit": "HOURS"}),
    ("windows", {"timeout": "", "timeoutUnit": ""}, {"timeout": -1, "timeoutUnit": "HOURS"}),
    ("windows", {"name": 2031}, {"name": "2031"}),
    ("windows", {"description": 3}, {"description": "3"}),
    ("windows", {"externalId": 4711}, {"externalId": "4711"}),
    ("windows", {**MONTHLY, "dayOfMonth": "31"}, {"dayOfMonth": 31, "recurring": True}),
    (
        "windows",
        {**MONTHLY, "recurringDayOfMonth": "5", "recurringWeekDayOfMonth": "0"},
        {"recurringDayOfMonth": 5, "recurringWeekDayOfMonth": 0},
    ),
    (
        "windows",
        {**MONTHLY, "monthlyRecurringType": "1", "patchTuesdayPlusXDays": "-27"},
        {"monthlyRecurringType": 1, "patchTuesdayPlusXDays": -27},
    ),
    ("windows", {**MONTHLY, "recurringLastDayOfMonth": "true"}, {"recurringLastDayOfMonth": True}),
    (
        "windows",
        {"downloadRandomizeTime": "30", "downloadRandomizeTimeUnit": "minutes", "timeout": 4},
        {"downloadRandomizeTime": 30, "downloadRandomizeTimeUnit": "MINUTES"},
    ),
    # yes and no
    ("windows", {"minimizeWindow": "true"}, {"minimizeWindow": True}),
    ("windows", {"minimizeWindow": "TRUE"}, {"minimizeWindow": True}),
    ("windows", {"minimizeWindow": "False"}, {"minimizeWindow": False}),
    ("windows", {"minimizeWindow": ""}, {"minimizeWindow": False}),
    ("windows", {"minimizeWindow": None}, {"minimizeWindow": False}),
    ("windows", {"opportunisticDownloads": "True"}, {"opportunisticDownloads": True}),
    ("linux", {"continueOnPatchFailure": "true"}, {"continueOnPatchFailure": True}),
    ("linux", {"minimizeWindow": "false", "opportunisticDownloads": False}, {"minimizeWindow": False}),
    ("windows", {**ONCE, "recurring": "false"}, {"recurring": False}),
    ("windows", {**ONCE, "recurring": ""}, {"recurring": False}),
    ("windows", {**WEEKLY, "recurring": "true"}, {"recurring": True}),
    ("windows", {**WEEKLY, "recurring": None}, {"recurring": True}),
    # not set
    ("windows", {"coAuthorUserIds": ""}, {"coAuthorUserIds": None}),
    ("windows", {"coAuthorUserIds": "null"}, {"coAuthorUserIds": None}),
    ("windows", {"exclusionAssetIds": None}, {"exclusionAssetIds": None}),
    ("windows", {"exclusionAssetIds": []}, {"exclusionAssetIds": []}),
    ("windows", {"description": ""}, {"description": ""}),
    ("windows", {"description": None}, {"description": None}),
    ("windows", {"externalId": "null"}, {"externalId": None}),
    ("windows", {"linkedJobId": "null", "chainedJobRule": ""}, {"linkedJobId": None}),
    ("windows", {"linkedJobId": ""}, {"linkedJobId": None}),
    ("windows", {"notification": "null"}, {"notification": None}),
    ("windows", {"notification": ""}, {"notification": None}),
    ("windows", {"notification": {"notificationTypes": {"email": False}}}, {"notification": None}),
    ("windows", {"customPatchURLId": ""}, {"customPatchURLId": None}),
    ("windows", {"reattemptFailedPatches": "null"}, {"reattemptFailedPatches": None}),
    ("windows", {"timezone": ""}, {"timezone": "UTC"}),
    ("windows", {"timezone": None, "timezoneType": None}, {"timezone": "UTC", "timezoneType": "SPECIFIC_TZ"}),
    # queries
    ("windows", {"isDynamicPatchesQQL": "false", "dynamicQQLType": "0"},
     {"isDynamicPatchesQQL": False, "dynamicQQLType": 0}),
    # enumerations
    ("windows", {"type": "INSTALL"}, {"type": "Install"}),
    ("windows", {"type": "Uninstall"}, {"type": "Rollback"}),
    ("windows", {"type": "un_install"}, {"type": "Rollback"}),
    ("windows", {"type": "rollback"}, {"type": "Rollback"}),
    ("windows", {"platform": "WINDOWS"}, {"platform": "Windows"}),
    ("linux", {"platform": "linux"}, {"platform": "Linux"}),
    ("windows", {"status": "disabled"}, {"status": "Disabled"}),
    ("windows", {"filterType": "ALL", "exclusionFilterType": "any"},
     {"filterType": "All", "exclusionFilterType": "Any"}),
    ("windows", {"scheduleType": "ON_DEMAND"}, {"scheduleType": "On-demand"}),
    ("windows", {"scheduleType": "ondemand"}, {"scheduleType": "On-demand"}),
    ("windows", {**ONCE, "timezoneType": "agent-tz"}, {"timezoneType": "AGENT_TZ"}),
    ("windows", {**ONCE, "timezoneType": "specifictz", "timezone": "europe/berlin"},
     {"timezoneType": "SPECIFIC_TZ", "timezone": "Europe/Berlin"}),
    ("windows", {"timeout": 5, "timeoutUnit": "Hours"}, {"timeoutUnit": "HOURS"}),
    ("windows", {"historyStrategy": "full", "missedRunPolicy": "run_within"},
     {"historyStrategy": "FULL", "missedRunPolicy": "RunWithin"}),
    # Interval
    ("windows", {"scheduleType": "interval", "startDateTime": START, "recurrenceInterval": "PT5M"},
     {"scheduleType": "Interval", "recurrenceInterval": "PT5M", "recurring": True}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("platform", "sent", "answered"), MEANINGS, ids=lambda value: None if isinstance(value, str) else str(value)[:60]
)
def test_field__in_other_words__means_the_same(
    house: House, platform: str, sent: dict[str, Any], answered: dict[str, Any]
) -> None:
    if "externalId" in sent and sent["externalId"] != "null":
        assert _same(house.create(getattr(house, platform)() | sent)["externalId"], answered["externalId"])
        return
    _means(house, sent, answered, platform)


# --- queries, which stand in place of patches -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"dynamicPatchesQQL": "title:win"}, 1),
        ({"isDynamicPatchesQQL": "true", "dynamicPatchesQQL": "title:win"}, 1),
        ({"isDynamicPatchesQQL": True, "dynamicQQLType": "1", "dynamicPatchesQQL": "title:win"}, 1),
        ({"isDynamicPatchesQQL": True, "dynamicQQLType": 1}, 1),
    ],
)
def test_query__however_it_is_told__chooses_the_patches(house: House, sent: dict[str, Any], kind: int) -> None:
    job = house.create(without(house.windows(), "approvedPatches") | sent)

    assert (job["isDynamicPatchesQQL"], job["dynamicQQLType"]) == (True, kind)
    assert job["dynamicPatchesQQL"] == sent.get("dynamicPatchesQQL")


# --- ids --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tagIds", "assetTagIds"])
@pytest.mark.parametrize("written", ["list", "comma text", "comma text with blanks", "one text"])
def test_tags__by_both_names_and_as_text__are_the_hosts_tags(house: House, name: str, written: str) -> None:
    tags = [house.ids["tag tills"], house.ids["tag tills-to-spare"]]
    sent: Any = {
        "list": tags,
        "comma text": ",".join(tags),
        "comma text with blanks": " , ".join(tags),
        "one text": tags[0],
    }[written]

    expected = tags[:1] if written == "one text" else tags
    _means(house, {name: sent}, {"assetTagIds": expected})
    assert "tagIds" not in house.create(house.windows(**{name: sent}))


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("approvedPatches", ["patch win-2", "patch win-1"]),
        ("assetIds", ["asset till-3", "asset till-1"]),
        ("exclusionAssetIds", ["asset till-3", "asset till-1"]),
        ("exclusionTagIds", ["tag tills", "tag tills-to-spare"]),
        ("matchAllTagIds", ["tag tills-to-spare", "tag tills"]),
        ("coAuthorUserIds", ["user grace"]),
    ],
)
def test_id_list__as_comma_text__is_the_list_in_that_order(house: House, name: str, of: list[str]) -> None:
    ids = [house.ids[one] for one in of]

    _means(house, {name: ",".join(ids)}, {name: ids})
    _means(house, {name: [one.upper() for one in ids]}, {name: ids})
