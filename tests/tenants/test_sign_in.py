"""POST /auth, /auth/refresh and /auth/logout."""

import base64
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.utils import timezone

from core.customer_context import acting_for, enter
from tenants import services
from tenants.models import AccessToken, RefreshToken, Role, SignIn, User
from tests import factories
from tests.factories import Person
from tests.tenants.roles import WEB, acting_as

PASSWORD = "correct horse battery"
FORM = {"username": "grace", "password": PASSWORD, "token": "true"}


@pytest.fixture
def grace(db: None) -> Person:
    """Somebody with a password."""
    person = factories.person(customer=factories.customer("Acme"), username="grace", password=PASSWORD)
    enter(person.customer.pk)
    return person


def ask(body: dict[str, Any] | None = None, **headers: str) -> Any:
    """POST /auth as JSON, answered in JSON."""
    return Client(raise_request_exception=False).post(
        "/auth",
        json.dumps(body or FORM),
        content_type="application/json",
        headers={"Accept": "application/json"} | headers,
    )


def ask_by_form(body: dict[str, str], **headers: str) -> Any:
    """POST /auth as clients of this API family do, which send no Accept of their own."""
    kind = "application/x-www-form-urlencoded"
    return Client(raise_request_exception=False).post("/auth", urlencode(body), content_type=kind, headers=headers)


def refresh(token: str) -> Any:
    """POST /auth/refresh."""
    return Client(raise_request_exception=False).post(
        "/auth/refresh", json.dumps({"refresh_token": token}), content_type="application/json"
    )


def use(token: str) -> Any:
    """Any request with this JWT."""
    return Client(raise_request_exception=False).get("/pm/v1/tags", headers={"Authorization": f"Bearer {token}"})


def test_auth__form__answers_201_with_the_bare_token(grace: Person) -> None:
    before = timezone.now().timestamp()

    answer = ask_by_form(FORM | {"permissions": "true"})

    claims = jwt.decode(answer.content.decode(), settings.JWT_SECRET, algorithms=["HS256"])
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content == answer.content.strip()
    assert answer.content.count(b".") == 2
    assert before - 1 <= claims["exp"] - 4 * 3600 <= timezone.now().timestamp()
    assert use(answer.content.decode()).status_code == 200


def test_auth__accept_json__has_exactly_the_shape_of_the_contract(grace: Person) -> None:
    answer = ask_by_form(FORM, Accept="application/json")

    body = answer.json()
    assert answer.status_code == 201
    assert body == {
        "profile": {
            "userid": str(grace.user.public_id),
            "email": "",
            "firstname": "",
            "lastname": "",
            "customerId": str(grace.customer.public_id),
            "roles": ["admin"],
        },
        "claims_token": {
            "value": body["claims_token"]["value"],
            "exp": jwt.decode(body["claims_token"]["value"], options={"verify_signature": False})["exp"],
            "integrity_check_required": False,
        },
        "refresh_token": body["refresh_token"],
    }
    assert type(body["claims_token"]["exp"]) is int


@pytest.mark.parametrize("token", ["true", True, None, ""])
def test_auth__json_body__works(grace: Person, token: object) -> None:
    answer = ask({"username": "grace", "password": PASSWORD, "token": token})

    assert answer.status_code == 201


def test_auth__json_body_without_accept__answers_the_bare_token(client: Client, grace: Person) -> None:
    answer = client.post("/auth", json.dumps(FORM), content_type="application/json")

    assert answer.status_code == 201
    assert answer.content.count(b".") == 2


def test_auth__wrong_password_unknown_user_and_deactivated_one__answer_alike(
    grace: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = factories.person(customer=grace.customer, username="gone", password=PASSWORD)
    with acting_for(grace.customer.pk):
        User.objects.filter(pk=gone.user.pk).update(is_active=False)
    hashed: list[str] = []
    monkeypatch.setattr("tenants.services.signing_in.make_password", hashed.append)
    monkeypatch.setattr("tenants.services.signing_in.check_password", lambda password, _: hashed.append(password))

    answers = [ask_by_form({"username": name, "password": "wrong"}).json() for name in ("grace", "nobody", "gone")]

    assert len({json.dumps(answer | {"requestId": ""}, sort_keys=True) for answer in answers}) == 1
    assert (answers[0]["status"], answers[0]["errorCode"]) == (401, "1910")
    # One hash each, which is what takes the time.
    assert hashed == ["wrong", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        ({"username": "grace"}, "1903", {"password"}),
        ({"token": "true"}, "1903", {"username", "password"}),
        ({"username": None, "password": PASSWORD}, "1903", {"username"}),
        (FORM | {"tokn": "true"}, "1901", {"tokn"}),
        (FORM | {"username": "gr\0ace"}, "1905", {""}),
    ],
)
def test_auth__body_is_wrong__says_what(grace: Person, body: dict[str, Any], code: str, fields: set[str]) -> None:
    answer = ask(body)

    assert answer.status_code == 400
    assert answer.json()["errorCode"] == code
    assert {problem["field"] for problem in answer.json()["errors"]} <= fields


def test_auth__form_without_password__answers_json(db: None) -> None:
    answer = ask_by_form({"username": "grace"}, Accept="text/plain")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["errorCode"] == "1903"


def test_auth__nul_in_a_form__is_refused(db: None) -> None:
    answer = ask_by_form({"username": "a\0b", "password": "x"})

    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["/auth", "/auth/refresh", "/auth/logout"])
def test_auth__get__is_405_in_json(client: Client, ada: Person, path: str) -> None:
    answer = client.get(path, headers=ada.headers)

    assert answer.status_code == 405
    assert answer.headers["Allow"]
    assert answer.json()["errorCode"] == "1908"


def test_jwt__expired__is_401_jwt_expired(ada: Person) -> None:
    with acting_for(ada.customer.pk):
        old = services.sign_in(user=ada.user, at=timezone.now() - timedelta(hours=4))

    answer = use(old.access)

    assert answer.status_code == 401
    assert answer.json()["message"] == "JWT expired"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def _claims(ada: Person) -> dict[str, Any]:
    token = ada.headers["Authorization"].split()[1]
    return jwt.decode(token, settings.JWT_SECRET, algorithms=["HS256"])


def _tampered(ada: Person) -> str:
    head, _, signature = ada.headers["Authorization"].split()[1].split(".")
    body = base64.urlsafe_b64encode(json.dumps(_claims(ada) | {"exp": 2**33}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{signature}"


def _without_exp(ada: Person) -> str:
    return _signed({name: value for name, value in _claims(ada).items() if name != "exp"})


def _signed(claims: dict[str, Any], secret: str | None = settings.JWT_SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


FORGED: dict[str, Callable[[Person], str]] = {
    "tampered": _tampered,
    "no exp": _without_exp,
    "signature cut off": lambda ada: ada.headers["Authorization"].split()[1].rpartition(".")[0] + ".",
    "alg none": lambda ada: _signed(_claims(ada), None, "none"),
    "another secret": lambda ada: _signed(_claims(ada), "x" * 64),
    "another algorithm": lambda ada: _signed(_claims(ada), algorithm="HS512"),
    "the secret of sessions": lambda ada: _signed(_claims(ada), settings.SECRET_KEY),
    "no such token": lambda ada: _signed(_claims(ada) | {"jti": str(uuid.uuid4())}),
    "jti is no uuid": lambda ada: _signed(_claims(ada) | {"jti": "1' OR true"}),
    "jti is a number": lambda ada: _signed(_claims(ada) | {"jti": 7}),
    "exp is text": lambda ada: _signed(_claims(ada) | {"exp": "never"}),
    "exp is infinite": lambda ada: _signed(_claims(ada) | {"exp": float("inf")}),
    "empty": lambda _: "",
    "rubbish": lambda _: "rubbish",
    "three dots": lambda _: "a.b.c",
    "not ASCII": lambda _: "ü.ü.ü",
}


@pytest.mark.parametrize("how", FORGED)
def test_jwt__forged__is_401(ada: Person, how: str) -> None:
    answer = use(FORGED[how](ada))

    assert answer.status_code == 401, answer.json()
    assert answer.json()["errorCode"] == "1910"


def test_request__without_any_sign_in__is_401(client: Client, db: None) -> None:
    answer = client.get("/pm/v1/tags")

    assert answer.status_code == 401
    assert answer.json()["errorCode"] == "1910"


def test_logout__then_the_token__is_401_at_once(ada: Person) -> None:
    before = ada.get("tags").status_code

    answer = ada.post("/auth/logout")

    assert (before, answer.status_code) == (200, 204)
    assert ada.get("tags").status_code == 401


def test_logout__another_sign_in_of_the_same_person__goes_on(ada: Person) -> None:
    with acting_for(ada.customer.pk):
        other = services.sign_in(user=ada.user, at=timezone.now())

    ada.post("/auth/logout")

    assert use(other.access).status_code == 200
    assert refresh(other.refresh).status_code == 201


def test_deactivated_user__with_a_token__is_401(ada: Person) -> None:
    with acting_for(ada.customer.pk):
        tokens = services.sign_in(user=ada.user, at=timezone.now())
        User.objects.filter(pk=ada.user.pk).update(is_active=False)

    assert ada.get("tags").status_code == 401
    assert refresh(tokens.refresh).status_code == 401


def test_secrets__as_stored__are_digests(grace: Person) -> None:
    body = ask().json()

    with acting_for(grace.customer.pk):
        stored = [*RefreshToken.objects.values_list("digest", flat=True), grace.user.password]
    assert body["refresh_token"] not in " ".join(stored)
    assert grace.user.password.startswith("argon2$argon2id$")


# The refresh opens transactions of its own, of which one must stand though the request is refused.


@pytest.fixture
def tokens(committed: None) -> services.Tokens:
    """Of somebody who is signed in, committed."""
    person = factories.person(customer=factories.customer("Acme"))
    with acting_for(person.customer.pk):
        return services.sign_in(user=person.user, at=timezone.now())


def test_refresh__once__rotates(tokens: services.Tokens) -> None:
    with acting_as(WEB):
        answer = refresh(tokens.refresh)

    new = answer.json()
    assert answer.status_code == 201
    assert set(new) == {"profile", "claims_token", "refresh_token"}
    assert new["refresh_token"] != tokens.refresh
    assert use(new["claims_token"]["value"]).status_code == 200


def test_refresh__token_is_used_again__kills_the_whole_family(tokens: services.Tokens) -> None:
    new = refresh(tokens.refresh).json()

    again = refresh(tokens.refresh)

    assert again.status_code == 401
    assert refresh(new["refresh_token"]).status_code == 401
    assert use(new["claims_token"]["value"]).status_code == 401
    assert use(tokens.access).status_code == 401


@pytest.mark.parametrize("token", ["", "rt_unknown", "ü"])
def test_refresh__unknown_token__is_refused(db: None, token: str) -> None:
    assert refresh(token).status_code == 401


def test_refresh__expired__is_401(db: None) -> None:
    person = factories.person(customer=factories.customer("Acme"))
    with acting_for(person.customer.pk):
        old = services.sign_in(user=person.user, at=timezone.now() - timedelta(days=31))

    assert refresh(old.refresh).status_code == 401


def test_refresh__after_logout__is_401(tokens: services.Tokens) -> None:
    Client().post("/auth/logout", headers={"Authorization": f"Bearer {tokens.access}"})

    assert refresh(tokens.refresh).status_code == 401


def test_refresh__eight_at_once__one_succeeds_and_the_family_dies(tokens: services.Tokens) -> None:
    together = threading.Barrier(8)

    def one() -> int:
        try:
            with acting_as(WEB):
                together.wait(timeout=10)
                return int(refresh(tokens.refresh).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(future.result() for future in [threads.submit(one) for _ in range(8)])

    assert statuses == [201] + [401] * 7
    assert use(tokens.access).status_code == 401
    with acting_for(tokens.user.customer_id):
        (family,) = SignIn.objects.exclude(revoked_at=None)
        assert AccessToken.objects.filter(sign_in=family).count() == 2


def test_auth__as_the_webs_role__signs_in_and_out(committed: None) -> None:
    factories.person(customer=factories.customer("Acme"), username="grace", password=PASSWORD)

    with acting_as(WEB):
        body = ask().json()
        token = body["claims_token"]["value"]
        before = use(token).status_code
        Client().post("/auth/logout", headers={"Authorization": f"Bearer {token}"})
        after = use(token).status_code

    assert (before, after) == (200, 401)


@pytest.mark.parametrize(
    ("role", "creates_a_tag", "deletes_an_asset"),
    [(Role.VIEWER, 403, 403), (Role.OPERATOR, 201, 403), (Role.APPROVER, 201, 403), (Role.ADMIN, 201, 200)],
)
def test_role__reads_always__writes_by_its_rank(
    ada: Person, role: Role, creates_a_tag: int, deletes_an_asset: int
) -> None:
    person = factories.person(customer=ada.customer, role=role)
    asset = factories.asset(ada.customer)

    read = person.get("tags")
    written = person.post("tags", {"name": "new"})
    deleted = person.delete(f"asset/{asset.public_id}")

    assert read.status_code == 200
    assert (written.status_code, deleted.status_code) == (creates_a_tag, deletes_an_asset)
    assert {one.json()["errorCode"] for one in (written, deleted) if one.status_code == 403} <= {"1922"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "deploymentjob"),
        ("post", "deploymentjobs/update/status/Enabled"),
        ("post", "deploymentjob/{job}/run"),
        ("delete", "deploymentjob/{job}"),
        ("delete", "deploymentjobs/{job}"),
    ],
)
def test_viewer__writes_to_jobs__is_403(ada: Person, method: str, path: str) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)
    job = factories.job(ada)

    answer = getattr(viewer, method)(path.format(job=job.public_id), {})

    assert answer.status_code == 403
    assert answer.json()["errorCode"] == "1922"


def test_viewer__signs_out__may(ada: Person) -> None:
    viewer = factories.person(customer=ada.customer, role=Role.VIEWER)

    assert viewer.post("/auth/logout").status_code == 204


def test_role__is_taken_away__counts_at_once_though_the_token_says_otherwise(ada: Person) -> None:
    with acting_for(ada.customer.pk):
        User.objects.filter(pk=ada.user.pk).update(role=Role.VIEWER)

    assert ada.post("tags", {"name": "new"}).status_code == 403
