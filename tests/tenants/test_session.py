"""The browser's way in: the sign-in page, the session with CSRF, the browsable API, signing out."""

import re
from typing import Any

import pytest
from django.test import Client

from core.customer_context import acting_for, enter
from tenants.models import User
from tests import factories
from tests.factories import Person

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html"}


@pytest.fixture
def grace(db: None) -> Person:
    """Somebody with a password."""
    person = factories.person(customer=factories.customer("Acme & Sons"), username="grace", password=PASSWORD)
    enter(person.customer.pk)
    return person


@pytest.fixture
def browser() -> Client:
    """As strict about CSRF as the service is."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def sign_in(browser: Client, password: str = PASSWORD, **more: str) -> Any:
    """Open the page, fill it in, send it."""
    page = browser.get("/sign-in", more)
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    return browser.post(
        "/sign-in", {"username": "grace", "password": password, "csrfmiddlewaretoken": token, **more}, headers=HTML
    )


def csrf(browser: Client) -> dict[str, str]:
    """The header that a script of our own pages sends."""
    return {"X-CSRFToken": browser.cookies["csrftoken"].value}


def test_sign_in_page__right_password__leads_to_the_jobs(browser: Client, grace: Person) -> None:
    answer = sign_in(browser)

    assert answer.status_code == 302
    assert answer.headers["Location"] == "/pm/v1/deploymentjobs"
    assert browser.get("/pm/v1/tags").status_code == 200


def test_sign_in_page__wanted_to_go_elsewhere__goes_there(browser: Client, grace: Person) -> None:
    answer = sign_in(browser, next="/pm/v1/tags?pageSize=5")

    assert answer.headers["Location"] == "/pm/v1/tags?pageSize=5"


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:x",
    ],
)
def test_sign_in_page__led_to_another_site__stays_here(browser: Client, grace: Person, onward: str) -> None:
    location = sign_in(browser, next=onward).headers["Location"]

    assert location.startswith("/")
    assert not re.match(r"/[\\/\s]", location)


def test_sign_in_page__wrong_password__says_so_and_signs_nobody_in(browser: Client, grace: Person) -> None:
    answer = sign_in(browser, password="wrong", next="/pm/v1/tags")

    text = answer.content.decode()
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "The user name or the password is wrong." in text
    assert 'value="/pm/v1/tags"' in text
    assert browser.get("/pm/v1/tags").status_code == 401


def test_sign_in_page__nul_in_the_name__is_no_crash(browser: Client, db: None) -> None:
    page = browser.get("/sign-in")
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode())

    answer = browser.post("/sign-in", {"username": "a\0b", "password": "x", "csrfmiddlewaretoken": token}, headers=HTML)

    assert answer.status_code in {400, 401}


def test_sign_in_page__without_csrf__is_403(browser: Client, grace: Person) -> None:
    answer = browser.post("/sign-in", {"username": "grace", "password": PASSWORD}, headers=HTML)

    assert answer.status_code == 403
    assert browser.get("/pm/v1/tags").status_code == 401


def test_sign_in_page__planted_session__is_exchanged(browser: Client, grace: Person) -> None:
    sign_in(browser)
    first = browser.cookies["sessionid"].value

    sign_in(browser)

    assert browser.cookies["sessionid"].value != first
    assert browser.cookies["sessionid"]["httponly"]


def test_session__writes_without_csrf__is_403_in_json(browser: Client, grace: Person) -> None:
    sign_in(browser)

    answer = browser.post("/pm/v1/tags", '{"name": "new"}', content_type="application/json")

    assert answer.status_code == 403
    assert answer.json()["errorCode"] == "1922"


def test_session__writes_with_csrf__works(browser: Client, grace: Person) -> None:
    sign_in(browser)

    answer = browser.post("/pm/v1/tags", '{"name": "new"}', content_type="application/json", headers=csrf(browser))

    assert answer.status_code == 201


def test_browsable_api__its_delete_button__works(browser: Client, grace: Person) -> None:
    sign_in(browser)
    tag = factories.tag(grace.customer, "old")

    # As the page's own script sends it: a form without fields.
    kind = "application/x-www-form-urlencoded; charset=UTF-8"
    answer = browser.delete(f"/pm/v1/tag/{tag.public_id}", content_type=kind, headers=csrf(browser))

    assert answer.status_code == 200


def test_browsable_api__signed_in__names_person_customer_and_role(browser: Client, grace: Person) -> None:
    sign_in(browser)

    answer = browser.get("/pm/v1/deploymentjobs", headers=HTML)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "grace · Acme &amp; Sons · admin" in answer.content.decode()


@pytest.mark.parametrize("path", ["/pm/v1/deploymentjobs", "/pm/v1/deploymentjob", "/pm/v1/tags", "/pm/v1/assets"])
def test_browsable_api__every_page__renders(browser: Client, grace: Person, path: str) -> None:
    sign_in(browser)

    answer = browser.get(path, headers=HTML)

    assert answer.status_code in {200, 405}
    assert "<html" in answer.content.decode()


def test_browsable_api__nobody_signed_in__offers_to(browser: Client, db: None) -> None:
    answer = browser.get("/pm/v1/deploymentjobs", headers=HTML)

    assert answer.status_code == 401
    assert 'href="/sign-in?next=/pm/v1/deploymentjobs"' in answer.content.decode()


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "argon2$changed"}])
def test_session__person_is_deactivated_or_has_a_new_password__ends(
    browser: Client, grace: Person, change: dict[str, Any]
) -> None:
    sign_in(browser)
    with acting_for(grace.customer.pk):
        User.objects.filter(pk=grace.user.pk).update(**change)

    assert browser.get("/pm/v1/tags").status_code == 401


def test_sign_out__by_the_button__ends_the_session(browser: Client, grace: Person) -> None:
    sign_in(browser)
    cookie = browser.cookies["sessionid"].value

    answer = browser.post("/sign-out", headers=csrf(browser))

    assert answer.status_code == 302
    browser.cookies["sessionid"] = cookie
    assert browser.get("/pm/v1/tags").status_code == 401


def test_sign_out__by_the_api__ends_the_session(browser: Client, grace: Person) -> None:
    sign_in(browser)
    cookie = browser.cookies["sessionid"].value

    answer = browser.post("/auth/logout", content_type="application/json", headers=csrf(browser))

    assert answer.status_code == 204
    browser.cookies["sessionid"] = cookie
    assert browser.get("/pm/v1/tags").status_code == 401


def test_sign_out__by_a_link__does_nothing(browser: Client, grace: Person) -> None:
    sign_in(browser)

    answer = browser.get("/sign-out")

    assert answer.status_code == 405
    assert browser.get("/pm/v1/tags").status_code == 200


def test_sign_out__without_csrf__is_403(browser: Client, grace: Person) -> None:
    sign_in(browser)

    assert browser.post("/sign-out").status_code == 403
    assert browser.get("/pm/v1/tags").status_code == 200
