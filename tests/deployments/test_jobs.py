"""Jobs and runs over HTTP: lists, deletion, status, run now, what a run shows, and who may."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.customer_context import acting_for
from deployments import services
from deployments.models import HostTask, Job, Run
from tenants.models import Role
from tests import factories
from tests.factories import Person

GARBAGE = [
    str(uuid.UUID(int=1)), "1", "nobody", "%2e%2e", "%00", "a%00b", "%ff", "a'b", "null", "0" * 300, "%F0%9F%92%A9",
    "{id}",
]  # fmt: skip


def _work(ada: Person, **changes: Any) -> dict[str, Any]:
    """What an enabled job needs: a host and a script."""
    host = factories.asset(ada.customer)
    return {"assetIds": [str(host.public_id)], "preDeployActions": [factories.script()]} | changes


def _made(ada: Person, **changes: Any) -> dict[str, Any]:
    answer = ada.post("deploymentjob", factories.job_body(**changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _going(ada: Person, **changes: Any) -> tuple[dict[str, Any], HostTask]:
    """A job with a run, and its one host at work."""
    job = _made(ada, **_work(ada, status="Enabled") | changes)
    run = Run.objects.get(job__public_id=job["id"])
    at = timezone.now()
    services.resolve(run_id=run.pk, at=at)
    task = HostTask.objects.select_related("asset").get(run=run)
    handed_out = services.hand_out(asset=task.asset, at=at)
    assert handed_out is not None
    return job, handed_out.task


def _end(task: HostTask) -> None:
    """The host is done, and so is the run."""
    services.abandon(asset=task.asset, at=timezone.now())
    services.close(run_id=task.run_id, at=timezone.now())


# --- lists ------------------------------------------------------------------------------------------------------------


def test_list__pages_by_number__newest_first_with_headers(ada: Person) -> None:
    ids = [_made(ada, name=f"job {number}")["id"] for number in range(3)]

    first = ada.get("deploymentjobs?pageSize=2")
    second = ada.get("deploymentjobs?pageSize=2&pageNumber=1")
    beyond = ada.get("deploymentjobs?pageSize=2&pageNumber=2")

    assert [[row["id"] for row in answer.json()] for answer in (first, second, beyond)] == [ids[:0:-1], ids[:1], []]
    assert [answer.headers["X-Total-Count"] for answer in (first, second, beyond)] == ["3"] * 3
    assert 'pageNumber=1>; rel="next"' in first.headers["Link"]
    assert 'rel="prev"' in second.headers["Link"]
    assert ("searchAfter" in first.headers, "searchAfter" in beyond.headers) == (True, False)


def test_list__pages_by_key__reach_every_job_once(ada: Person) -> None:
    ids = [_made(ada)["id"] for _ in range(5)]

    seen, headers = [], {}
    for _ in range(9):
        answer = ada.get("deploymentjobs?pageSize=2", **headers)
        seen += [row["id"] for row in answer.json()]
        if "searchAfter" not in answer.headers:
            break
        headers = {"searchAfter": answer.headers["searchAfter"]}

    assert seen == ids[::-1]


def test_list__rows__are_full_jobs(ada: Person) -> None:
    job = _made(ada, **_work(ada))

    assert ada.get("deploymentjobs").json() == [job]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("name=WIN", ["windfall"]),
        ("name=%25", []),
        ("status=Enabled", ["windfall"]),
        ("status=disabled", ["back", "forth"]),
        ("type=Rollback", ["back"]),
        ("type=uninstall", ["back"]),
        ("platform=linux", ["back", "forth", "windfall"]),
        ("platform=Windows", []),
        ("status=Disabled&type=Install", ["forth"]),
        ("name=&status=", ["back", "forth", "windfall"]),
    ],
)
def test_list__filter__is_applied(ada: Person, asked: str, names: list[str]) -> None:
    _made(ada, name="windfall", **_work(ada, status="Enabled"))
    _made(ada, name="back", type="Rollback")
    _made(ada, name="forth")

    answer = ada.get(f"deploymentjobs?{asked}")

    assert answer.status_code == 200, answer.json()
    assert sorted(row["name"] for row in answer.json()) == names
    assert answer.headers["X-Total-Count"] == str(len(names))


@pytest.mark.parametrize(
    ("asked", "field", "code"),
    [
        ("statuss=Enabled", "statuss", "1901"),
        ("status=Sleeping", "status", "1905"),
        ("pageSize=0", "pageSize", "1905"),
        ("pageSize=10001", "pageSize", "1905"),
        ("pageNumber=-1", "pageNumber", "1905"),
        ("pageNumber=x", "pageNumber", "1905"),
        ("pageNumber=1000&pageSize=10", "pageNumber", "2501"),
        ("searchAfter=x", "searchAfter", "1905"),
    ],
)
def test_list__what_cannot_be__is_400(ada: Person, asked: str, field: str, code: str) -> None:
    for path in (f"deploymentjobs?{asked}", f"deploymentjob/{_made(ada)['id']}/runs?{asked}"):
        if field in {"statuss", "status"} and "runs" in path:
            continue
        answer = ada.get(path)

        assert (answer.status_code, answer.json()["errorCode"]) == (400, code)
        assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_list__another_customers_and_deleted_jobs__are_not_there(ada: Person) -> None:
    factories.stranger().post("deploymentjob", factories.job_body())
    ada.delete(f"deploymentjob/{_made(ada)['id']}")

    assert ada.get("deploymentjobs").json() == []


def test_list__thirty_jobs__take_as_many_queries_as_one(ada: Person) -> None:
    tag = factories.tag(ada.customer, "web")
    counts = []

    for jobs in (1, 29):
        for _ in range(jobs):
            factories.job(ada, **_work(ada, assetTagIds=[str(tag.public_id)], coAuthorUserIds=str(ada.user.public_id)))
        with CaptureQueriesContext(connection) as captured:
            assert ada.get("deploymentjobs?pageSize=100").status_code == 200
        counts.append(len(captured))

    assert counts[0] == counts[1]


# --- finding and deleting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["deploymentjob", "deploymentjobs"])
@pytest.mark.parametrize("name", ["id", "externalId"])
def test_delete__either_path_and_id__is_gone_afterwards(ada: Person, spelling: str, name: str) -> None:
    job = _made(ada, externalId="night shift: 1")

    answer = ada.delete(f"{spelling}/{job[name].replace(' ', '%20')}")

    assert (answer.status_code, answer.json()) == (200, {"deleted": job["id"]})
    assert ada.get(f"deploymentjob/{job[name]}").status_code == 404
    assert ada.delete(f"{spelling}/{job[name]}").status_code == 404
    stored = Job.objects.get()
    assert (stored.state, stored.deleted_by_id, stored.next_run_at) == ("Deleted", ada.user.pk, None)


def test_read__any_id_that_is_none__gets_the_same_404(ada: Person) -> None:
    theirs = _made(factories.stranger(), externalId="theirs")
    gone = _made(ada)["id"]
    ada.delete(f"deploymentjob/{gone}")

    answers = {
        ada.get(f"deploymentjob/{one}", **{"X-Request-ID": "same"}).content
        for one in (*GARBAGE, theirs["id"], "theirs", gone)
    }

    assert len(answers) == 1, answers


@pytest.mark.parametrize("path", ["deploymentjob/byname/%00", "deploymentjob/a%2fb", "scripts/%00/%00/Script"])
def test_read__path_that_can_be_nobodys__is_404(ada: Person, path: str) -> None:
    answer = ada.get(path)

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "1930")


@pytest.mark.parametrize("below", ["/runs", "/runs/1", "/runs/1/assets", f"/runs/1/assets/{uuid.UUID(int=1)}"])
def test_read__runs_of_nobody__are_404(ada: Person, below: str) -> None:
    for one in GARBAGE[:4]:
        answer = ada.get(f"deploymentjob/{one}{below}")

        assert (answer.status_code, answer.json()["errorCode"]) == (404, "1930")


def test_delete__while_a_run_goes__is_queued_and_goes_when_it_ends(ada: Person) -> None:
    job, task = _going(ada)

    answer = ada.delete(f"deploymentjobs/{job['id']}")

    assert (answer.status_code, answer.json()) == (202, {"queued_for_deletion": job["id"]})
    assert ada.get(f"deploymentjob/{job['id']}").status_code == 404
    assert Job.objects.get().state == "Deleting"
    _end(task)
    assert Job.objects.get().state == "Deleted"


# --- enabling and disabling -------------------------------------------------------------------------------------------


def test_status__many__each_for_itself(ada: Person) -> None:
    good, empty = _made(ada, name="good", **_work(ada)), _made(ada, name="empty")

    answer = ada.post("deploymentjobs/update/status/enabled", {"ids": [good["id"], empty["id"], "nobody"]})

    first, second, third = answer.json()
    assert answer.status_code == 200
    assert first == {"id": good["id"], "name": "good", "status": "success"}
    assert second.keys() == {"id", "name", "status", "error"}
    assert (second["name"], second["status"]) == ("empty", "failure")
    assert "patch" in second["error"]
    assert third == {"id": "nobody", "name": None, "status": "failure", "error": "not found"}
    assert dict(Job.objects.values_list("name", "state")) == {"good": "Enabled", "empty": "Disabled"}
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    "schedule", [{}, {"scheduleType": "Once", "startDateTime": "2030-01-01 00:00:00"}], ids=["On-demand", "Once"]
)
def test_status__run_once_job_that_was_enabled__stays_enabled(ada: Person, schedule: dict[str, str]) -> None:
    job = _made(ada, **_work(ada, status="Enabled", **schedule))

    (row,) = ada.post("deploymentjobs/update/status/Disabled", {"ids": job["id"]}).json()
    (again,) = ada.post("deploymentjobs/update/status/Enabled", {"ids": [job["id"]]}).json()
    edited = ada.put(f"deploymentjob/{job['id']}", job | {"name": "other"})

    assert (row["status"], row["error"]) == ("failure", "Non-recurring jobs cannot be disabled once enabled by user")
    assert again["status"] == "success"
    assert (edited.status_code, edited.json()["errorCode"]) == (409, "1920")
    assert Run.objects.count() == (0 if schedule else 1)


def test_status__once_whose_time_is_past__runs_at_once_while_its_window_is_open(ada: Person) -> None:
    start = timezone.now() - timezone.timedelta(minutes=30)
    text = start.strftime("%Y-%m-%d %H:%M:%S")
    open_job, over = (
        _made(ada, **_work(ada, scheduleType="Once", startDateTime=text, timeout=timeout, timeoutUnit="MINUTES"))
        for timeout in (60, 29)
    )

    rows = ada.post("deploymentjobs/update/status/Enabled", {"ids": [open_job["id"], over["id"]]}).json()
    services.tick()

    assert [row["status"] for row in rows] == ["success", "failure"]
    run = Run.objects.get()
    assert (str(run.job.public_id), run.scheduled_for) == (open_job["id"], start.replace(microsecond=0))


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("Paused", {"ids": ["a"]}, "status"),
        ("Enabled", {}, "ids"),
        ("Enabled", {"ids": []}, "ids"),
        ("Enabled", {"ids": ["a"], "id": 1}, "id"),
        ("Enabled", {"ids": {"a": 1}}, "ids"),
    ],
)
def test_status__what_cannot_be__is_400(ada: Person, path: str, body: Any, field: str) -> None:
    answer = ada.post(f"deploymentjobs/update/status/{path}", body)

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


# --- run now ----------------------------------------------------------------------------------------------------------


def test_run_now__disabled_job_with_work__opens_a_run(ada: Person) -> None:
    job = _made(ada, **_work(ada))

    answers = [ada.post(f"deploymentjob/{job['id']}/run") for _ in range(2)]

    assert [(one.status_code, one.json()) for one in answers] == [
        (202, {"jobInstanceId": 1}),
        (202, {"jobInstanceId": 2}),
    ]
    assert set(Run.objects.values_list("trigger", "state")) == {("user", "Pending")}
    assert ada.get(f"deploymentjob/{job['id']}").json()["status"] == "Disabled"


def test_run_now__job_without_work__is_refused(ada: Person) -> None:
    answer = ada.post(f"deploymentjob/{_made(ada)['id']}/run")

    assert answer.status_code in {400, 409}
    assert {one["field"] for one in answer.json()["errors"]} == {"approvedPatches", "assetIds"}
    assert not Run.objects.exists()


def test_run_now__four_at_once__are_numbered(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    job = _made(ada, **_work(ada))

    answers = factories.at_once(lambda: ada.post(f"deploymentjob/{job['id']}/run"), threads=4)

    assert sorted(answer.json()["jobInstanceId"] for answer in answers) == [1, 2, 3, 4]


# --- runs -------------------------------------------------------------------------------------------------------------


def test_runs__of_a_job__have_exactly_these_keys(ada: Person) -> None:
    job = _made(ada, **_work(ada))
    for _ in range(3):
        ada.post(f"deploymentjob/{job['id']}/run")

    answer = ada.get(f"deploymentjob/{job['id']}/runs?pageSize=2")

    starts = dict(Run.objects.values_list("instance", "scheduled_for"))
    assert answer.json() == [
        {
            "jobInstanceId": number,
            "scheduledDateTime": starts[number].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "timezoneType": "SPECIFIC_TZ",
        }
        for number in (3, 2)
    ]
    assert answer.headers["X-Total-Count"] == "3"


def test_run__going_and_ended__shows_how_its_hosts_stand(ada: Person) -> None:
    job, task = _going(ada, timeout=2)
    path = f"deploymentjob/{job['id']}/runs/1"
    run = Run.objects.get()

    going = ada.get(path).json()
    _end(task)
    ended = ada.get(path).json()

    assert going == {
        "jobId": job["id"],
        "jobInstanceId": 1,
        "state": "Running",
        "reason": None,
        "note": None,
        "trigger": "enabled",
        "retryOf": None,
        "planHash": None,
        "scheduledDateTime": run.scheduled_for.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deadline": run.deadline.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "startDateTime": int(run.started_at.timestamp() * 1000),
        "endDateTime": None,
        "totalAssetCount": 1,
        "completionPercent": 0,
        "counts": {"Leased": 1},
        "rollout": None,
    }
    finished = Run.objects.get().finished_at
    assert ended == going | {
        "state": "Completed",
        "reason": "done",
        "endDateTime": int(finished.timestamp() * 1000),
        "completionPercent": 100,
        "counts": {"Failed": 1},
    }


def test_run__its_hosts__have_exactly_these_keys(ada: Person) -> None:
    job, task = _going(ada)
    path = f"deploymentjob/{job['id']}/runs/1/assets"
    _end(task)

    (row,) = ada.get(path).json()
    host = ada.get(f"{path}/{row['assetId']}").json()

    ended = HostTask.objects.get()
    at = int(ended.finished_at.timestamp() * 1000)
    assert row == {
        "assetId": str(task.asset.public_id),
        "name": task.asset.name,
        "state": "Failed",
        "status": "Job Failed",
        "statusCode": 20460,
        "reason": "agent_reinstalled",
        "reasonText": "The agent that held this was enrolled anew, revoked or copied, so its journal is gone.",
        "startDateTime": None,
        "endDateTime": at,
        "statusDateTime": at,
        "startBefore": int(ended.start_before.timestamp() * 1000),
        "attempt": 1,
        "wave": None,
    }
    assert {key: host[key] for key in row} == row
    assert host["steps"][0] == {
        "number": 1,
        "kind": "action",
        "stage": "predeploy",
        "title": "say hello",
        "patchId": None,
        "actionId": job["preDeployActions"][0]["actionId"],
        "state": "Pending",
        "reason": None,
        "exitCode": None,
        "output": "",
        "outputCut": False,
        "fromVersion": None,
        "toVersion": None,
        "startDateTime": None,
        "endDateTime": None,
        "verified": None,
        "tries": 0,
    }
    assert [step["title"] for step in host["steps"]] == ["say hello", "closing scan"]
    assert host.keys() == row.keys() | {"steps", "said"}


def test_run__many_hosts__take_as_many_queries_as_one(ada: Person) -> None:
    counts = []
    for hosts in (1, 20):
        ids = [str(factories.asset(ada.customer).public_id) for _ in range(hosts)]
        job = _made(ada, **_work(ada, status="Enabled", assetIds=ids))
        services.resolve(run_id=Run.objects.latest("pk").pk, at=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            answer = ada.get(f"deploymentjob/{job['id']}/runs/1/assets?pageSize=100")
        assert len(answer.json()) == hosts
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_run__of_a_deleted_job__stays_readable(ada: Person) -> None:
    job, task = _going(ada)
    _end(task)
    ada.delete(f"deploymentjob/{job['id']}")

    assert ada.get(f"deploymentjob/{job['id']}").status_code == 404
    assert ada.get(f"deploymentjob/{job['id']}/runs/1").json()["state"] == "Completed"


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "x", "-1"])
def test_run__number_that_is_none__is_404(ada: Person, number: str) -> None:
    job = _made(ada, **_work(ada, status="Enabled"))

    answer = ada.get(f"deploymentjob/{job['id']}/runs/{number}")

    assert (answer.status_code, answer.json()["errorCode"]) == (404, "1930")


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "may"), [("author", True), ("co-author", True), ("admin", True), ("other", False), ("viewer", False)]
)
def test_change__by_this_person__is_allowed_or_403(ada: Person, who: str, may: bool) -> None:
    people = {
        name: factories.person(customer=ada.customer, role=role)
        for name, role in [
            ("author", Role.OPERATOR),
            ("co-author", Role.OPERATOR),
            ("other", Role.APPROVER),
            ("viewer", Role.VIEWER),
        ]
    } | {"admin": ada}
    co_authors = [str(people[name].user.public_id) for name in ("co-author", "viewer")]
    job = _made(people["author"], **_work(ada, coAuthorUserIds=co_authors))
    one, path = people[who], f"deploymentjob/{job['id']}"

    answers = [
        one.patch(path, {"description": "changed"}),
        one.put(path, job | {"description": "changed"}),
        one.get(f"scripts/{job['preDeployActions'][0]['script']}"),
        one.post(f"{path}/run"),
        one.post(f"{path}/clone"),
        one.delete(path),
    ]
    read = ada.get(path)

    wanted = [200, 200, 200, 202, 201, 200] if may else [403] * 6
    assert [answer.status_code for answer in answers] == wanted, [answer.content for answer in answers]
    assert read.status_code == (404 if may else 200)
    if not may:
        assert read.json() == job


def test_status__by_somebody_else__fails_for_that_job_alone(ada: Person) -> None:
    other = factories.person(customer=ada.customer, role=Role.OPERATOR)
    hers, mine = _made(ada, **_work(ada)), _made(other, **_work(ada))

    rows = other.post("deploymentjobs/update/status/Enabled", {"ids": [hers["id"], mine["id"]]}).json()

    assert [row["status"] for row in rows] == ["failure", "success"]
    assert "author" in rows[0]["error"]


def test_read__by_a_viewer__is_allowed(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    job, _ = _going(ada)
    path = f"deploymentjob/{job['id']}"

    statuses = [viewer.get(one).status_code for one in (path, "deploymentjobs", f"{path}/runs", f"{path}/runs/1")]

    assert statuses == [200] * 4


def test_edit__and_tick_at_once__one_of_them_was_first(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    job = _made(ada, **_work(ada, scheduleType="Once", startDateTime="2030-01-01 00:00:00"))
    path = f"deploymentjob/{job['id']}"

    answers = factories.at_once(
        lambda body: ada.patch(path, body), {"status": "Enabled"}, {"name": "first"}, {"description": "second"}
    )

    read = ada.get(path).json()
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert answers[0].status_code == 200
    assert read["status"] == "Enabled"
    assert (read["name"] == "first") is (answers[1].status_code == 200)
    assert (read["description"] == "second") is (answers[2].status_code == 200)
    with acting_for(ada.customer.pk):
        assert Job.objects.get().revision == 1 + sum(answer.status_code == 200 for answer in answers)
