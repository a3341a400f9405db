"""Summary rows: exactly the keys that are promised, in their types, for each of the example jobs."""

from typing import Any

import pytest

from tests.contract.documents import differences, example, filled
from tests.contract.house import House, run_script, without

KEYS = {
    "id", "name", "coAuthorUserIds", "subCategory", "dynamicQQLType", "matchAllTags", "type", "recurringWeekDays",
    "totalAssetCount", "isDynamicPatchesQQL", "assetCount", "customPatchUrlConfigured", "linkedJobReferenceCount",
    "created", "triggerStatus", "recurringDayOfMonth", "jobSource", "readOnly", "tags", "exclusionAssetIds",
    "scheduleType", "dayOfMonth", "disabledPatches", "filterType", "updated", "additionalQQLS", "status", "timezone",
    "exclusionFilterType", "nextScheduleDateTime", "platform", "mitigationActionCount", "isPriorityJob", "customerId",
    "exclusionTags", "taggedAssetCount", "patchCount", "applicableAssetCount", "patchTuesdayPlusXDays", "schemaVersion",
    "recurringLastDayOfMonth", "recurringWeekDayOfMonth", "isRecurring", "lastScheduleDateTime", "dynamicPatchesQQL",
    "startDateTime", "timezoneType", "deleted", "monthlyRecurringType", "completionPercent", "category", "linkedJobId",
    "assetResultReceivedCount", "isVulnContext", "isAssetImported", "remediationQids",
}  # fmt: skip
# What a row says in the words of the whole job.
SAME = [
    "id", "name", "subCategory", "dynamicQQLType", "type", "recurringWeekDays", "isDynamicPatchesQQL",
    "recurringDayOfMonth", "jobSource", "readOnly", "scheduleType", "dayOfMonth", "disabledPatches",
    "filterType", "status", "timezone", "exclusionFilterType", "platform", "customerId", "patchCount",
    "patchTuesdayPlusXDays", "schemaVersion", "recurringLastDayOfMonth", "recurringWeekDayOfMonth", "dynamicPatchesQQL",
    "startDateTime", "timezoneType", "monthlyRecurringType", "linkedJobId", "isAssetImported", "remediationQids",
]  # fmt: skip
EXAMPLES = [
    "windows_install_now",
    "windows_patch_tuesday",
    "windows_uninstall",
    "linux_install_make_cache",
    "linux_rollback",
]


def _rows(house: House, asked: str = "") -> list[dict[str, Any]]:
    answer = house.ada.get(f"deploymentjobs/summary{asked}")
    assert answer.status_code == 200, answer.json()
    rows: list[dict[str, Any]] = answer.json()
    return rows


@pytest.mark.parametrize("name", EXAMPLES)
def test_row__of_an_example__has_these_keys_and_the_jobs_values(house: House, name: str) -> None:
    job = house.create(filled(example(name)[0], house.ids))

    (row,) = _rows(house)

    assert row.keys() == KEYS
    assert differences({key: job[key] for key in SAME}, {key: row[key] for key in SAME}) == []
    # Whether a list that was not sent is null or empty here, nothing promises.
    for key in ("coAuthorUserIds", "exclusionAssetIds"):
        assert (row[key] or []) == (job[key] or [])
    author = job["createdBy"]["user"]
    assert differences({"user": without(author, "fullName"), "date": job["createdBy"]["date"]}, row["created"]) == []
    assert (row["updated"], row["isRecurring"]) == (None, job["recurring"])


def test_row__of_a_changed_job__says_who_and_when(house: House) -> None:
    job = house.made()
    house.ada.patch(f"deploymentjob/{job['id']}", {"name": "other"})

    (row,) = _rows(house)

    expected = {"user": without(job["createdBy"]["user"], "fullName"), "date": "<now ms>"}
    assert differences(expected, row["updated"]) == []


def test_row__tags_and_links__are_told_by_name_and_number(house: House) -> None:
    parent = house.create(
        house.windows(tagIds=[house.ids["tag tills"]], exclusionTagIds=[house.ids["tag tills-to-spare"]])
    )
    house.create(without(house.windows(), "approvedPatches") | {"linkedJobId": parent["id"]})

    (row,) = (one for one in _rows(house) if one["id"] == parent["id"])

    assert row["tags"] == [{"id": house.ids["tag tills"], "name": "tills"}]
    assert row["exclusionTags"] == [house.ids["tag tills-to-spare"]]
    assert row["linkedJobReferenceCount"] == 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_row__next_and_last_start__are_milliseconds_or_null(house: House, name: str) -> None:
    house.create(filled(example(name)[0], house.ids))

    (row,) = _rows(house)

    assert {type(row["nextScheduleDateTime"]), type(row["lastScheduleDateTime"])} <= {int, type(None)}


def test_rows__by_the_parameters_of_the_list__are_the_same_jobs(house: House) -> None:
    for name in ("alpha", "beta", "gamma"):
        house.made(name=name, preDeployActions=[run_script("sh")])

    for asked in ("?name=a&pageSize=2", "?query=name:beta", "?sort=name&pageSize=1&pageNumber=1", "?status=Disabled"):
        listed = house.ada.get(f"deploymentjobs{asked}").json()

        assert [row["id"] for row in _rows(house, asked)] == [job["id"] for job in listed] != []
