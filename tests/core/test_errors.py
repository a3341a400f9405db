"""One JSON shape for every failure."""

import json
import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import exceptions as django_exceptions
from django.db import DataError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions as drf
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from core import errors, logs

KINDS = [
    (errors.InvalidInput, 400, "1905", "Bad Request"),
    (errors.NotSignedIn, 401, "1910", "Unauthorized"),
    (errors.NotPermitted, 403, "1922", "Forbidden"),
    (errors.NotFound, 404, "1930", "Not Found"),
    (errors.Conflict, 409, "1920", "Conflict"),
    (errors.PreconditionFailed, 412, "1960", "Precondition Failed"),
    (errors.TooLarge, 413, "1904", "Request Entity Too Large"),
    (errors.UnsupportedContentType, 415, "1909", "Unsupported Media Type"),
    (errors.TooManyRequests, 429, "1965", "Too Many Requests"),
    (errors.Unavailable, 503, "999", "Service Unavailable"),
]


@pytest.mark.parametrize(("kind", "status", "error_code", "phrase"), KINDS)
def test_body_of__each_kind__has_the_contracts_shape(
    kind: type[errors.DomainError], status: int, error_code: str, phrase: str
) -> None:
    with logs.bind(request_id="r1"):
        body = errors.body_of(kind("It is so."))

    assert body == {
        "status": status,
        "error": phrase,
        "errorCode": error_code,
        "message": "It is so.",
        "_error": {"errorCode": error_code, "message": "It is so."},
        "errors": [],
        "requestId": "r1",
    }


@pytest.mark.parametrize(("kind", "status", "error_code", "phrase"), KINDS)
def test_domain_error__without_message__has_one(
    kind: type[errors.DomainError], status: int, error_code: str, phrase: str
) -> None:
    error = kind()

    assert str(error) == error.message == error.default_message
    assert error.status_code == error.status == status


def test_invalid_input__with_problems__speaks_of_the_first_and_lists_all() -> None:
    error = errors.InvalidInput(
        problems=[
            errors.Problem("a.b[0]", "required", "is required", errors.MISSING),
            errors.Problem("", "invalid", "Something else."),
        ]
    )

    body = errors.body_of(error)

    assert (body["errorCode"], body["message"]) == ("1903", "a.b[0]: is required.")
    assert body["errors"] == [
        {"field": "a.b[0]", "code": "required", "message": "is required"},
        {"field": "", "code": "invalid", "message": "Something else."},
    ]


def test_invalid_input__code_of_one_error__does_not_stick_to_the_class() -> None:
    errors.InvalidInput(problems=[errors.Problem("pageNumber", "too_far", "no", "2501")])

    assert errors.InvalidInput("x").error_code == "1905"


def test_domain_error__pickled__keeps_its_message() -> None:
    copy = pickle.loads(pickle.dumps(errors.Conflict("The run has ended.")))

    assert (type(copy), str(copy)) == (errors.Conflict, "The run has ended.")


def test_headers__own_and_given__are_merged() -> None:
    assert errors.NotSignedIn().headers == {"WWW-Authenticate": "Bearer"}
    assert errors.Unavailable(headers={"Retry-After": "60"}).headers == {"Retry-After": "60"}


def test_rate_limit_headers__fractions__are_whole_seconds_upwards() -> None:
    headers = errors.rate_limit_headers(limit=300, remaining=0, window=3600, wait=1.2)

    assert headers == {
        "Retry-After": "2",
        "X-RateLimit-Limit": "300",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Window-Sec": "3600",
        "X-RateLimit-ToWait-Sec": "2",
    }


@pytest.mark.parametrize(
    ("raised", "status", "error_code"),
    [
        (drf.ParseError(), 400, "1905"),
        (drf.ValidationError({"a": ["no"]}), 400, "1905"),
        (drf.MethodNotAllowed("PUT"), 405, "1908"),
        (drf.NotAuthenticated(), 401, "1910"),
        (drf.AuthenticationFailed(), 401, "1910"),
        (drf.PermissionDenied(), 403, "1922"),
        (drf.NotFound("Run 17 of another customer"), 404, "1930"),
        (drf.NotAcceptable(), 406, "1905"),
        (drf.UnsupportedMediaType("text/xml"), 415, "1909"),
        (drf.Throttled(3), 429, "1965"),
        (drf.APIException("secret"), 500, "999"),
        (Http404("No Run matches"), 404, "1930"),
        (django_exceptions.PermissionDenied(), 403, "1922"),
        (django_exceptions.RequestDataTooBig(), 413, "1904"),
        (django_exceptions.TooManyFieldsSent(), 400, "1905"),
        (django_exceptions.SuspiciousOperation("secret"), 400, "1905"),
        (django_exceptions.BadRequest("secret"), 400, "1905"),
        (OperationalError("secret"), 503, "999"),
        (DataError("secret"), 500, "999"),
        (ZeroDivisionError("secret"), 500, "999"),
        (RecursionError("secret"), 500, "999"),
    ],
)
def test_as_domain_error__each_exception__has_its_status_and_tells_nothing(
    raised: Exception, status: int, error_code: str
) -> None:
    error = errors.as_domain_error(raised)

    assert (error.status, error.error_code) == (status, error_code)
    assert "secret" not in json.dumps(errors.body_of(error))


def test_not_found__of_whatever_origin__is_one_text() -> None:
    texts = {
        errors.body_of(errors.as_domain_error(each))["message"]
        for each in (errors.NotFound(), Http404("Job 5"), drf.NotFound("Run 6"))
    }

    assert texts == {"not found"}


def test_validation_error__nested__becomes_paths() -> None:
    class Inner(serializers.Serializer[Any]):
        size = serializers.IntegerField()

    class Outer(serializers.Serializer[Any]):
        name = serializers.CharField()
        items = Inner(many=True)

    outer = Outer(data={"items": [{"size": 1}, {"size": "x"}]})
    outer.is_valid()

    problems = errors.as_domain_error(drf.ValidationError(outer.errors)).problems

    assert {(one.field, one.code, one.error_code) for one in problems} == {
        ("name", "required", "1903"),
        ("items[1].size", "invalid", "1905"),
    }


class _Bytes(BaseRenderer):
    media_type = "text/plain"
    format = "txt"

    def render(self, data: object, accepted_media_type: object = None, renderer_context: object = None) -> bytes:
        raise AssertionError("an error must not be rendered as text")


class _PerMinute(SimpleRateThrottle):
    rate = "2/min"

    def get_cache_key(self, request: object, view: object) -> str:
        return "one for all"

    def allow_request(self, request: object, view: object) -> bool:
        return False

    def wait(self) -> float:
        return 30.5


def _answer(
    raised: Exception, *, accept: str = "*/*", renderers: Any = (_Bytes, JSONRenderer), **attributes: Any
) -> Any:
    class Failing(APIView):
        authentication_classes = ()
        permission_classes = ()
        renderer_classes = renderers

        def get(self, request: object) -> Response:
            raise raised

    view = Failing.as_view(**attributes)
    return view(APIRequestFactory().get("/x", HTTP_ACCEPT=accept)).render()


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "application/json", "image/png", "nonsense", "", "a" * 9000])
def test_handler__whatever_accept_says__answers_json(accept: str) -> None:
    answer = _answer(errors.Conflict("It runs."), accept=accept)

    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["status"] == answer.status_code
    assert answer.status_code in {409, 406}


def test_handler__page_was_asked_for__stays_a_page() -> None:
    answer = _answer(errors.Conflict("It runs."), accept="text/html", renderers=(JSONRenderer, BrowsableAPIRenderer))

    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("text/html")
    assert b"It runs." in answer.content


def test_handler__bug__tells_the_request_id_and_logs_the_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with logs.bind(request_id="r7"):
        answer = _answer(ZeroDivisionError("the password is hunter2"))

    assert answer.status_code == 500
    assert json.loads(answer.content)["requestId"] == "r7"
    assert b"hunter2" not in answer.content
    assert [record.exc_info is not None for record in caplog.records if record.name == "core.errors"] == [True]


def test_handler__method_that_is_not_there__says_which_are() -> None:
    view = APIView.as_view(authentication_classes=(), permission_classes=(), renderer_classes=(JSONRenderer,))

    answer = view(APIRequestFactory().put("/x")).render()

    assert (answer.status_code, answer.data["errorCode"], answer["Allow"]) == (405, "1908", "OPTIONS")


def test_handler__not_authenticated_without_a_scheme__is_still_401() -> None:
    answer = _answer(drf.NotAuthenticated())

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_handler__throttled__carries_the_rate_limit_headers() -> None:
    answer = _answer(AssertionError("not reached"), throttle_classes=(_PerMinute,))

    assert answer.status_code == 429
    assert {name: answer[name] for name in errors.rate_limit_headers(limit=0, remaining=0, window=0, wait=0)} == {
        "Retry-After": "31",
        "X-RateLimit-Limit": "2",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Window-Sec": "60",
        "X-RateLimit-ToWait-Sec": "31",
    }


@pytest.mark.parametrize(
    ("answer", "status", "error_code"),
    [
        (lambda request: errors.bad_request(request, django_exceptions.RequestDataTooBig()), 413, "1904"),
        (errors.bad_request, 400, "1905"),
        (lambda request: errors.permission_denied(request, Exception("secret")), 403, "1922"),
        (lambda request: errors.page_not_found(request, Exception("secret")), 404, "1930"),
        (errors.server_error, 500, "999"),
    ],
)
def test_plain_handlers__each__answers_the_same_json(answer: Any, status: int, error_code: str) -> None:
    response = answer(RequestFactory().get("/x"))

    body = json.loads(response.content)
    assert (response.status_code, body["status"], body["errorCode"]) == (status, status, error_code)
    assert "secret" not in response.content.decode()


def test_handler__inside_the_requests_transaction__rolls_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    rolled_back: list[bool] = []
    connection = SimpleNamespace(
        settings_dict={"ATOMIC_REQUESTS": True}, in_atomic_block=True, set_rollback=rolled_back.append
    )
    monkeypatch.setattr(errors, "connections", SimpleNamespace(all=lambda **_: [connection]))

    errors.exception_handler(errors.Conflict(), {"request": None, "view": None})

    assert rolled_back == [True]
