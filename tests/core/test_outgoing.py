"""What the service fetches from servers that customers name, from real ones on loopback."""

import gzip
import ipaddress
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from core import outgoing
from core.addresses import is_public
from core.outgoing import Fetched, FetchError
from tests.calendars.servers import Answer, Server, says, serving


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    """One that may be called."""
    settings.OUTGOING_ALLOW_HOSTS = {"127.0.0.1", "calendars.test"}
    with serving(says(b"hello")) as one:
        yield one


def _fetch(url: str, **more: Any) -> Fetched:
    return outgoing.fetch(url, **{"most": 1_000, "accept": "text/calendar"} | more)


def _leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name lead to these addresses; what is returned grows by each name that is looked up."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
        if host[0].isdigit() or ":" in host:
            return real(host, port, *more, **named)
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr("core.addresses.socket.getaddrinfo", look_up)
    return asked


def test_fetch__plain_answer__is_its_bytes(server: Server) -> None:
    server.answer = says(b"hello", ETag='"1"', Last_Modified="Tue, 10 Nov 2026 09:00:00 GMT")

    found = _fetch(f"{server.url}?token=1")

    assert found == Fetched(b"hello", '"1"', "Tue, 10 Nov 2026 09:00:00 GMT")
    assert server.paths == ["/freezes.ics?token=1"]
    (asked,) = server.asked
    assert asked["Host"] == f"127.0.0.1:{server.port}"
    assert (asked["Accept"], asked["Accept-Encoding"]) == ("text/calendar", "identity")
    assert "If-None-Match" not in asked


def test_fetch__copy_is_still_good__has_no_bytes(server: Server) -> None:
    server.answer = says(b"", 304)

    found = _fetch(server.url, etag='"1"', last_modified="Tue, 10 Nov 2026 09:00:00 GMT")

    assert found.body is None
    assert server.asked[0]["If-None-Match"] == '"1"'
    assert server.asked[0]["If-Modified-Since"] == "Tue, 10 Nov 2026 09:00:00 GMT"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (says(b"", 302, Location="http://127.0.0.1/other"), "answered 302, and redirects are not followed"),
        (says(b"no", 404), "answered 404"),
        (says(b"no", 500), "answered 500"),
        (says(b"", 204), "answered 204"),
        (says(b"x" * 1_001), "more than 1000 bytes"),
        (says(gzip.compress(b"x" * 100), Content_Encoding="gzip"), "compressed form that was not asked for"),
        (says(b"too short", Content_Length="100"), "broke off, or speaks no HTTP"),
        (lambda request: request.wfile.write(b"hello\r\n\r\n"), "broke off, or speaks no HTTP"),
        (lambda request: request.wfile.write(b"HTTP/1.0 200 OK\r\n" + b"X: x\r\n" * 200), "broke off, or speaks"),
        (lambda request: request.connection.close(), "broke off, or speaks"),
    ],
)
def test_fetch__anything_but_a_plain_answer__fails_with_a_sentence(
    server: Server, answer: Answer, message: str
) -> None:
    server.answer = answer

    with pytest.raises(FetchError, match=message):
        _fetch(server.url)


def _endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(10_000):
        request.wfile.write(b"x" * 1_000)


def _drop_of_body(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        request.wfile.write(b"x")
        time.sleep(0.05)


def _drop_of_head(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.0 200 OK\r\n")
    for number in range(200):
        request.wfile.write(b"X-%d: x\r\n" % number)
        time.sleep(0.05)


def _silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def test_fetch__endless_answer__is_left_at_its_bound(server: Server) -> None:
    server.answer = _endless

    with pytest.raises(FetchError, match="more than 1000 bytes"):
        _fetch(server.url)


@pytest.mark.parametrize("answer", [_drop_of_body, _drop_of_head, _silent])
def test_fetch__slow_server__is_given_up_in_time(server: Server, settings: Any, answer: Answer) -> None:
    settings.OUTGOING_TIMEOUT_SECONDS = 0.4
    server.answer = answer
    began = time.monotonic()

    with pytest.raises(FetchError, match="did not answer in time"):
        _fetch(server.url)

    assert time.monotonic() - began < 3


def test_fetch__nobody_listens__fails_with_a_sentence(settings: Any) -> None:
    settings.OUTGOING_ALLOW_HOSTS = {"127.0.0.1"}
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]

    with pytest.raises(FetchError, match="could not be reached"):
        _fetch(f"http://127.0.0.1:{port}/")


def test_fetch__name__is_looked_up_once_and_told_to_the_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _leads_to(monkeypatch, "127.0.0.1")

    assert _fetch(f"http://Calendars.Test:{server.port}/a").body == b"hello"
    # A second look-up might have led elsewhere.
    assert asked == ["calendars.test"]
    assert server.asked[0]["Host"] == f"Calendars.Test:{server.port}"


def test_fetch__first_address_is_down__asks_at_the_next(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real = outgoing.HTTPConnection

    def unless_v6(host: str, *arguments: Any, **named: Any) -> Any:
        if ":" in host:
            raise ConnectionRefusedError
        return real(host, *arguments, **named)

    _leads_to(monkeypatch, "::1", "127.0.0.1")
    monkeypatch.setattr(outgoing, "HTTPConnection", unless_v6)

    assert _fetch(f"http://calendars.test:{server.port}/a").body == b"hello"


@pytest.mark.parametrize(
    "addresses",
    [("127.0.0.1",), ("10.0.0.1",), ("169.254.169.254",), ("8.8.8.8", "127.0.0.1"), ("::1",), ("64:ff9b::a00:1",)],
)
def test_fetch__public_name_that_leads_inside__is_refused_before_a_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    _leads_to(monkeypatch, *addresses)

    with pytest.raises(FetchError, match="leads to a private, loopback or link-local address"):
        _fetch(f"http://innocent.example.com:{server.port}/")

    assert server.asked == []


def test_fetch__redirect_inside__is_not_followed(server: Server) -> None:
    with serving(says(b"secret")) as inner:
        server.answer = says(b"", 301, Location=inner.url)

        with pytest.raises(FetchError):
            _fetch(server.url)

        assert inner.asked == []


def test_fetch__loopback_that_nobody_allowed__is_refused(server: Server, settings: Any) -> None:
    settings.OUTGOING_ALLOW_HOSTS = set()

    with pytest.raises(FetchError, match="must not name a private, loopback or link-local address"):
        _fetch(server.url)

    assert server.asked == []


def test_fetch__certificate_of_nobody__is_refused(server: Server) -> None:
    # What answers speaks no TLS at all; that it is asked to is what counts.
    with pytest.raises(FetchError, match="could not be reached: SSLError"):
        _fetch(server.url.replace("http://", "https://"))

    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("64:ff9b::808:808", True),
        ("2002:808:808::1", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::1", False),
        ("::7f00:1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::808:808", False),
        ("100::1", False),
        ("2001::7f00:1", False),
        ("2001:db8::1", False),
        ("2002:a00:1::1", False),
        ("2606:4700::5efe:a00:1", False),
        ("2606:4700::200:5efe:a00:1", False),
        ("fc00::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_is_public__every_way_round(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
