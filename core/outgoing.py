"""The one module that calls servers which customers name: GET, to addresses that were looked at, and no further.

A name is looked up once, all of its addresses are judged, and the connection goes to one of these: a second look-up
could lead elsewhere. No redirects, no cookies, no proxies, no compressed answers; bounded in time and in size.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException

from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError
from urllib3.exceptions import TimeoutError as HTTPTimeout
from urllib3.response import HTTPResponse

from core.addresses import Destination, destinations, public_web

_CHUNK = 64 * 1024
_USER_AGENT = "patch-deployment"
_MOST_ADDRESSES = 3


class FetchError(Exception):
    """Nothing was fetched; the text says why, for whoever named the address."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered. `body` is None where nothing has changed since the copy that was asked about."""

    body: bytes | None
    etag: str = ""
    last_modified: str = ""


def fetch(address: str, *, most: int, accept: str, etag: str = "", last_modified: str = "") -> Fetched:
    """The bytes at an address, `most` at most. Raises FetchError for anything but a plain 200 or a 304.

    `etag` and `last_modified` are of the copy that the caller has. Holds no transaction's time: call it outside of one.
    """
    deadline = time.monotonic() + settings.OUTGOING_TIMEOUT_SECONDS
    headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": last_modified} if last_modified else {}
    trouble: Exception | None = None
    for one in _found(address)[:_MOST_ADDRESSES]:
        try:
            return _asked(one, headers, most=most, deadline=deadline)
        except (HTTPError, HTTPException, OSError) as failed:
            trouble = failed
    raise FetchError(_said(trouble, deadline))


def allowed(address: str) -> str:
    """The address as it was sent, if it may be fetched. Raises ValueError with a sentence."""
    return public_web(address, allowed=settings.OUTGOING_ALLOW_HOSTS)


def _found(address: str) -> list[Destination]:
    try:
        return destinations(allowed(address), allowed=settings.OUTGOING_ALLOW_HOSTS)
    except (OSError, UnicodeError):
        raise FetchError("the host's name has no address") from None
    except ValueError as refused:
        raise FetchError(f"the address {refused}") from None


def _asked(to: Destination, headers: Mapping[str, str], *, most: int, deadline: float) -> Fetched:
    connection = _connection(to, left=deadline - time.monotonic())
    with closing(connection), _hung_up(connection, at=deadline):
        connection.connect()
        connection.request("GET", _target(to), headers={**headers, "Host": to.parts.netloc}, preload_content=False)
        with closing(connection.getresponse()) as answer:
            return _read(answer, most=most, deadline=deadline)


def _connection(to: Destination, *, left: float) -> HTTPConnection:
    """To the very address; the certificate must be of the name."""
    wait = max(0.1, left)
    if to.parts.scheme == "http":
        return HTTPConnection(to.address, to.port, timeout=wait)
    return HTTPSConnection(
        to.address,
        to.port,
        timeout=wait,
        ssl_context=ssl.create_default_context(),
        server_hostname=to.host.rstrip("."),
        cert_reqs="CERT_REQUIRED",
    )


@contextmanager
def _hung_up(connection: HTTPConnection, *, at: float) -> Iterator[None]:
    """Within it, the connection ends at the deadline: a server that sends a byte now and then keeps within every wait
    for one read."""

    def hang_up() -> None:
        with suppress(OSError):
            # It may be closed already, or not there yet; waits for it to be there end by then themselves.
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, at - time.monotonic()), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _target(to: Destination) -> str:
    return (to.parts.path or "/") + (f"?{to.parts.query}" if to.parts.query else "")


def _read(answer: HTTPResponse, *, most: int, deadline: float) -> Fetched:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Fetched(None)
    if 300 <= answer.status < 400:
        raise FetchError(f"the server answered {answer.status}, and redirects are not followed: name where it leads to")
    if answer.status != HTTPStatus.OK:
        raise FetchError(f"the server answered {answer.status}")
    if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise FetchError("the server answered in a compressed form that was not asked for")
    # Once there is an answer, each read is bounded by the deadline, too: so is the sum of small ones.
    body = bytearray()
    while chunk := answer.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most:
            raise FetchError(f"the server answered more than {most} bytes")
        if time.monotonic() >= deadline:
            break
    if time.monotonic() >= deadline:
        raise TimeoutError
    return Fetched(bytes(body), answer.headers.get("ETag", "")[:1000], answer.headers.get("Last-Modified", "")[:100])


def _said(trouble: Exception | None, deadline: float) -> str:
    if trouble is None:
        return "the host's name has no address"
    # urllib3 takes a refused connection for one kind of a wait that was too long.
    waited = isinstance(trouble, TimeoutError | HTTPTimeout) and not isinstance(trouble, NewConnectionError)
    if waited or time.monotonic() >= deadline:
        return "the server did not answer in time"
    if isinstance(trouble, ProtocolError | HTTPException):
        return "the server broke off, or speaks no HTTP"
    return f"the server could not be reached: {type(trouble).__name__}"
