"""Six whole jobs, from what is sent to what is answered; each is sent back, changed, and switched on and off."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.contract.documents import differences, example, filled, learn
from tests.contract.house import House, change_registry_key, without

NAMES = [
    "windows_install_now",
    "windows_patch_tuesday",
    "windows_uninstall",
    "linux_install_make_cache",
    "linux_rollback",
    "windows_child",
]
RUN_ONCE = ["windows_install_now", "windows_uninstall"]
RECURRING = ["windows_patch_tuesday", "linux_install_make_cache", "linux_rollback"]
OURS = [
    "externalId", "recurrenceInterval", "doNotRunUntil", "missedRunPolicy", "missedRunWithin", "historyStrategy",
    "retentionPeriod", "rollout", "calendarIds", "requiresApproval",
]  # fmt: skip
CANNOT = "Non-recurring jobs cannot be disabled once enabled by user"

# What one changed field changes: body of the PATCH → the keys of the whole answer that differ, and how.
CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"name": "another name"}, {"name": "another name"}),
    ({"description": "changed"}, {"description": "changed"}),
    ({"description": None}, {"description": None}),
    ({"externalId": "changed"}, {"externalId": "changed"}),
    ({"filterType": "all"}, {"filterType": "All"}),
    ({"exclusionAssetIds": []}, {"exclusionAssetIds": []}),
    ({"timeout": "45", "timeoutUnit": "minutes"}, {"timeout": 45, "timeoutUnit": "MINUTES"}),
    ({"postDeployActions": []}, {"postDeployActions": []}),
]


def _created(house: House, name: str) -> dict[str, Any]:
    """The job of an example. A child's parent is made first."""
    if name == "windows_child":
        _created(house, "windows_install_now")
    sent, answered = example(name)
    job = house.create(filled(sent, house.ids))
    learn(answered, job, house.ids)
    return job


def _unchanged(before: dict[str, Any], after: dict[str, Any], *but: str) -> list[str]:
    """How two answers differ, whoever changed it last aside."""
    return differences(without(before, "updatedBy", *but), without(after, "updatedBy", *but))


@pytest.mark.parametrize("name", NAMES)
def test_create__example__answers_exactly_this(house: House, name: str) -> None:
    job = _created(house, name)

    _, answered = example(name)
    assert differences(filled(answered, house.ids), job) == []
    assert list(job)[-len(OURS) :] == OURS


@pytest.mark.parametrize("name", NAMES)
def test_read__example__is_what_was_answered(house: House, name: str) -> None:
    job = _created(house, name)

    by_id = house.ada.get(f"deploymentjob/{job['id']}")
    by_name = house.ada.get(f"deploymentjob/byname/{job['name']}")
    (listed,) = (row for row in house.ada.get("deploymentjobs").json() if row["id"] == job["id"])

    assert [differences(job, read) for read in (by_id.json(), by_name.json(), listed)] == [[], [], []]
    assert by_id.headers["ETag"]


@pytest.mark.parametrize("name", NAMES)
def test_validate__example__shows_the_job_as_create_stores_it(house: House, name: str) -> None:
    if name == "windows_child":
        _created(house, "windows_install_now")
    sent, answered = example(name)

    found = house.ada.post("deploymentjob/validate", filled(sent, house.ids)).json()

    assert (found["valid"], found["errors"]) == (True, [])
    names_of_actions = ("preDeployActions", "postDeployActions")
    servers = ("id", "createdBy", *names_of_actions)
    expected = filled(answered, house.ids)
    assert differences(without(expected, *servers), without(found["job"], *servers)) == []
    for stage in names_of_actions:
        kinds = [action["action"] for action in expected[stage] or []]
        assert [action["action"] for action in found["job"][stage] or []] == kinds
    assert len(house.ada.get("deploymentjobs").json()) == (1 if name == "windows_child" else 0)


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("name", NAMES)
def test_change__whole_answer_sent_back__changes_nothing(house: House, name: str, method: str) -> None:
    job = _created(house, name)
    path = f"deploymentjob/{job['id']}"

    answer = getattr(house.ada, method)(path, house.ada.get(path).json())

    assert answer.status_code == 200, answer.json()
    assert _unchanged(job, answer.json()) == []
    assert differences({"user": job["createdBy"]["user"], "date": "<now ms>"}, answer.json()["updatedBy"]) == []
    assert differences(answer.json(), house.ada.get(path).json()) == []


@pytest.mark.parametrize("name", NAMES)
def test_change__read_edited_written__has_the_edit_alone(house: House, name: str) -> None:
    job = _created(house, name)
    path = f"deploymentjob/{job['id']}"

    answer = house.ada.put(path, house.ada.get(path).json() | {"description": "edited", "timeout": "7"})

    assert answer.status_code == 200, answer.json()
    assert _unchanged(job | {"description": "edited", "timeout": 7}, answer.json()) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change[0])))
@pytest.mark.parametrize("name", NAMES)
def test_change__one_field__changes_that_field_alone(
    house: House, name: str, change: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    job = _created(house, name)

    answer = house.ada.patch(f"deploymentjob/update/{job['id']}", change[0])

    assert answer.status_code == 200, answer.json()
    assert _unchanged(job | change[1], answer.json()) == []


@pytest.mark.parametrize("name", NAMES)
def test_change__one_field_inside_an_object__leaves_its_neighbours(house: House, name: str) -> None:
    job = _created(house, name)
    expected = job | {
        "preDeployment": {**job["preDeployment"], "description": "edited"},
        "postDeployment": {
            **job["postDeployment"],
            "rebootCountdown": {**job["postDeployment"]["rebootCountdown"], "interval": 5},
        },
    }

    answer = house.ada.patch(
        f"deploymentjob/{job['id']}",
        {"preDeployment": {"description": "edited"}, "postDeployment": {"rebootCountdown": {"interval": "5"}}},
    )

    assert answer.status_code == 200, answer.json()
    assert _unchanged(expected, answer.json()) == []


@pytest.mark.parametrize("name", NAMES)
def test_change__actions_sent_back_with_a_new_one__keep_ids_and_scripts(house: House, name: str) -> None:
    job = _created(house, name)
    before = job["preDeployActions"] or []
    new = (
        change_registry_key()
        if job["platform"] == "Windows"
        else {"action": "Run Script", "params": {"actionItem": "new"}, "script": "bHM=", "scriptType": "sh"}
    )

    answer = house.ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": [new, *before]})

    assert answer.status_code == 200, answer.json()
    added, *kept = answer.json()["preDeployActions"]
    assert differences(before, kept) == []
    assert added["actionId"] not in {action["actionId"] for action in before}


@pytest.mark.parametrize("name", NAMES)
def test_change__clone__is_a_disabled_copy(house: House, name: str) -> None:
    job = _created(house, name)

    answer = house.ada.post(f"deploymentjob/{job['id']}/clone")

    assert answer.status_code == 201, answer.json()
    own = ("id", "externalId", "createdBy", "startDateTime", "status", "preDeployActions", "postDeployActions")
    copy = answer.json()
    assert _unchanged(job, copy, *own) == []
    assert (copy["status"], copy["updatedBy"]) == ("Disabled", {"user": None, "date": None})
    for stage in ("preDeployActions", "postDeployActions"):
        pairs = zip(job[stage] or [], copy[stage] or [], strict=True)
        of_the_server = ("actionId", "script", "detectionScript")
        assert all(without(one, *of_the_server) == without(other, *of_the_server) for one, other in pairs)


def test_scripts__of_an_example__are_readable_at_their_paths(house: House) -> None:
    job = _created(house, "windows_install_now")
    script, installer = job["postDeployActions"][:2]

    texts = [
        house.ada.get(f"scripts/{path}")
        for path in (script["script"], installer["script"], installer["detectionScript"])
    ]

    assert [answer.status_code for answer in texts] == [200, 200, 200]
    for answer, part in zip(
        texts, ("Start-Service Till", "Expand-Archive fonts.zip", r"Test-Path C:\\fonts"), strict=True
    ):
        assert part in answer.content.decode()
    stranger = house.ada.get(f"scripts/{script['script']}".replace(house.ids["customer"], house.ids["user ada"]))
    assert stranger.status_code == 404


def test_scripts__built_in__are_readable_at_their_paths(house: House) -> None:
    job = _created(house, "linux_install_make_cache")

    answer = house.ada.get(f"scripts/{job['preDeployActions'][0]['script']}")

    assert (answer.status_code, bool(answer.content)) == (200, True)


# --- switching on and off, by schedule type ---------------------------------------------------------------------------


def _switch(house: House, job: dict[str, Any], to: str) -> dict[str, Any]:
    answer = house.ada.post(f"deploymentjobs/update/status/{to}", {"ids": [job["id"]]})
    assert answer.status_code == 200, answer.json()
    (item,) = answer.json()
    assert (item["id"], item["name"]) == (job["id"], job["name"])
    return item


@pytest.mark.parametrize("name", RECURRING)
def test_status__recurring_job__is_switched_at_will(house: House, name: str) -> None:
    job = _created(house, name)

    for to in ("Enabled", "Disabled", "Enabled", "disabled"):
        assert _switch(house, job, to)["status"] == "success"
        read = house.ada.get(f"deploymentjob/{job['id']}").json()
        assert read["status"] == to.capitalize()
        assert _unchanged(job, read, "status") == []


@pytest.mark.parametrize("name", RECURRING)
def test_status__recurring_job_that_is_enabled__may_be_edited(house: House, name: str) -> None:
    job = _created(house, name)
    _switch(house, job, "Enabled")

    answer = house.ada.patch(f"deploymentjob/{job['id']}", {"name": "edited", "status": "Disabled"})

    assert (answer.status_code, answer.json()["name"], answer.json()["status"]) == (200, "edited", "Disabled")


@pytest.mark.parametrize("name", RUN_ONCE)
def test_status__run_once_job__is_enabled_once_for_good(house: House, name: str) -> None:
    job = _created(house, name)
    path = f"deploymentjob/{job['id']}"

    assert _switch(house, job, "Disabled")["status"] == "success"
    assert _switch(house, job, "Enabled")["status"] == "success"
    again = _switch(house, job, "Disabled")
    refused = [
        house.ada.patch(path, {"status": "Disabled"}),
        house.ada.patch(path, {"name": "edited"}),
        house.ada.put(path, house.ada.get(path).json() | {"name": "edited"}),
    ]

    assert (again["status"], CANNOT in again["error"]) == ("failure", True)
    assert [(answer.status_code, answer.json()["errorCode"]) for answer in refused] == [(409, "1920")] * 3
    assert CANNOT in refused[0].json()["message"]
    read = house.ada.get(path).json()
    assert (read["status"], read["name"]) == ("Enabled", job["name"])
    assert house.ada.delete(path).status_code in {200, 202}


def test_status__on_demand_job__starts_when_enabled(house: House) -> None:
    job = _created(house, "windows_install_now")

    assert house.ada.get(f"deploymentjob/{job['id']}/runs").json() == []
    _switch(house, job, "Enabled")

    (run,) = house.ada.get(f"deploymentjob/{job['id']}/runs").json()
    assert run.keys() == {"jobInstanceId", "scheduledDateTime", "timezoneType"}
    assert (run["jobInstanceId"], run["timezoneType"]) == (1, "SPECIFIC_TZ")


@pytest.mark.parametrize(
    ("lacks", "field"),
    [({"approvedPatches": None}, "approvedPatches"), ({"assetIds": None, "assetTagIds": None}, "assetIds")],
)
def test_status__enabling_what_lacks_work_or_hosts__is_refused_and_says_so(
    house: House, lacks: dict[str, Any], field: str
) -> None:
    job = house.made(**lacks)

    item = _switch(house, job, "Enabled")
    answer = house.ada.patch(f"deploymentjob/{job['id']}", {"status": "Enabled"})

    assert item["status"] == "failure"
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, [field])
    assert house.ada.get(f"deploymentjob/{job['id']}").json()["status"] == "Disabled"


def test_status__some_that_are_not_there__fail_alone(house: House) -> None:
    job = house.made()
    nobody = "00000000-0000-4000-8000-000000000000"

    rows = house.ada.post("deploymentjobs/update/status/Enabled", {"ids": [nobody, job["id"]]}).json()

    assert [(row["id"], row["status"], "error" in row) for row in rows] == [
        (nobody, "failure", True),
        (job["id"], "success", False),
    ]


def test_status__another_word__is_refused(house: House) -> None:
    answer = house.ada.post("deploymentjobs/update/status/Paused", {"ids": [house.made()["id"]]})

    assert answer.status_code in {400, 404}


# --- Once, by the clock -----------------------------------------------------------------------------------------------


def _once(house: House, **changes: Any) -> dict[str, Any]:
    return house.linux(scheduleType="Once", **changes)


def test_once__past_but_within_its_window__runs_at_once(house: House) -> None:
    start = timezone.now() - timedelta(minutes=30)
    body = _once(house, startDateTime=start.strftime("%Y-%m-%d %H:%M:%S"), timeout=2, status="Enabled")

    job = house.create(body)

    assert len(house.ada.get(f"deploymentjob/{job['id']}/runs").json()) == 1


def test_once__past_and_its_window_over__cannot_be_enabled(house: House) -> None:
    body = _once(house, startDateTime="2020-1-1 01:00:00 AM", timeout=2)

    job = house.create(body)
    refused = house.ada.post("deploymentjob", body | {"status": "Enabled"})
    switched = house.ada.patch(f"deploymentjob/{job['id']}", {"status": "Enabled"})

    for answer in (refused, switched):
        assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, ["startDateTime"])


def test_once__to_come__waits(house: House) -> None:
    job = house.create(_once(house, startDateTime="2031-1-1 01:00:00 AM", timeout=2, status="Enabled"))

    assert house.ada.get(f"deploymentjob/{job['id']}/runs").json() == []
    (row,) = house.ada.get("deploymentjobs/summary").json()
    assert row["nextScheduleDateTime"] == 1_924_995_600_000
