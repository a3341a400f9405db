"""/keys: what programs sign in with."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tenants.api.people_answers import Key, NewKey
from tenants.models import ApiKey, Role
from tests import factories
from tests.factories import Person


def _with(key: str, of: Person) -> Person:
    return Person(of.user, Client(raise_request_exception=False), {"Authorization": f"Bearer {key}"})


def _made(ada: Person, **body: Any) -> Any:
    answer = ada.post("keys", {"name": "nightly"} | body)
    assert answer.status_code == 201, answer.content
    NewKey.model_validate_json(answer.content)
    return answer.json()


def test_create__key__is_told_once_and_signs_in(ada: Person) -> None:
    made = _made(ada, role="operator")

    shown = ada.get(f"keys/{made['id']}")
    Key.model_validate_json(shown.content)
    assert made["key"].startswith("pk_")
    assert made["key"].endswith(made["ending"])
    assert made["key"] not in shown.content.decode()
    assert made["key"] not in str(ApiKey.objects.values().get())
    by_key = _with(made["key"], ada)
    assert by_key.get("deploymentjobs").status_code == 200
    assert by_key.post("deploymentjob", factories.job_body()).status_code == 201
    assert by_key.get("/pm/v1/deploymentjobs").json()[0]["createdBy"]["user"]["name"] == ada.user.username


def test_key__without_a_role__reads_alone(ada: Person) -> None:
    by_key = _with(_made(ada)["key"], ada)

    answer = by_key.post("deploymentjob", factories.job_body())

    assert by_key.get("deploymentjobs").status_code == 200
    assert answer.status_code == 403
    assert "the key is of the role viewer" in answer.json()["message"]


def test_key__of_somebody_whose_role_shrank__may_no_more_than_they(ada: Person) -> None:
    olga = factories.person(customer=ada.customer, role=Role.OPERATOR)
    by_key = _with(_made(olga, role="operator")["key"], olga)
    before = by_key.post("deploymentjob", factories.job_body()).status_code

    ada.patch(f"users/{olga.user.public_id}", {"role": "viewer"})

    assert (before, by_key.post("deploymentjob", factories.job_body()).status_code) == (201, 403)


def test_key__of_an_administrator__manages_neither_keys_nor_people(ada: Person) -> None:
    made = _made(ada, role="admin")
    by_key = _with(made["key"], ada)
    vera = {"username": "vera", "password": "a long phrase of her own", "role": "viewer"}

    refused = [
        by_key.post("keys", {"name": "another"}),
        by_key.delete(f"keys/{made['id']}"),
        by_key.post("users", vera),
        by_key.post(f"users/{ada.user.public_id}/password", {"password": "a long phrase of mine"}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 4
    assert by_key.get("keys").status_code == 200


def test_create__above_ones_own_role_or_in_the_past__is_refused(ada: Person) -> None:
    vera = factories.person(customer=ada.customer, role=Role.VIEWER)

    answer = vera.post("keys", {"name": "more", "role": "admin", "expiresDate": "2020-01-01T00:00:00Z"})

    assert answer.status_code == 400
    assert {error["field"] for error in answer.json()["errors"]} == {"role", "expiresDate"}


def test_key__after_its_end_or_its_revocation__is_unknown(ada: Person) -> None:
    expired, revoked = _made(ada, expiresDate="2999-01-01T00:00:00Z"), _made(ada)
    ApiKey.objects.filter(public_id=expired["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))

    answer = ada.delete(f"keys/{revoked['id']}")

    assert answer.json() == {"deleted": revoked["id"]}
    answers = [_with(made["key"], ada).get("deploymentjobs") for made in (expired, revoked)]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert {answer.json()["message"] for answer in answers} == {"The API key is not valid (any more)."}
    assert revoked["id"] not in {row["id"] for row in ada.get("keys").json()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 60), other=st.characters(codec="ascii", categories=["L", "N"]))
def test_key__with_any_character_changed__is_refused_without_a_look_for_it(ada: Person, place: int, other: str) -> None:
    key = _made(ada)["key"]
    place %= len(key)
    assume(key[place] != other)

    with CaptureQueriesContext(connection) as captured:
        answer = _with(key[:place] + other + key[place + 1 :], ada).get("deploymentjobs")

    assert answer.status_code == 401
    assert not [query for query in captured if "api_key" in query["sql"]]


def test_list__of_keys__is_ones_own_or_an_administrators_all(ada: Person) -> None:
    vera = factories.person(customer=ada.customer, role=Role.VIEWER)
    mine, hers = _made(ada)["id"], _made(vera)["id"]

    assert [row["id"] for row in vera.get("keys").json()] == [hers]
    assert [row["id"] for row in ada.get("keys").json()] == [hers, mine]
    assert vera.get(f"keys/{mine}").status_code == 404
    assert vera.delete(f"keys/{mine}").status_code == 404


def test_key__used_often__notes_it_once_a_minute(ada: Person) -> None:
    made = _made(ada)
    by_key = _with(made["key"], ada)
    by_key.get("details")
    first = ada.get(f"keys/{made['id']}").json()["lastUsedDate"]

    with CaptureQueriesContext(connection) as captured:
        by_key.get("details")

    assert first is not None
    assert not [query for query in captured if query["sql"].startswith("UPDATE")]


def test_create__too_many__conflicts(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.services.keys.MOST_KEYS", 1)
    _made(ada)

    assert ada.post("keys", {"name": "one more"}).status_code == 409
