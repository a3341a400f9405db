"""`POST /deploymentjob?replace=true`: a definition takes the place of the one with its external id, at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from core.customer_context import acting_for
from core.models import Event
from deployments.models import Job, Run
from tests import factories
from tests.factories import Person

PATH = "deploymentjob?replace=true"


@pytest.fixture
def committed_ada(committed: None) -> Iterator[Person]:
    """A person whose rows other connections see."""
    yield factories.person(customer=factories.customer(), username="ada")


def nightly(**changes: Any) -> dict[str, Any]:
    """An interval job, as pipelines send it again and again."""
    daily = {"scheduleType": "Daily", "startDateTime": "2031-04-14 01:00:00 AM", "externalId": "nightly"}
    return factories.job_body(**{**daily, **changes})


def test_supersede__first_time__creates(ada: Person) -> None:
    answer = ada.post(PATH, nightly())

    assert answer.status_code == 201, answer.json()
    assert answer.headers["Location"].endswith(Job.objects.get().public_id.__str__())


def test_supersede__again__keeps_id_status_and_history_and_resets_the_rest(ada: Person) -> None:
    host = factories.asset(ada.customer)
    sent = nightly(assetIds=[str(host.public_id)], preDeployActions=[factories.script()])
    first = ada.post(PATH, sent | {"status": "Enabled", "description": "goes away"}).json()
    ada.post(f"deploymentjob/{first['id']}/run")

    answer = ada.post(PATH, sent | {"name": "renamed"})

    second = answer.json()
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert (second["id"], second["status"]) == (first["id"], "Enabled")
    assert (second["name"], second["description"]) == ("renamed", None)
    assert ada.get("deploymentjob/nightly/history").json()["jobHistoryTotal"] == 1
    assert list(Event.objects.filter(kind__in=["job.created", "job.changed"]).values_list("kind", flat=True)) == [
        "job.created", "job.changed",
    ]  # fmt: skip


def test_supersede__wrong_body__changes_nothing(ada: Person) -> None:
    first = ada.post(PATH, nightly()).json()

    answer = ada.post(PATH, nightly(name="", timeout=7000))

    assert answer.status_code == 400
    assert {one["field"] for one in answer.json()["errors"]} == {"name", "timeout"}
    assert ada.get("deploymentjob/nightly").json() == first


def test_supersede__without_external_id__is_refused_at_the_field(ada: Person) -> None:
    answer = ada.post(PATH, factories.job_body())

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == ["externalId"]
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ([], [""]),
        (nightly(externalId="x" * 300), ["externalId"]),
        (nightly(externalId=None, timeout=7000), ["externalId", "timeout"]),
    ],
)
def test_supersede__no_external_id_to_go_by__tells_all_that_is_wrong(ada: Person, body: Any, fields: list[str]) -> None:
    answer = ada.post(PATH, body)

    assert answer.status_code == 400
    assert sorted(one["field"] for one in answer.json()["errors"]) == fields


def test_supersede__while_the_job_is_deleted__ends_with_a_live_one_or_before_the_deletion(
    committed_ada: Person,
) -> None:
    for _ in range(5):
        gone = committed_ada.post(PATH, nightly()).json()["id"]

        superseded, deleted = factories.at_once(
            lambda work: work(),
            lambda: committed_ada.post(PATH, nightly(name="next")),
            lambda gone=gone: committed_ada.delete(f"deploymentjob/{gone}"),
        )

        assert (superseded.status_code, deleted.status_code) in {(200, 200), (201, 200)}
        live = committed_ada.get(f"deploymentjob/{superseded.json()['id']}").status_code
        assert live == (404 if superseded.status_code == 200 else 200)
        committed_ada.delete(f"deploymentjob/{superseded.json()['id']}")


@pytest.mark.parametrize("word", ["false", "0", ""])
def test_create__replace_is_false__conflicts_with_the_live_one(ada: Person, word: str) -> None:
    ada.post(PATH, nightly())

    assert ada.post(f"deploymentjob?replace={word}", nightly()).status_code == 409


def test_supersede__run_once_job_that_was_enabled__is_refused(ada: Person) -> None:
    host = str(factories.asset(ada.customer).public_id)
    body = factories.job_body(externalId="once", assetIds=[host], preDeployActions=[factories.script()])
    ada.post(PATH, body | {"status": "Enabled"})

    assert ada.post(PATH, body).status_code == 409


def test_supersede__anothers_external_id__is_a_new_job(ada: Person) -> None:
    factories.stranger().post(PATH, nightly())

    assert ada.post(PATH, nightly()).status_code == 201


def test_supersede__by_somebody_who_may_not_edit_it__is_refused(ada: Person) -> None:
    ada.post(PATH, nightly())
    bob = factories.person(customer=ada.customer, role=factories.Role.OPERATOR)

    assert bob.post(PATH, nightly(name="bob's")).status_code == 403
    assert ada.get("deploymentjob/nightly").json()["name"] == "a job"


def test_supersede__twenty_at_once__make_one_job_that_is_one_of_them(committed_ada: Person) -> None:
    names = [f"version {number}" for number in range(20)]

    answers = factories.at_once(lambda name: committed_ada.post(PATH, nightly(name=name)), *names)

    codes = [getattr(answer, "status_code", answer) for answer in answers]
    assert sorted(codes) == [200] * 19 + [201]
    with acting_for(committed_ada.customer.pk):
        job = Job.objects.get()
        assert (job.name in names, job.revision) == (True, 20)
        assert not Run.objects.exists()


def test_idempotency__same_key_with_and_without_replace__conflicts(ada: Person) -> None:
    key = {"Idempotency-Key": "k"}
    ada.post(PATH, nightly(), **key)

    assert ada.post("deploymentjob", nightly(), **key).status_code == 409
    assert ada.post(PATH, nightly(), **key).status_code == 201
