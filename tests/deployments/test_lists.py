"""Lists and counts of jobs: every parameter, in order, page by page."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.models import Job
from deployments.states import RunState
from tests import factories
from tests.deployments.test_history import ended
from tests.factories import Person
from tests.properties import FACTOR

LISTS = ("deploymentjobs", "deploymentjobs/summary")


def names(person: Person, query: str, path: str = "deploymentjobs") -> list[str]:
    """The names of the jobs that a list answers, in order."""
    answer = person.get(f"{path}{query}")
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()]


def refusal(person: Person, query: str, path: str = "deploymentjobs") -> list[tuple[str, str]]:
    """The fields and messages of a refused list."""
    answer = person.get(f"{path}{query}")
    assert answer.status_code == 400, answer.content
    return [(one["field"], one["message"]) for one in answer.json()["errors"]]


@pytest.fixture
def bob(ada: Person) -> Person:
    """Another operator of ada's customer."""
    return factories.person(customer=ada.customer, username="bob")


@pytest.fixture
def jobs(ada: Person, bob: Person) -> dict[str, Job]:
    """Five jobs: ada's three, one of bob's with ada as co-author, one of bob's alone."""
    host = str(factories.asset(ada.customer).public_id)
    patch = factories.patch(ada.customer, "openssl")
    made = {
        "alpha": factories.job(ada, name="alpha", approvedPatches=[str(patch.public_id)]),
        "beta": factories.job(ada, name="beta", platform="Windows"),
        "gamma": factories.job(
            ada,
            name="gamma",
            assetIds=[host],
            preDeployActions=[factories.script()],
            status="Enabled",
            scheduleType="Daily",
            startDateTime="2030-1-1 02:30:00 AM",
        ),
        "delta": factories.job(bob, name="delta", type="Rollback", coAuthorUserIds=[str(ada.user.public_id)]),
        "omega": factories.job(bob, name="omega"),
    }
    ended(made["alpha"], RunState.MISSED)
    ended(made["alpha"], RunState.COMPLETED, Succeeded=1)
    ended(made["beta"], RunState.COMPLETED, Succeeded=1)
    ended(made["beta"], RunState.COMPLETED, Succeeded=1, Failed=1)
    ended(made["delta"], RunState.RUNNING)
    return made


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "omega delta gamma beta alpha"),
        ("?name=ET", "beta"),
        ("?status=enabled", "gamma"),
        ("?status=Disabled", "omega delta beta alpha"),
        ("?status=Running", "delta"),
        ("?status=Completed", "alpha"),
        ("?status=failed", "beta"),
        ("?status=Failed,Running", "delta beta"),
        ("?status=Enabled&status=Failed", "gamma beta"),
        ("?type=install", "omega gamma beta alpha"),
        ("?type=Uninstall", "delta"),
        ("?type=Mitigation", ""),
        ("?type=Mitigation,Rollback", "delta"),
        ("?platform=windows", "beta"),
        ("?platform=Windows,Linux", "omega delta gamma beta alpha"),
        ("?ownedJob=true", "gamma beta alpha"),
        ("?ownedJob=false", "omega delta"),
        ("?coauthorJob=true", "delta"),
        ("?coauthorJob=true&ownedJob=true", "delta gamma beta alpha"),
        ("?coauthorJob=false&ownedJob=false", "omega"),
        ("?coauthorJob=false&ownedJob=true", "gamma beta alpha"),
        ("?coauthorJob=&ownedJob=null", "omega delta gamma beta alpha"),
        ("?query=name:a and not type:Rollback", "omega gamma beta alpha"),
        ("?filter=triggerStatus:Running", "delta"),
        ("?query=lastScheduleDateTime:*", "delta beta alpha"),
        ("?havingQuery=title:openssl", "alpha"),
        ("?havingQuery=not title:openssl", ""),
        ("?query=name:a&havingQuery=platform:Linux&status=Disabled&name=lph", "alpha"),
        ("?sort=name", "alpha beta delta gamma omega"),
        ("?sort=-name", "omega gamma delta beta alpha"),
        ('?sort=[{"platform":"desc"},{"name":"asc"}]', "beta alpha delta gamma omega"),
        ("?sort=createdBy,-name", "gamma beta alpha omega delta"),
        ("?sort=name&sortOrder=desc", "omega gamma delta beta alpha"),
        ("?sort=nextScheduleDateTime,name", "gamma alpha beta delta omega"),
        ("?sort=-triggerStatus,name", "gamma omega delta alpha beta"),
        ("?sort=-patchCount,-assetCount,name", "alpha gamma beta delta omega"),
        ("?sortOrder=asc", "alpha beta gamma delta omega"),
        ("?pageSize=2&pageNumber=1", "gamma beta"),
        ("?pageNumber=9", ""),
    ],
)
def test_jobs__each_parameter__finds(jobs: Any, ada: Person, path: str, query: str, found: str) -> None:
    assert names(ada, query, path) == found.split()


@pytest.mark.parametrize("path", [*LISTS, "deploymentjobs/count"])
@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ("?statu=x", [("statu", "unknown parameter 'statu'; did you mean 'status'?")]),
        ("?status=Enable", [("status", "did you mean")]),
        ("?platform=Mac", [("platform", "must be one of")]),
        ("?ownedJob=perhaps", [("ownedJob", "must be true or false, but was 'perhaps'")]),
        ("?query=nam:x", [("query", "did you mean 'name'?")]),
        ("?filter=name:", [("query", "")]),
        ("?havingQuery=titel:x", [("havingQuery", "did you mean 'title'?")]),
        ("?query=nam:x&havingQuery=titel:x", [("query", "'name'"), ("havingQuery", "'title'")]),
    ],
)
def test_jobs__that_cannot_be_meant__refused(
    ada: Person, path: str, query: str, problems: list[tuple[str, str]]
) -> None:
    refused = refusal(ada, query, path)

    assert [field for field, _ in refused] == [field for field, _ in problems]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("?sort=nam", "sort", "did you mean 'name'?"),
        ("?sort=name:sideways", "sort", "asc or desc"),
        ("?sortOrder=sideways", "sortOrder", "one of desc, asc"),
        ("?attributes=nam", "attributes", "did you mean 'name'?"),
        ("?pageNumber=1000", "pageNumber", "searchAfter"),
        ("?pageSize=0", "pageSize", "from 1 to 10000"),
        ("?searchAfter=never", "searchAfter", "is not one"),
    ],
)
def test_jobs__listed_as_nothing_can_be__refused(ada: Person, path: str, query: str, field: str, says: str) -> None:
    ((named, message),) = refusal(ada, query, path)

    assert named == field
    assert says in message


def test_jobs__several_mistakes__are_told_at_once(ada: Person) -> None:
    refused = refusal(ada, "?query=nam:x&sort=nam&attributes=nam,name,typ")

    assert [field for field, _ in refused] == ["sort", "attributes", "attributes", "query"]


def test_jobs__past_record_ten_thousand__answers_2501(ada: Person) -> None:
    for path in LISTS:
        answer = ada.get(f"{path}?pageNumber=1000").json()

        assert answer["errorCode"] == "2501"
        assert "searchAfter" in answer["message"]


def test_jobs__attributes__are_all_that_rows_have(jobs: dict[str, Job], ada: Person) -> None:
    full = ada.get("deploymentjobs?attributes=name,createdBy.user.name,preDeployActions.action&sort=name").json()
    short = ada.get("deploymentjobs/summary?attributes=created.user.name&sort=name&pageSize=1").json()

    assert full[0] == {"name": "alpha", "createdBy": {"user": {"name": "ada"}}, "preDeployActions": None}
    assert full[3]["preDeployActions"] == [{"action": "Run Script"}]
    assert short == [{"created": {"user": {"name": "ada"}}}]


def test_jobs__every_key_of_a_row__can_be_the_only_one(jobs: dict[str, Job], ada: Person) -> None:
    for path in LISTS:
        (row,) = ada.get(f"{path}?pageSize=1").json()
        for key in row:
            assert ada.get(f"{path}?pageSize=1&attributes={key}").json() == [{key: row[key]}]


def test_jobs__deleted_and_strangers__are_in_no_list(jobs: dict[str, Job], ada: Person) -> None:
    ada.delete(f"deploymentjob/{jobs['omega'].public_id}")

    assert names(ada, "?name=omega") == names(factories.stranger(), "") == []
    assert factories.stranger().get("deploymentjobs/count").json() == {"deploymentJobs": {"count": 0}}


def test_jobs__headers__lead_through_all_pages(jobs: dict[str, Job], ada: Person) -> None:
    for path in (*LISTS,):
        seen: list[str] = []
        address: str | None = f"/pm/v1/{path}?pageSize=2&sort=-name"
        while address:
            answer = ada.get(address)
            assert answer.headers["X-Total-Count"] == "5"
            seen += [row["name"] for row in answer.json()]
            following = re.search(r'<http://testserver([^>]*)>; rel="next"', answer.headers["Link"])
            address = following and following[1]

        assert seen == ["omega", "gamma", "delta", "beta", "alpha"]


# --- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 5), ("?status=Failed", 1), ("?query=name:a&platform=Linux", 4), ("?type=Mitigation", 0)],
)
def test_count__with_conditions__counts(jobs: Any, ada: Person, query: str, count: int) -> None:
    assert ada.get(f"deploymentjobs/count{query}").json() == {"deploymentJobs": {"count": count}}


def test_count__grouped__counts_apart(jobs: Any, ada: Person) -> None:
    by_status = ada.get("deploymentjobs/count?groupBy=status&ownedJob=true").json()["deploymentJobs"]
    by_run = ada.get("deploymentjobs/count?groupBy=triggerStatus").json()["deploymentJobs"]

    assert by_status == {
        "count": 3,
        "groups": [{"value": "Disabled", "count": 2}, {"value": "Enabled", "count": 1}],
    }
    assert by_run["groups"] == [
        {"value": "Completed", "count": 2},
        {"value": None, "count": 2},
        {"value": "Running", "count": 1},
    ]


def test_count__by_what_nobody_groups_by__refused(ada: Person) -> None:
    assert refusal(ada, "?groupBy=statu", "deploymentjobs/count") == [
        ("groupBy", "cannot group by 'statu'; did you mean 'status'?")
    ]


# --- by key -----------------------------------------------------------------------------------------------------------

SORTS = [
    *("name", "type", "platform", "status", "scheduleType", "startDateTime", "timezone", "isRecurring"),
    *("nextScheduleDateTime", "lastScheduleDateTime", "triggerStatus", "completionPercent", "patchCount"),
    *("assetCount", "linkedJobReferenceCount", "created", "createdBy", "updated", "updated.user.name", "id"),
]


@settings(
    max_examples=40 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    terms=st.lists(st.tuples(st.sampled_from(["", "-"]), st.sampled_from(SORTS)), max_size=3),
    size=st.integers(1, 4),
    path=st.sampled_from(LISTS),
)
def test_jobs__walked_by_key_in_any_order__come_once_each_in_order(
    various: Person, terms: list[tuple[str, str]], size: int, path: str
) -> None:
    sort = ",".join(f"{sign}{name}" for sign, name in terms)
    at_once = names(various, f"?pageSize=100&sort={sort}", path)

    walked: list[str] = []
    cursor = ""
    while len(walked) <= len(at_once):
        answer = various.get(f"{path}?pageSize={size}&sort={sort}", **({"searchAfter": cursor} if cursor else {}))
        rows = answer.json()
        walked += [row["name"] for row in rows]
        if not rows:
            break
        cursor = answer.headers["searchAfter"]

    assert walked == at_once
    assert len(set(walked)) == 9


@pytest.fixture
def various(jobs: dict[str, Job], ada: Person, bob: Person) -> Person:
    """Nine jobs that tie in many columns and lack values in others."""
    for number, name in enumerate(("one", "two", "three")):
        job = factories.job(ada, name=name, linkedJobId=str(jobs["alpha"].public_id))
        if number:
            bob.patch(f"deploymentjob/{job.public_id}", {"description": "changed"})
    factories.job(bob, name="four", timezone="Europe/Berlin", scheduleType="Once", startDateTime="2031-1-1 10:00:00 AM")
    ada.patch(f"deploymentjob/{jobs['beta'].public_id}", {"description": "changed"})
    return ada


@pytest.mark.parametrize("more", [1, 8])
def test_jobs__full_rows__take_a_constant_number_of_queries(
    jobs: dict[str, Job], ada: Person, django_assert_num_queries: Any, more: int
) -> None:
    patch = factories.patch(ada.customer)
    for number in range(more):
        factories.job(ada, name=f"job {number}", approvedPatches=[str(patch.public_id)])

    with django_assert_num_queries(QUERIES):
        assert len(names(ada, "?pageSize=100")) == 5 + more


# Four of the request and who asks; the page, six kinds of links, the newest runs and their hosts.
QUERIES = 13


@pytest.mark.parametrize("path", ["deploymentjobs/count", "patches/count", "assets/count", "deploymentjobs"])
def test_count__page_number_that_no_list_has__is_refused_as_in_the_list(ada: Person, path: str) -> None:
    answer = ada.get(f"{path}?pageNumber=10000")

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "2501")
    assert ada.get(f"{path}?pageNumber=3").status_code == 200
