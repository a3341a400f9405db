"""What a failed request is told: DomainError, and the one place that makes JSON of it and of every other exception.

The body's shape and the error codes are the API's contract; docs/api.md lists them.
"""

import http
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from django.core import exceptions as django_exceptions
from django.core.signals import got_request_exception
from django.db import IntegrityError, InterfaceError, OperationalError, connections
from django.http import Http404, HttpRequest, JsonResponse
from psycopg2.errors import ForeignKeyViolation
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from core import logs

log = logging.getLogger(__name__)

UNKNOWN_KEY = "1901"
MISSING = "1903"
TOO_LARGE = "1904"
INVALID = "1905"
EXCLUDES = "1907"
WRONG_METHOD = "1908"
WRONG_CONTENT_TYPE = "1909"
NOT_SIGNED_IN = "1910"
CONFLICT = "1920"
NOT_PERMITTED = "1922"
QUARANTINED = "1923"
NOT_FOUND = "1930"
PRECONDITION_FAILED = "1960"
TOO_MANY_REQUESTS = "1965"
PAGED_TOO_FAR = "2501"
INTERNAL = "999"

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Renderers of these formats make pages for a person: an error may be a page there.
_PAGE_FORMATS = {"api", "html", "admin"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what was sent.

    `field` is a path of wire names, such as `postDeployActions[0].params.actionItem`; empty for the body as a whole.
    `code` is a word for programs; `message` tells a person what would be right; `error_code` is the contract's number.
    """

    field: str
    code: str
    message: str
    error_code: str = INVALID

    def sentence(self) -> str:
        """Field and message as one sentence."""
        text = f"{self.field}: {self.message}" if self.field else self.message
        return text if text.endswith((".", "?", "!")) else f"{text}."


class DomainError(drf.APIException):
    """A failure that was foreseen. Raised anywhere below a view; the caller sees status, code and message.

    It is an APIException because REST framework treats only those as refusals: a second look at `request.user` after a
    failed sign-in, and the browsable API asking whether to show a form, must not fail with it.
    """

    status: ClassVar[int] = 500
    error_code: str = INTERNAL
    default_message: ClassVar[str] = "something went wrong"
    default_headers: ClassVar[Mapping[str, str]] = _NO_HEADERS

    def __init__(
        self, message: str = "", *, problems: Sequence[Problem] = (), headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        self.problems = tuple(problems)
        self.message = message or self._message_of_problems() or self.default_message
        self.headers = {**self.default_headers, **headers}
        super().__init__(detail=self.message, code=self.error_code)
        self.status_code = self.status
        # Exceptions travel between processes by pickle, which calls the class with `args`.
        self.args = (self.message,)

    def __str__(self) -> str:
        return self.message

    def _message_of_problems(self) -> str:
        return self.problems[0].sentence() if self.problems else ""


class InvalidInput(DomainError):
    """400: what was sent cannot be meant. Takes its code and its message from the first problem."""

    status = 400
    error_code = INVALID
    default_message = "what was sent is not valid"

    def __init__(
        self, message: str = "", *, problems: Sequence[Problem] = (), headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        if problems:
            self.error_code = problems[0].error_code
        super().__init__(message, problems=problems, headers=headers)


class NotSignedIn(DomainError):
    """401: nobody is signed in, or no longer."""

    status = 401
    error_code = NOT_SIGNED_IN
    default_message = "sign in first"
    default_headers = MappingProxyType({"WWW-Authenticate": "Bearer"})


class NotPermitted(DomainError):
    """403: the caller is known and may not."""

    status = 403
    error_code = NOT_PERMITTED
    default_message = "not permitted"


class NotFound(DomainError):
    """404, in one constant text: a stranger's id cannot be told from one that never existed."""

    status = 404
    error_code = NOT_FOUND
    default_message = "not found"


class Conflict(DomainError):
    """409: not in this state."""

    status = 409
    error_code = CONFLICT
    default_message = "this cannot be done in the present state"


class PreconditionFailed(DomainError):
    """412: somebody else changed it since the caller read it."""

    status = 412
    error_code = PRECONDITION_FAILED
    default_message = "it was changed since you read it; read it again"


class TooLarge(DomainError):
    """413: more bytes than are accepted."""

    status = 413
    error_code = TOO_LARGE
    default_message = "the body is too large"


class UnsupportedContentType(DomainError):
    """415: a body in a format that is not read here."""

    status = 415
    error_code = WRONG_CONTENT_TYPE
    default_message = "send application/json"


class TooManyRequests(DomainError):
    """429. `headers` carries `Retry-After` and the `X-RateLimit-…` family; `rate_limit_headers` makes them."""

    status = 429
    error_code = TOO_MANY_REQUESTS
    default_message = "too many requests; wait before the next one"


class Unavailable(DomainError):
    """503: something that this needs does not answer at present."""

    status = 503
    error_code = INTERNAL
    default_message = "temporarily unavailable; try again"
    default_headers = MappingProxyType({"Retry-After": "5"})


class LengthRequired(DomainError):
    """411: a body whose length was not announced."""

    status = 411
    error_code = INVALID
    default_message = "send the body with a Content-Length"


class _WrongMethod(DomainError):
    status = 405
    error_code = WRONG_METHOD
    default_message = "this method is not allowed here"


class _NotAcceptable(DomainError):
    status = 406
    error_code = INVALID
    default_message = "no format that Accept names is available; application/json is"


class _Malformed(InvalidInput):
    default_message = "the request is malformed"


class _Bug(DomainError):
    default_message = "internal error; quote the requestId when you report it"


def error_body(
    *, status: int, error_code: str, message: str, problems: Sequence[Problem] = (), request_id: str | None = None
) -> dict[str, Any]:
    """The JSON of a failed request. `request_id` defaults to that of the request being served."""
    return {
        "status": status,
        "error": _phrase(status),
        "errorCode": error_code,
        "message": message,
        "_error": {"errorCode": error_code, "message": message},
        "errors": [{"field": one.field, "code": one.code, "message": one.message} for one in problems],
        "requestId": logs.request_id.get() if request_id is None else request_id,
    }


def body_of(error: DomainError) -> dict[str, Any]:
    """The JSON of one DomainError."""
    return error_body(status=error.status, error_code=error.error_code, message=error.message, problems=error.problems)


def json_response(error: DomainError) -> JsonResponse:
    """The answer outside of REST framework: in middleware and in plain views."""
    return JsonResponse(body_of(error), status=error.status, headers=error.headers)


def rate_limit_headers(*, limit: int, remaining: int, window: float, wait: float) -> dict[str, str]:
    """The headers of a 429. `limit` requests per `window` seconds; `wait` seconds until the next one may come."""
    seconds = str(max(0, math.ceil(wait)))
    return {
        "Retry-After": seconds,
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Window-Sec": str(math.ceil(window)),
        "X-RateLimit-ToWait-Sec": seconds,
    }


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """What REST framework calls with whatever a view raised. Never raises, never returns None; rolls back."""
    error = as_domain_error(exc, view=context.get("view"))
    request = context.get("request")
    if error.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        _report(exc, request)
    set_rollback()
    _answer_in_json(request)
    return Response(body_of(error), status=error.status, headers=error.headers)


def as_domain_error(exc: BaseException, *, view: Any = None) -> DomainError:
    """The DomainError that says of `exc` what an outsider may know: of a bug, nothing at all."""
    if isinstance(exc, DomainError):
        return exc
    if isinstance(exc, drf.APIException):
        return _from_framework(exc, view)
    if isinstance(exc, IntegrityError) and isinstance(exc.__cause__, ForeignKeyViolation):
        return Conflict("Something that this names was deleted just now. Look again, and send what is still there.")
    meant = next((make for kind, make in _OF_DJANGO if isinstance(exc, kind)), _Bug)
    return meant()


# The first that fits counts: RequestDataTooBig is a SuspiciousOperation.
_OF_DJANGO: tuple[tuple[type[Exception], Callable[[], DomainError]], ...] = (
    (Http404, NotFound),
    (django_exceptions.PermissionDenied, NotPermitted),
    (django_exceptions.RequestDataTooBig, TooLarge),
    (django_exceptions.SuspiciousOperation, _Malformed),
    (django_exceptions.BadRequest, _Malformed),
    (OperationalError, Unavailable),
    (InterfaceError, Unavailable),
)


def _from_framework(exc: drf.APIException, view: Any) -> DomainError:
    if isinstance(exc, drf.ValidationError):
        return InvalidInput(problems=list(_flattened(exc.get_full_details(), "")))
    if isinstance(exc, drf.Throttled):
        return TooManyRequests(headers=_throttle_headers(exc, view))
    if isinstance(exc, drf.MethodNotAllowed):
        return _WrongMethod(str(exc.detail), headers=_allow(view))
    for kind, known in _KNOWN:
        if isinstance(exc, kind):
            return known if isinstance(known, DomainError) else known(str(exc.detail))
    return _Bug()


# An instance where the framework's own text is not to be repeated.
_KNOWN: tuple[tuple[type[drf.APIException], type[DomainError] | DomainError], ...] = (
    (drf.ParseError, InvalidInput),
    (drf.NotAuthenticated, NotSignedIn),
    (drf.AuthenticationFailed, NotSignedIn),
    (drf.PermissionDenied, NotPermitted),
    (drf.NotFound, NotFound()),
    (drf.UnsupportedMediaType, UnsupportedContentType),
    (drf.NotAcceptable, _NotAcceptable()),
)


def _allow(view: Any) -> dict[str, str]:
    methods = getattr(view, "allowed_methods", ())
    return {"Allow": ", ".join(methods)} if methods else {}


def _throttle_headers(exc: drf.Throttled, view: Any) -> dict[str, str]:
    wait = getattr(exc, "wait", None) or 1
    for throttle in view.get_throttles() if view is not None else ():
        if getattr(throttle, "num_requests", None):
            return rate_limit_headers(limit=throttle.num_requests, remaining=0, window=throttle.duration, wait=wait)
    return {"Retry-After": str(math.ceil(wait))}


def _flattened(details: Any, path: str) -> Iterator[Problem]:
    """REST framework's nested details as flat problems with paths."""
    if isinstance(details, list):
        for index, item in enumerate(details):
            yield from _flattened(item, path if _is_leaf(item) else f"{path}[{index}]")
    elif _is_leaf(details):
        missing = details["code"] == "required"
        yield Problem(path, str(details["code"]), str(details["message"]), MISSING if missing else INVALID)
    else:
        for key, item in details.items():
            yield from _flattened(item, _inside(path, key))


def _inside(path: str, key: str | int) -> str:
    """The path of one part. Serializers key the items of a list by number."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = "" if key == "non_field_errors" else key
    return ".".join(part for part in (path, name) if part)


def _is_leaf(details: Any) -> bool:
    return isinstance(details, dict) and details.keys() == {"message", "code"} and isinstance(details["message"], str)


def _answer_in_json(request: Any) -> None:
    """Unless a page was asked for: the view's own renderer may be one for text or files, or none may fit Accept."""
    chosen = getattr(request, "accepted_renderer", None)
    if request is not None and getattr(chosen, "format", None) not in _PAGE_FORMATS:
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type


def _report(exc: BaseException, request: Any) -> None:
    """Loud: the log has the traceback, and whoever listens to Django's signal hears of it (a test client raises)."""
    plain = getattr(request, "_request", request)
    log.error("unhandled %s", type(exc).__name__, exc_info=exc)
    if sys.exc_info()[0] is not None:
        got_request_exception.send(sender=exception_handler, request=plain)


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """config.urls' handler400."""
    return json_response(as_domain_error(exception) if exception else _Malformed())


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """config.urls' handler403."""
    return json_response(NotPermitted())


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """config.urls' handler404."""
    return json_response(NotFound())


def server_error(request: HttpRequest) -> JsonResponse:
    """config.urls' handler500. Django has logged the traceback."""
    return json_response(as_domain_error(sys.exc_info()[1] or Exception()))


def json_for_status(status: int) -> JsonResponse:
    """The answer that stands for a bare status, where some part of the framework answered by itself."""
    otherwise = _Bug if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR else _Malformed
    error = next((kind for kind in _BY_STATUS if kind.status == status), otherwise)()
    body = error_body(status=status, error_code=error.error_code, message=error.message)
    return JsonResponse(body, status=status, headers=error.headers)


_BY_STATUS: tuple[type[DomainError], ...] = (
    NotSignedIn,
    NotPermitted,
    NotFound,
    _WrongMethod,
    _NotAcceptable,
    Conflict,
    PreconditionFailed,
    TooLarge,
    UnsupportedContentType,
    TooManyRequests,
    Unavailable,
)


def set_rollback() -> None:
    """What REST framework's function of this name does.

    That one lives beside its views, which import the settings' authentication classes, which import models, which
    import this module.
    """
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
