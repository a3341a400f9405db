"""Summary rows of jobs: exactly the keys of the wire contract, and what they say."""

from datetime import timedelta
from typing import Any

import pytest

from core.instants import milliseconds
from deployments import services
from deployments.api.summary_answers import JobSummary
from deployments.models import HostTask, Job, Run
from deployments.states import HostTaskState
from tests import factories
from tests.factories import NOW, Person

# Written out again: a test that reads the code's own list agrees with any mistake.
KEYS = {
    *("id", "name", "coAuthorUserIds", "subCategory", "dynamicQQLType", "matchAllTags", "type"),
    *("recurringWeekDays", "totalAssetCount", "isDynamicPatchesQQL", "assetCount", "customPatchUrlConfigured"),
    *("linkedJobReferenceCount", "created", "triggerStatus", "recurringDayOfMonth", "jobSource", "readOnly"),
    *("tags", "exclusionAssetIds", "scheduleType", "dayOfMonth", "disabledPatches", "filterType", "updated"),
    *("additionalQQLS", "status", "timezone", "exclusionFilterType", "nextScheduleDateTime", "platform"),
    *("mitigationActionCount", "isPriorityJob", "customerId", "exclusionTags", "taggedAssetCount", "patchCount"),
    *("applicableAssetCount", "patchTuesdayPlusXDays", "schemaVersion", "recurringLastDayOfMonth"),
    *("recurringWeekDayOfMonth", "isRecurring", "lastScheduleDateTime", "dynamicPatchesQQL", "startDateTime"),
    *("timezoneType", "deleted", "monthlyRecurringType", "completionPercent", "category", "linkedJobId"),
    *("assetResultReceivedCount", "isVulnContext", "isAssetImported", "remediationQids"),
}


def rows(person: Person, query: str = "") -> Any:
    """The summary rows that a query string means."""
    answer = person.get(f"deploymentjobs/summary{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_summary__of_the_least_job__has_every_key_and_nothing_more(ada: Person) -> None:
    job = factories.job(ada, name="least")

    (row,) = rows(ada)

    assert set(row) == KEYS
    JobSummary.model_validate_json(ada.get("deploymentjobs/summary").content[1:-1])
    assert row | {"created": None} == {
        "id": str(job.public_id),
        "customerId": str(ada.customer.public_id),
        "name": "least",
        "type": "Install",
        "platform": "Linux",
        "status": "Disabled",
        "scheduleType": "On-demand",
        "startDateTime": "2026-11-10 09:00:00 AM",
        "timezoneType": "SPECIFIC_TZ",
        "timezone": "UTC",
        "isRecurring": False,
        "filterType": "Any",
        "exclusionFilterType": "Any",
        "schemaVersion": "1.0",
        "subCategory": "Patch",
        "category": 3,
        "jobSource": 3,
        "created": None,
        **dict.fromkeys(
            [
                *("readOnly", "deleted", "isPriorityJob", "isAssetImported"),
                *("isDynamicPatchesQQL", "customPatchUrlConfigured"),
            ],
            False,
        ),
        **dict.fromkeys(
            [
                *("patchCount", "assetCount", "taggedAssetCount", "mitigationActionCount"),
                *("linkedJobReferenceCount", "dynamicQQLType"),
            ],
            0,
        ),
        **{key: [] for key in ("tags", "matchAllTags", "exclusionTags", "exclusionAssetIds", "coAuthorUserIds")},
        "additionalQQLS": [],
        **dict.fromkeys(
            [
                *("recurringWeekDays", "dayOfMonth", "recurringLastDayOfMonth", "recurringDayOfMonth"),
                *("recurringWeekDayOfMonth", "monthlyRecurringType", "patchTuesdayPlusXDays"),
                *("nextScheduleDateTime", "lastScheduleDateTime", "triggerStatus", "completionPercent"),
                *("totalAssetCount", "applicableAssetCount", "assetResultReceivedCount"),
                *("updated", "linkedJobId", "dynamicPatchesQQL", "remediationQids", "isVulnContext", "disabledPatches"),
            ],
        ),
    }
    assert row["created"] == {
        "user": {"id": str(ada.user.public_id), "name": "ada"},
        "date": milliseconds(NOW),
    }


def test_summary__of_a_full_job__says_what_it_names(ada: Person) -> None:
    acme = ada.customer
    one, two, three = (factories.tag(acme, name) for name in ("one", "two", "three"))
    inside, outside = factories.asset(acme), factories.asset(acme)
    bob = factories.person(customer=acme, username="bob")
    patch = factories.patch(acme)
    parent = factories.job(
        ada,
        name="parent",
        approvedPatches=[str(patch.public_id)],
        assetIds=[str(inside.public_id)],
        assetTagIds=[str(two.public_id), str(one.public_id)],
        matchAllTagIds=[str(one.public_id)],
        exclusionTagIds=[str(three.public_id)],
        exclusionAssetIds=[str(outside.public_id)],
        coAuthorUserIds=[str(bob.user.public_id)],
    )
    child = factories.job(bob, name="child", linkedJobId=str(parent.public_id))

    row, of_child = rows(ada, "?sort=-name")

    assert {key: row[key] for key in ("patchCount", "assetCount", "taggedAssetCount", "linkedJobReferenceCount")} == {
        "patchCount": 1,
        "assetCount": 1,
        "taggedAssetCount": None,
        "linkedJobReferenceCount": 1,
    }
    assert row["tags"] == [
        {"id": str(two.public_id), "name": "two"},
        {"id": str(one.public_id), "name": "one"},
    ]
    assert row["matchAllTags"] == [str(one.public_id)]
    assert row["exclusionTags"] == [str(three.public_id)]
    assert row["exclusionAssetIds"] == [str(outside.public_id)]
    assert row["coAuthorUserIds"] == [str(bob.user.public_id)]
    assert (of_child["id"], of_child["linkedJobId"]) == (str(child.public_id), str(parent.public_id))
    assert of_child["created"]["user"]["name"] == "bob"


def test_summary__of_a_changed_job__says_who_changed_it(ada: Person) -> None:
    job = factories.job(ada, name="before")
    ada.patch(f"deploymentjob/{job.public_id}", {"name": "after"})

    (row,) = rows(ada)

    job.refresh_from_db()
    assert row["name"] == "after"
    assert row["updated"] == {
        "user": {"id": str(ada.user.public_id), "name": "ada"},
        "date": milliseconds(job.updated_at),
    }


def test_summary__of_a_deleted_child__is_not_counted(ada: Person) -> None:
    parent = factories.job(ada, name="parent")
    child = factories.job(ada, name="child", linkedJobId=str(parent.public_id))
    ada.delete(f"deploymentjob/{child.public_id}")

    (row,) = rows(ada)

    assert (row["name"], row["linkedJobReferenceCount"]) == ("parent", 0)


def test_summary__before_and_while_a_run_goes_on__says_how_far_it_is(ada: Person) -> None:
    job, run = started(ada, hosts=3)
    HostTask.objects.filter(run=run, pk=run.host_tasks.order_by("pk")[0].pk).update(
        state=HostTaskState.FAILED, reason="patch_failed", finished_at=NOW
    )

    (row,) = rows(ada)

    figures = ("triggerStatus", "completionPercent", "totalAssetCount", "applicableAssetCount")
    assert [row[key] for key in figures] == ["Running", 25, 4, 4]
    assert row["assetResultReceivedCount"] == 1
    assert row["lastScheduleDateTime"] == milliseconds(run.scheduled_for)
    assert rows(ada, "?query=completionPercent:25") == rows(ada, "?query=totalAssetCount:4") == [row]
    assert rows(ada, "?query=completionPercent > 25") == rows(ada, "?query=not triggerStatus:Running") == []
    assert rows(ada, "?query=assetResultReceivedCount:1 and applicableAssetCount:4") == [row]
    assert Job.objects.get().pk == job.pk


def test_summary__after_a_run__counts_what_it_counted(ada: Person) -> None:
    _, run = started(ada, hosts=1)
    end(run, HostTaskState.SUCCEEDED)

    (row,) = rows(ada)

    figures = ("triggerStatus", "completionPercent", "totalAssetCount", "assetResultReceivedCount")
    assert [row[key] for key in figures] == ["Completed", 100, 2, 2]
    (job,) = ada.get("deploymentjobs").json()
    assert [job[key] for key in ("jobTriggerStatus", *figures[1:])] == ["Completed", 100, 2, 2]
    assert rows(ada, "?query=completionPercent:100") == [row]


def started(by: Person, *, hosts: int, name: str = "a job") -> tuple[Job, Run]:
    """An On-demand job with actions for so many hosts and one more, and its run, resolved."""
    assets = [str(factories.asset(by.customer).public_id) for _ in range(hosts + 1)]
    job = factories.job(by, name=name, assetIds=assets, preDeployActions=[factories.script()], status="Enabled")
    run = Run.objects.filter(job=job).order_by("-instance")[0]
    services.resolve(run_id=run.pk, at=NOW)
    run.refresh_from_db()
    job.refresh_from_db()
    return job, run


def end(run: Run, state: HostTaskState) -> None:
    """Let all hosts of a run end so, and close it."""
    at = NOW + timedelta(minutes=5)
    run.host_tasks.update(state=state, reason="done", finished_at=at, lease_until=None)
    services.close(run_id=run.pk, at=at)


@pytest.mark.parametrize("jobs", [1, 7])
def test_summary__of_many_jobs__takes_a_constant_number_of_queries(
    ada: Person, django_assert_num_queries: Any, jobs: int
) -> None:
    tag = factories.tag(ada.customer, "web")
    for number in range(jobs):
        job, _ = started(ada, hosts=1, name=f"job {number}")
        factories.job(ada, name=f"child {number}", linkedJobId=str(job.public_id), assetTagIds=[str(tag.public_id)])
    first = ada.get("deploymentjobs/summary?pageSize=1").headers["searchAfter"]

    # Four of the request and who asks; the page, three kinds of links, runs, hosts.
    with django_assert_num_queries(QUERIES):
        assert len(rows(ada, "?pageSize=100")) == 2 * jobs
    with django_assert_num_queries(QUERIES):
        assert len(rows(ada, f"?pageSize=100&searchAfter={first}")) == 2 * jobs - 1


QUERIES = 10
