"""The outermost middleware: request ids, the access log, and the promise that every failure is answered in JSON."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from core import logs
from core.errors import DomainError, LengthRequired, as_domain_error, json_for_status, json_response

log = logging.getLogger(__name__)
access_log = logging.getLogger("access")

HEADER = "X-Request-ID"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_API_PATHS = ("/pm/", "/agent/", "/auth")


class RequestIdMiddleware:
    """Echoes or makes `X-Request-ID`, and guards the contract's error body. Belongs first in MIDDLEWARE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request, and log it in one line."""
        began = time.perf_counter()
        request_id = _request_id(request)
        # All of the ids, so that nothing bound while serving outlives the request in a thread that serves the next one.
        with logs.bind(request_id=request_id, customer=None, job=None, run=None):
            response = self._serve(request)
            response[HEADER] = request_id
            _log_access(request, response, time.perf_counter() - began)
        return response

    def _serve(self, request: HttpRequest) -> HttpResponseBase:
        try:
            _refuse_unannounced_body(request)
            return _in_json(request, self.get_response(request))
        except DomainError as error:
            return json_response(error)
        except Exception as bug:
            log.exception("escaped %s", type(bug).__name__)
            return json_response(as_domain_error(bug))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a DomainError that a plain view raised. Django rolls its transaction back before it asks."""
        return json_response(exception) if isinstance(exception, DomainError) else None


def _request_id(request: HttpRequest) -> str:
    sent = request.headers.get(HEADER, "")
    return sent if _USABLE_ID.fullmatch(sent) else uuid.uuid4().hex


def _refuse_unannounced_body(request: HttpRequest) -> None:
    """WSGI shows a chunked body without a length as an empty one: a PUT would reset what it meant to set."""
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired


def _in_json(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The response, or the contract's JSON where a part of the framework failed in its own words."""
    if response.status_code < 400 or isinstance(response, Response) or _is_json(response):
        return response
    empty = isinstance(response, HttpResponse) and not response.content
    if not empty and not request.path.startswith(getattr(settings, "API_PATHS", _API_PATHS)):
        return response
    answer = json_for_status(response.status_code)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in response:
            answer[name] = response[name]
    return answer


def _is_json(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("application/json")


def _log_access(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    # Without the query string: it may carry tokens, names or the text of searches.
    access_log.info(
        "%s %s",
        request.method,
        request.path,
        extra={
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        },
    )
