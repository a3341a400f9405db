"""The history of a job: figures of its runs, and the runs, newest first."""

from typing import Any

import pytest

from core.instants import milliseconds
from deployments.api.summary_answers import History
from deployments.models import Job, Run, Trigger
from deployments.states import HostTaskState, RunState
from tests import factories
from tests.deployments.test_summary import end, started
from tests.factories import Person, later

# Written out again: a test that reads the code's own list agrees with any mistake.
KEYS = {
    *("jobHistoryTotal", "jobHistorySuccessCount", "jobHistoryFailCount", "jobHistorySucPercentage"),
    *("jobHistoryFailPercentage", "jobLastRunStatus", "jobNextRunTime", "runs"),
}
RUN_KEYS = {
    *("jobRunId", "jobInstanceId", "jobStartTime", "jobEndTime", "jobDuration", "executionFrequency"),
    *("executionStatus", "completeHistory", "trigger", "counts"),
}


def history(person: Person, job: Job, query: str = "") -> Any:
    """The history of a job as a client sees it."""
    answer = person.get(f"deploymentjob/{job.public_id}/history{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def ended(job: Job, state: RunState, **counts: int) -> Run:
    """A run that ended so, with hosts in these states."""
    job.last_instance += 1
    Job.objects.filter(pk=job.pk).update(last_instance=job.last_instance)
    start = later(hours=job.last_instance)
    final = state not in {RunState.RUNNING, RunState.PENDING, RunState.FROZEN}
    return Run.objects.create(
        customer_id=job.customer_id,
        job=job,
        instance=job.last_instance,
        trigger=Trigger.USER,
        scheduled_for=start,
        deadline=later(days=30),
        opened_at=start,
        state=state,
        state_changed_at=start,
        reason="done" if final else "",
        started_at=start,
        finished_at=later(hours=job.last_instance, minutes=10) if final else None,
        resumes_at=later(days=1) if state == RunState.FROZEN else None,
        counts=counts,
    )


def test_history__without_runs__says_none(ada: Person) -> None:
    job = factories.job(ada)

    answer = history(ada, job)

    assert set(answer) == KEYS
    assert answer == dict.fromkeys(KEYS, 0) | {"jobLastRunStatus": None, "jobNextRunTime": None, "runs": []}


def test_history__of_a_run_that_succeeded__tells_everything(ada: Person) -> None:
    job, run = started(ada, hosts=1)
    end(run, HostTaskState.SUCCEEDED)
    run.refresh_from_db()

    response = ada.get(f"deploymentjob/{job.public_id}/history")

    answer = response.json()
    (row,) = answer.pop("runs")
    assert answer == {
        "jobHistoryTotal": 1,
        "jobHistorySuccessCount": 1,
        "jobHistoryFailCount": 0,
        "jobHistorySucPercentage": 100,
        "jobHistoryFailPercentage": 0,
        "jobLastRunStatus": "Completed",
        "jobNextRunTime": None,
    }
    assert set(row) == RUN_KEYS
    assert row | {"jobRunId": None} == {
        "jobRunId": None,
        "jobInstanceId": 1,
        "jobStartTime": milliseconds(run.started_at),
        "jobEndTime": milliseconds(run.finished_at),
        "jobDuration": 300_000,
        "executionFrequency": "on demand",
        "executionStatus": "Completed",
        "completeHistory": True,
        "trigger": "enabled",
        "counts": {"Succeeded": 2},
    }
    History.model_validate_json(response.content)


def test_history__while_a_run_goes_on__counts_its_hosts_now(ada: Person) -> None:
    job, _ = started(ada, hosts=2)

    answer = history(ada, job)

    (row,) = answer["runs"]
    assert (row["executionStatus"], row["counts"]) == ("Running", {"Pending": 3})
    assert (row["jobEndTime"], row["jobDuration"]) == (None, None)
    assert (answer["jobHistoryTotal"], answer["jobHistorySucPercentage"]) == (1, 0)


@pytest.mark.parametrize(
    ("state", "counts", "figures"),
    [
        (RunState.COMPLETED, {"Succeeded": 2}, (1, 0)),
        (RunState.COMPLETED, {"Succeeded": 2, "NotApplicable": 1, "Skipped": 4, "Canceled": 1}, (1, 0)),
        (RunState.COMPLETED, {}, (1, 0)),
        (RunState.COMPLETED, {"Succeeded": 2, "Failed": 1}, (0, 1)),
        (RunState.COMPLETED, {"Succeeded": 2, "TimedOut": 1}, (0, 1)),
        (RunState.COMPLETED, {"Missed": 1}, (0, 1)),
        (RunState.MISSED, {}, (0, 1)),
        (RunState.CANCELED, {}, (0, 1)),
        (RunState.SKIPPED, {}, (0, 0)),
        (RunState.FROZEN, {}, (0, 0)),
        (RunState.RUNNING, {}, (0, 0)),
    ],
)
def test_history__each_end__counts_as_what_it_is(
    ada: Person, state: RunState, counts: dict[str, int], figures: tuple[int, int]
) -> None:
    job = factories.job(ada)
    ended(job, state, **counts)

    answer = history(ada, job)

    assert (answer["jobHistorySuccessCount"], answer["jobHistoryFailCount"]) == figures
    assert (answer["jobHistorySucPercentage"], answer["jobHistoryFailPercentage"]) == (
        100 * figures[0],
        100 * figures[1],
    )
    assert answer["jobLastRunStatus"] == state


def test_history__percentages__are_of_what_succeeded_or_failed(ada: Person) -> None:
    job = factories.job(ada)
    for state in (RunState.COMPLETED, RunState.MISSED, RunState.COMPLETED, RunState.SKIPPED):
        ended(job, state)

    answer = history(ada, job)

    assert (answer["jobHistoryTotal"], answer["jobHistorySucPercentage"], answer["jobHistoryFailPercentage"]) == (
        4,
        67,
        33,
    )


def test_history__of_many_runs__comes_in_pages(ada: Person) -> None:
    job = factories.job(ada)
    for _ in range(5):
        ended(job, RunState.COMPLETED)

    first = ada.get(f"deploymentjob/{job.public_id}/history?pageSize=2")
    second = ada.get(f"deploymentjob/{job.public_id}/history?pageSize=2", searchAfter=first.headers["searchAfter"])

    assert [row["jobInstanceId"] for row in (*first.json()["runs"], *second.json()["runs"])] == [5, 4, 3, 2]
    assert (first.headers["X-Total-Count"], second.headers["X-Total-Count"]) == ("5", "5")
    assert 'rel="next"' in first.headers["Link"]
    assert len({row["jobRunId"] for row in history(ada, job)["runs"]}) == 5


def test_history__sorted_cut_and_asked__obeys(ada: Person) -> None:
    job = factories.job(ada)
    for state in (RunState.COMPLETED, RunState.MISSED, RunState.COMPLETED):
        ended(job, state)

    answer = history(ada, job, "?sort=jobInstanceId&attributes=jobInstanceId&query=executionStatus:Completed")

    assert answer["runs"] == [{"jobInstanceId": 1}, {"jobInstanceId": 3}]
    assert answer["jobHistoryTotal"] == 3


def test_history__of_a_recurring_job__says_its_schedule_and_next_run(ada: Person) -> None:
    host = str(factories.asset(ada.customer).public_id)
    schedule = {"scheduleType": "Daily", "startDateTime": "2030-1-1 02:30:00 AM", "timezone": "Europe/Berlin"}
    job = factories.job(ada, assetIds=[host], preDeployActions=[factories.script()], status="Enabled", **schedule)
    ended(job, RunState.COMPLETED)

    answer = history(ada, job)

    assert answer["runs"][0]["executionFrequency"] == "daily at 02:30 in Europe/Berlin"
    job.refresh_from_db()
    assert answer["jobNextRunTime"] == milliseconds(job.next_run_at) == 1_893_461_400_000


def test_history__of_a_deleted_job__stays_readable(ada: Person) -> None:
    job, run = started(ada, hosts=1)
    end(run, HostTaskState.SUCCEEDED)
    ada.delete(f"deploymentjob/{job.public_id}")
    viewer = factories.person(customer=ada.customer, role=factories.Role.VIEWER)

    assert ada.get(f"deploymentjob/{job.public_id}").status_code == 404
    assert history(ada, job)["jobHistoryTotal"] == history(viewer, job)["jobHistoryTotal"] == 1


def test_history__of_a_strangers_job__is_not_there(ada: Person) -> None:
    job = factories.job(ada)

    assert factories.stranger().get(f"deploymentjob/{job.public_id}/history").status_code == 404


@pytest.mark.parametrize("runs", [1, 6])
def test_history__of_many_runs__takes_a_constant_number_of_queries(
    ada: Person, django_assert_num_queries: Any, runs: int
) -> None:
    job = factories.job(ada)
    for _ in range(runs):
        ended(job, RunState.RUNNING)

    # Four of the request and who asks; the job, the page, its hosts, two of figures.
    with django_assert_num_queries(9):
        assert len(history(ada, job)["runs"]) == runs
