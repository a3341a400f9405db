"""`Idempotency-Key`: one effect and one answer, however often and however many at once."""

import threading
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from core import idempotency
from core.customer_context import acting_for
from core.models import IdempotencyKey
from deployments.models import Job
from tests import factories
from tests.factories import Person

KEY = {"Idempotency-Key": "k1"}


def test_create__same_key_and_body__is_the_first_answer_again(ada: Person) -> None:
    first = ada.post("deploymentjob", factories.job_body(), **KEY)
    second = ada.post("deploymentjob", factories.job_body(), **KEY)

    assert (second.status_code, second.json()) == (201, first.json())
    assert [second.headers[name] for name in ("Location", "ETag")] == [
        first.headers[name] for name in ("Location", "ETag")
    ]
    assert Job.objects.count() == 1


def test_create__same_key_other_body__conflicts(ada: Person) -> None:
    ada.post("deploymentjob", factories.job_body(), **KEY)

    answer = ada.post("deploymentjob", factories.job_body(name="other"), **KEY)

    assert (answer.status_code, answer.json()["errorCode"]) == (409, "1920")
    assert Job.objects.count() == 1


def test_create__refused_the_first_time__may_be_repaired_with_the_same_key(ada: Person) -> None:
    refused = ada.post("deploymentjob", factories.job_body(type="x"), **KEY)
    repaired = ada.post("deploymentjob", factories.job_body(), **KEY)

    assert (refused.status_code, repaired.status_code) == (400, 201)


def test_key__other_route_or_customer__is_another_key(ada: Person) -> None:
    stranger = factories.stranger()

    answers = [
        ada.post("deploymentjob", factories.job_body(), **KEY),
        ada.post("tags", {"name": "web"}, **KEY),
        stranger.post("deploymentjob", factories.job_body(), **KEY),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 201]


def test_key__too_long__is_named(ada: Person) -> None:
    answer = ada.post("deploymentjob", factories.job_body(), **{"Idempotency-Key": "k" * 256})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")


def test_create__many_at_once_with_one_key__make_one_job(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    ids: list[str] = []

    def post() -> None:
        answer = ada.post("deploymentjob", factories.job_body(), **KEY)
        ids.append(answer.json()["id"] if answer.status_code == 201 else str(answer.status_code))
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    with acting_for(ada.customer.pk):
        jobs = [str(one) for one in Job.objects.values_list("public_id", flat=True)]
    assert (len(jobs), ids) == (1, jobs * 12)


def test_forget_old__after_a_day__forgets_only_those(committed: None) -> None:
    ada = factories.person(customer=factories.customer())
    for key in ("old", "new"):
        ada.post("deploymentjob", factories.job_body(), **{"Idempotency-Key": key})
    with acting_for(ada.customer.pk):
        IdempotencyKey.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))

    idempotency.forget_old()

    with acting_for(ada.customer.pk):
        assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["new"]
