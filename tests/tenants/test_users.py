"""/users: who works for a customer, and what they may do."""

from typing import Any

import pytest
from django.test import Client

from core.customer_context import acting_for
from core.models import Event
from tenants.api.people_answers import User as UserAnswer
from tenants.models import Role, SignIn, User
from tests import factories
from tests.factories import Person

PASSWORD = "a long phrase of her own"
VERA = {"username": "vera", "password": PASSWORD, "role": "viewer", "email": "vera@example.com", "firstName": "Vera"}


def _sign_in(username: str, password: str) -> int:
    client, kind = Client(raise_request_exception=False), "application/json"
    return int(client.post("/auth", {"username": username, "password": password}, content_type=kind).status_code)


def _problems(answer: Any) -> dict[str, str]:
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_create__by_an_administrator__may_sign_in_at_once(ada: Person) -> None:
    answer = ada.post("users", VERA)

    assert answer.status_code == 201, answer.content
    UserAnswer.model_validate_json(answer.content)
    made = answer.json()
    assert answer["Location"] == f"/pm/v1/users/{made['id']}"
    assert (made["username"], made["role"], made["fullName"], made["enabled"]) == ("vera", "viewer", "Vera", True)
    assert PASSWORD not in answer.content.decode()
    assert ada.get(answer["Location"]).json() == made
    assert _sign_in("vera", PASSWORD) == 201


def test_create__with_everything_wrong__says_all_at_once(ada: Person) -> None:
    answer = ada.post("users", {"username": " vera", "role": "queen", "email": "vera at home"})

    assert answer.status_code == 400
    assert _problems(answer).keys() == {"username", "password", "role", "email"}


def test_create__weak_password__says_why(ada: Person) -> None:
    answer = ada.post("users", VERA | {"password": "12345"})

    assert answer.status_code == 400
    assert "password" in _problems(answer)
    assert not User.objects.filter(username="vera").exists()


def test_create__name_of_another_customers__conflicts_and_tells_no_more(ada: Person) -> None:
    taken = factories.stranger().user.username

    answer = ada.post("users", VERA | {"username": taken})

    assert answer.status_code == 409
    assert _problems(answer) == {"username": f"the user name {taken!r} is taken"}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_users__nobody_but_an_administrator__manages_them(ada: Person, role: Role) -> None:
    other = factories.person(customer=ada.customer, role=role)
    path = f"users/{ada.user.public_id}"

    refused = [
        other.post("users", VERA),
        other.patch(path, {"firstName": "Eve"}),
        other.patch(f"users/{other.user.public_id}", {"role": "admin"}),
        other.delete(path),
        other.post(f"{path}/password", {"password": PASSWORD}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 5
    assert other.get(path).status_code == 200
    assert other.patch(f"users/{other.user.public_id}", {"firstName": "Olga"}).json()["firstName"] == "Olga"


def test_change__switched_off__is_signed_out_with_the_next_request(ada: Person) -> None:
    vera = factories.person(customer=ada.customer, role=Role.VIEWER)
    before = vera.get("deploymentjobs").status_code

    changed = ada.patch(f"users/{vera.user.public_id}", {"enabled": False})

    assert (before, changed.json()["enabled"]) == (200, False)
    assert vera.get("deploymentjobs").status_code == 401
    assert ada.patch(f"users/{vera.user.public_id}", {"enabled": True}).json()["enabled"] is True
    # What was signed in before stays dead.
    assert vera.get("deploymentjobs").status_code == 401


@pytest.mark.parametrize("body", [{"role": None}, {"enabled": None}, {"rank": "admin"}, {"username": "eve"}])
def test_change__what_cannot_be__is_refused(ada: Person, body: dict[str, Any]) -> None:
    answer = ada.patch(f"users/{ada.user.public_id}", body)

    assert answer.status_code == 400
    assert list(_problems(answer)) == list(body)


@pytest.mark.parametrize("body", [{"role": "approver"}, {"enabled": False}])
def test_change__the_last_administrator__stays_one(ada: Person, body: dict[str, Any]) -> None:
    path = f"users/{ada.user.public_id}"

    refused = ada.patch(path, body)
    factories.person(customer=ada.customer, role=Role.ADMIN)
    allowed = ada.patch(path, body)

    assert (refused.status_code, allowed.status_code) == (409, 200)


def test_change__two_administrators_demote_each_other_at_once__one_stays(committed: None) -> None:
    ada, bob = (factories.person(customer=acme) for acme in [factories.customer()] * 2)

    def demote(by_and_of: tuple[Person, Person]) -> int:
        by, of = by_and_of
        return int(by.patch(f"users/{of.user.public_id}", {"role": "viewer"}).status_code)

    answers = factories.at_once(demote, (ada, bob), (bob, ada))

    # The other came too late: as somebody who is no administrator any more, or as the last one.
    assert sorted(answers) in ([200, 403], [200, 409])
    with acting_for(ada.customer.pk):
        assert User.objects.filter(role=Role.ADMIN).count() == 1


def test_remove__somebody_with_jobs__cannot_sign_in_and_their_jobs_stay(ada: Person) -> None:
    olga = factories.person(customer=ada.customer, role=Role.OPERATOR, username="olga", password=PASSWORD)
    job = factories.job(olga)
    key = olga.post("keys", {"name": "script"}).json()["key"]

    answer = ada.delete(f"users/{olga.user.public_id}")

    assert answer.json() == {"deleted": str(olga.user.public_id)}
    assert ada.get(f"users/{olga.user.public_id}").status_code == 404
    assert olga.user.username not in {row["username"] for row in ada.get("users").json()}
    assert olga.get("deploymentjobs").status_code == 401
    assert _sign_in("olga", PASSWORD) == 401
    assert Person(olga.user, Client(), {"Authorization": f"Bearer {key}"}).get("deploymentjobs").status_code == 401
    assert ada.get(f"deploymentjob/{job.public_id}").json()["createdBy"]["user"]["name"] == "olga"


def test_remove__oneself__conflicts(ada: Person) -> None:
    assert ada.delete(f"users/{ada.user.public_id}").status_code == 409


def test_password__ones_own__takes_the_current_one_and_ends_all_sign_ins(ada: Person) -> None:
    vera = factories.person(customer=ada.customer, role=Role.VIEWER, username="vera", password=PASSWORD)
    path = f"users/{vera.user.public_id}/password"
    new = "another phrase of hers"

    wrong = vera.post(path, {"password": new, "currentPassword": "guess"})
    absent = vera.post(path, {"password": new})
    done = vera.post(path, {"password": new, "currentPassword": PASSWORD})

    assert (wrong.status_code, absent.status_code, done.status_code) == (400, 400, 204)
    assert list(_problems(wrong)) == ["currentPassword"]
    assert vera.get("deploymentjobs").status_code == 401
    assert (_sign_in("vera", PASSWORD), _sign_in("vera", new)) == (401, 201)
    assert not SignIn.objects.filter(user=vera.user, revoked_at=None).exclude(access_tokens=None).count() > 1


def test_password__of_somebody_else__is_an_administrators_to_set(ada: Person) -> None:
    vera = factories.person(customer=ada.customer, role=Role.VIEWER, username="vera", password=PASSWORD)

    answer = ada.post(f"users/{vera.user.public_id}/password", {"password": "what ada thought of for her"})

    assert answer.status_code == 204
    assert _sign_in("vera", "what ada thought of for her") == 201


def test_list__by_role_and_by_query__finds_those(ada: Person) -> None:
    for name, role in (("olga", Role.OPERATOR), ("vera", Role.VIEWER)):
        factories.person(customer=ada.customer, role=role, username=name)

    def names(query: str) -> list[str]:
        return [row["username"] for row in ada.get(f"users{query}").json()]

    assert names("?role=viewer") == ["vera"]
    assert names("?query=username:olga") == ["olga"]
    assert names("?sort=-username")[0] == "vera"
    assert ada.get("users?roll=viewer").status_code == 400


def test_events__of_people__tell_who_and_what_and_no_secret(ada: Person) -> None:
    made = ada.post("users", VERA).json()
    ada.patch(f"users/{made['id']}", {"lastName": "Verity"})
    ada.delete(f"users/{made['id']}")

    told = Event.objects.filter(kind__startswith="user.").order_by("pk")

    assert [(event.kind, event.data["userId"]) for event in told] == [
        (f"user.{what}", made["id"]) for what in ("created", "changed", "removed")
    ]
    assert all(PASSWORD not in str(event.data) for event in told)
