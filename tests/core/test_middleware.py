"""Request ids, the access log, and JSON for whatever fails."""

import logging
import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from core import logs
from core.middleware import RequestIdMiddleware

# Without sessions and sign-in: these tests ask no database.
pytestmark = pytest.mark.urls("tests.core.urls")


@pytest.fixture
def client(settings) -> Client:
    settings.MIDDLEWARE = ["core.middleware.RequestIdMiddleware", "django.middleware.common.CommonMiddleware"]
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def no_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.handlers.base import BaseHandler

    monkeypatch.setattr(BaseHandler, "make_view_atomic", lambda self, view: view)


@pytest.mark.parametrize("sent", ["a", "A-1_b.2", "x" * 128])
def test_request_id__usable__is_echoed(client: Client, sent: str) -> None:
    assert client.get("/page/reads", headers={"X-Request-ID": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 129, "a b", "a\u00e4", "a;b", "<script>"])
def test_request_id__missing_or_unusable__is_made(client: Client, sent: str | None) -> None:
    answer = client.get("/page/reads", headers={} if sent is None else {"X-Request-ID": sent})

    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])


@pytest.mark.parametrize(
    ("path", "status", "error_code"),
    [
        ("/nowhere", 404, "1930"),
        ("/pm/fails/404", 404, "1930"),
        ("/pm/fails/403", 403, "1922"),
        ("/pm/fails/413", 413, "1904"),
        ("/pm/fails/409", 409, "1920"),
        ("/pm/fails/500", 500, "999"),
        ("/pm/says/400", 400, "1905"),
        ("/pm/says/405", 405, "1908"),
        ("/pm/says/418", 418, "1905"),
        ("/pm/says/429", 429, "1965"),
        ("/pm/says/502", 502, "999"),
        ("/pm/says/503", 503, "999"),
        ("/pm/echo", 405, "1908"),
    ],
)
def test_failure__of_any_origin__is_the_contracts_json(client: Client, path: str, status: int, error_code: str) -> None:
    answer = client.get(path, headers={"X-Request-ID": "r1"})

    body = answer.json()
    assert answer.status_code == body["status"] == status
    assert (body["errorCode"], body["_error"]["errorCode"], body["requestId"]) == (error_code, error_code, "r1")
    assert answer["X-Request-ID"] == "r1"
    assert "secret" not in answer.content.decode()


def test_failure__made_json__keeps_the_headers_that_matter(client: Client) -> None:
    assert client.get("/pm/says/429")["Retry-After"] == "3"
    assert client.post("/page/reads")["Allow"] == "GET"


def test_failure__of_a_page__stays_a_page(client: Client) -> None:
    answer = client.get("/page/says/401")

    assert (answer.status_code, answer.content) == (401, b"<h1>no</h1>")


def test_failure__without_any_body__is_json_everywhere(client: Client) -> None:
    assert client.post("/page/reads").json()["errorCode"] == "1908"


def test_failure__host_that_is_not_ours__is_json(client: Client, settings) -> None:
    settings.ALLOWED_HOSTS = ["ours"]

    answer = client.get("/page/reads", headers={"Host": "theirs"})

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "1905")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error_code"),
    [
        ('{"a": 1', "application/json", 400, "1905"),
        ("[" * 10_000, "application/json", 400, "1904"),
        (b"\xff", "application/json", 400, "1905"),
        ("<a/>", "text/xml", 415, "1909"),
        (" " * 3_000_000, "application/json", 413, "1904"),
    ],
)
def test_body__that_cannot_be_read__is_refused_in_json(
    client: Client, body: str | bytes, content_type: str, status: int, error_code: str
) -> None:
    answer = client.put("/pm/echo", body, content_type=content_type)

    assert (answer.status_code, answer.json()["errorCode"]) == (status, error_code)


def test_body__without_announced_length__is_refused_and_not_taken_for_empty(client: Client) -> None:
    answer = client.put("/pm/echo", headers={"Transfer-Encoding": "chunked"}, CONTENT_LENGTH="")

    assert (answer.status_code, answer.json()["status"]) == (411, 411)


def test_escaped_exception__is_logged_and_answered() -> None:
    def broken(request: HttpRequest) -> HttpResponse:
        raise RuntimeError("secret")

    answer = RequestIdMiddleware(broken)(RequestFactory().get("/x"))

    assert isinstance(answer, HttpResponse)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/json")
    assert b"secret" not in answer.content


def test_access_log__each_request__is_one_line_without_the_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="access")

    client.get("/page/reads?token=hunter2", headers={"X-Request-ID": "r9"})

    (line,) = [record for record in caplog.records if record.name == "access"]
    assert (line.method, line.path, line.status) == ("GET", "/page/reads", 200)  # type: ignore[attr-defined]
    assert line.ms >= 0  # type: ignore[attr-defined]
    assert "hunter2" not in logs.JSONFormatter().format(line)


def test_bound_ids__after_the_request__are_gone(client: Client) -> None:
    client.get("/page/reads")

    assert logs.bound() == {}
