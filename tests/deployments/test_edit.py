"""Changing a job: PUT, PATCH in both spellings, clone, validate, by name, many at once; ETag and If-Match."""

import threading

from django.db import connections

from core.models import Event
from deployments.models import Job, JobAction, Run
from tests import factories
from tests.factories import Person

# What only the server says of a job, and a change may alter.
_SERVERS = {"updatedBy", "createdBy", "id"}


def _made(ada: Person, **changes: object) -> dict:
    answer = ada.post("deploymentjob", factories.job_body(**changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _but(document: dict, *keys: str) -> dict:
    return {key: value for key, value in document.items() if key not in _SERVERS | set(keys)}


def test_replace__whole_body_as_it_was_read__changes_nothing(ada: Person) -> None:
    tag, host = factories.tag(ada.customer, "web"), factories.asset(ada.customer)
    job = _made(
        ada,
        assetTagIds=[str(tag.public_id)],
        exclusionAssetIds=[str(host.public_id)],
        preDeployActions=[factories.script()],
        description="",
        matchAllTagIds=[],
        notification={
            "notificationTypes": {"email": True},
            "notificationConfigs": {"recipientEmails": "a@example.com,b@example.com"},
            "notificationEvents": {"onJobStart": True},
        },
    )

    answer = ada.put(f"deploymentjob/{job['id']}", job)

    assert answer.status_code == 200, answer.json()
    assert _but(answer.json()) == _but(job)
    assert answer.json()["updatedBy"]["user"]["name"] == "ada"


def test_replace__known_action_and_its_own_path__keep_id_and_script(ada: Person) -> None:
    job = _made(ada, preDeployActions=[factories.script(text="echo kept"), factories.script("second")])
    job["preDeployActions"].reverse()

    answer = ada.put(f"deploymentjob/{job['id']}", job).json()

    assert [one["actionId"] for one in answer["preDeployActions"]] == [
        one["actionId"] for one in job["preDeployActions"]
    ]
    kept = JobAction.objects.get(public_id=answer["preDeployActions"][1]["actionId"])
    assert bytes(kept.script) == b"echo kept"


def test_replace__what_is_absent__is_reset_except_the_status(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = _made(ada, description="old", assetIds=[str(host.public_id)], timeout=3, externalId="mine")

    answer = ada.put(f"deploymentjob/{job['id']}", factories.job_body(name="new")).json()

    assert (answer["name"], answer["description"], answer["assetIds"], answer["timeout"]) == ("new", None, None, -1)
    assert (answer["externalId"], answer["status"]) == (None, "Disabled")


def test_change__one_field__leaves_the_others(ada: Person) -> None:
    job = _made(ada, description="kept", preDeployActions=[factories.script()], externalId="mine")

    for path in (f"deploymentjob/{job['id']}", "deploymentjob/update/mine"):
        answer = ada.patch(path, {"name": path})

        assert answer.status_code == 200, answer.json()
        assert _but(answer.json(), "name") == _but(job, "name")
        assert answer.json()["name"] == path


def test_change__alias_and_null__mean_the_field(ada: Person) -> None:
    one, two = (factories.tag(ada.customer, name) for name in ("one", "two"))
    job = _made(ada, assetTagIds=[str(one.public_id)], description="gone soon")

    answer = ada.patch(f"deploymentjob/{job['id']}", {"tagIds": str(two.public_id), "description": None}).json()

    assert (answer["assetTagIds"], answer["description"]) == ([str(two.public_id)], None)


def test_change__other_schedule_type__clears_the_old_types_fields(ada: Person) -> None:
    job = _made(ada, scheduleType="Once", startDateTime="2030-01-02 03:04:05", timezone="Europe/Berlin")

    missing = ada.patch(f"deploymentjob/{job['id']}", {"scheduleType": "On-demand"})
    back = ada.patch(f"deploymentjob/{job['id']}", {"scheduleType": "Once"})

    assert missing.json()["scheduleType"] == "On-demand"
    assert missing.json()["startDateTime"] != "2030-1-2 03:04:05 AM"
    assert [one["field"] for one in back.json()["errors"]] == ["startDateTime"]


def test_change__mistakes__are_all_told_and_nothing_changes(ada: Person) -> None:
    job = _made(ada)

    answer = ada.patch(f"deploymentjob/{job['id']}", {"name": "", "timeoutt": 1, "assetIds": [job["id"]]})

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {"name", "timeoutt", "assetIds[0]"}
    assert ada.get(f"deploymentjob/{job['id']}").json() == job


def test_change__run_once_job_that_was_enabled__conflicts(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = _made(ada, assetIds=[str(host.public_id)], preDeployActions=[factories.script()], status="Enabled")

    answer = ada.patch(f"deploymentjob/{job['id']}", {"name": "other"})

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "1920")
    assert Job.objects.get().name == "a job"


def test_change__status_to_enabled__starts_the_run(ada: Person) -> None:
    host = factories.asset(ada.customer)
    job = _made(ada, assetIds=[str(host.public_id)], preDeployActions=[factories.script()])

    answer = ada.patch(f"deploymentjob/{job['id']}", {"status": "Enabled"})

    assert answer.json()["status"] == "Enabled"
    assert Run.objects.filter(job__public_id=job["id"]).count() == 1


def test_change__foreign_script_path__is_like_an_unknown_one(ada: Person) -> None:
    stranger = factories.stranger()
    theirs = stranger.post("deploymentjob", factories.job_body(preDeployActions=[factories.script()])).json()
    job = _made(ada)

    answers = [
        ada.patch(f"deploymentjob/{job['id']}", {"preDeployActions": [{**factories.script(), "script": path}]})
        for path in (
            theirs["preDeployActions"][0]["script"],
            f"{ada.customer.public_id}/{job['id']}/Script",
        )
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_if_match__stale__is_412_and_fresh_is_taken(ada: Person) -> None:
    job = _made(ada)
    path = f"deploymentjob/{job['id']}"
    first = ada.get(path).headers["ETag"]
    ada.patch(path, {"name": "second"})

    stale = ada.patch(path, {"name": "third"}, **{"If-Match": first})
    fresh = ada.patch(path, {"name": "third"}, **{"If-Match": ada.get(path).headers["ETag"]})
    gone = ada.delete(path, **{"If-Match": first})

    assert (stale.status_code, stale.json()["errorCode"], fresh.status_code, gone.status_code) == (
        412,
        "1960",
        200,
        412,
    )


def test_if_match__many_at_once__lose_no_update(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    path = f"deploymentjob/{_made(ada, description='')['id']}"
    writers, each = 4, 5

    def append(mark: str) -> None:
        for _ in range(each):
            while True:
                read = ada.get(path)
                change = {"description": read.json()["description"] + mark}
                if ada.patch(path, change, **{"If-Match": read.headers["ETag"]}).status_code == 200:
                    break

    threads = [threading.Thread(target=_closing(append), args=(mark,)) for mark in "abcd"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    written = ada.get(path).json()["description"]
    assert sorted(written) == sorted("abcd" * each)
    assert len(written) == writers * each


def test_clone__job_with_scripts__is_a_disabled_copy(ada: Person) -> None:
    job = _made(ada, externalId="mine", preDeployActions=[factories.script(text="echo copied")], description="")

    answer = ada.post(f"deploymentjob/{job['id']}/clone")

    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(answer.json()["id"])
    assert _but(answer.json(), "externalId", "preDeployActions", "startDateTime") == _but(
        job, "externalId", "preDeployActions", "startDateTime"
    )
    copied = JobAction.objects.get(public_id=answer.json()["preDeployActions"][0]["actionId"])
    assert bytes(copied.script) == b"echo copied"
    assert copied.job.public_id != job["id"]


def test_validate__good_body__shows_the_job_and_stores_nothing(ada: Person) -> None:
    answer = ada.post("deploymentjob/validate", factories.job_body(timeout="2"))

    assert (answer.status_code, answer.json()["valid"], answer.json()["job"]["timeout"]) == (200, True, 2)
    assert not Job.objects.exists()
    assert not Event.objects.exists()


def test_validate__bad_body__names_what_create_would_refuse(ada: Person) -> None:
    body = factories.job_body(name=None, type="x", foo=1)

    found = ada.post("deploymentjob/validate", body).json()

    assert (found["valid"], found["job"]) == (False, None)
    assert found["errors"] == ada.post("deploymentjob", body).json()["errors"]


def test_by_name__same_name_twice__is_the_newest(ada: Person) -> None:
    _made(ada, name="monthly / all")
    newest = _made(ada, name="monthly / all")

    assert ada.get("deploymentjob/byname/monthly%20/%20all").json()["id"] == newest["id"]
    assert ada.get("deploymentjob/byname/other").status_code == 404


def test_delete_many__three_ways__each_for_itself(ada: Person) -> None:
    ids = [_made(ada)["id"] for _ in range(3)]

    answers = [
        ada.delete("deploymentjobs", {"ids": [ids[0], "nobody"]}),
        ada.delete("deploymentjobs", [ids[1]]),
        ada.delete(f"deploymentjobs?ids={ids[2]}"),
    ]

    assert [[row["status"] for row in answer.json()] for answer in answers] == [
        ["success", "failure"],
        ["success"],
        ["success"],
    ]
    assert ada.get("deploymentjobs").json() == []


def _closing(work):
    """The work, and its thread's connections closed afterwards."""

    def run(*arguments: object) -> None:
        try:
            work(*arguments)
        finally:
            connections.close_all()

    return run
