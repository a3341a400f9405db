"""POST /pm/v1/deploymentjob."""

from deployments.models import Job
from tests import factories
from tests.factories import Person


def test_create__least_body__answers_201_with_the_whole_job(ada: Person) -> None:
    answer = ada.post("deploymentjob", factories.job_body())

    assert answer.status_code == 201, answer.json()
    assert answer.json()["status"] == "Disabled"
    assert answer.headers["Location"] == f"/pm/v1/deploymentjob/{answer.json()['id']}"
    assert Job.objects.get().name == "a job"


def test_create__many_mistakes__all_are_named_at_once(ada: Person) -> None:
    body = factories.job_body(name=None, type="Instal", assetIdz=[], timeout=500, scheduleType="Once")

    answer = ada.post("deploymentjob", body)

    assert answer.status_code == 400
    assert {problem["field"] for problem in answer.json()["errors"]} == {
        "name",
        "type",
        "assetIdz",
        "timeout",
        "startDateTime",
    }
    assert not Job.objects.exists()
