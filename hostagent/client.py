"""HTTP to the server: JSON in and out, bounded in time and size, patient with a server that is away."""

import http.client
import ipaddress
import json
import random
import ssl
import time
from pathlib import Path
from threading import Event
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from hostagent import PROTOCOL, VERSION
from hostagent.clock import Clock
from hostagent.errors import AgentError, Answered, Quarantined, Unauthorised, Unreachable

# Seconds for one read, and for one whole answer; bytes of an answer (a manifest carries its scripts).
_TIMEOUT = 30.0
_WHOLE = 120.0
_LARGEST = 16 * 1024 * 1024
_TRIES = 4
_LONGEST_PAUSE = 30.0
_QUARANTINED = "1923"


class Client:
    """One server. `stop` ends the waiting between two tries."""

    def __init__(
        self,
        server: str,
        clock: Clock,
        stop: Event,
        credential: str | None = None,
        *,
        ca: Path | None = None,
        proxy: str | None = None,
    ) -> None:
        """AgentError when the address is neither https nor loopback, and when `ca` holds no certificates.

        `ca` takes the place of the authorities that the machine trusts; `proxy`, of what HTTPS_PROXY says. NO_PROXY
        holds for either, and this machine itself is never looked for behind a proxy.
        """
        self._server = _checked(server)
        self._clock, self._stop = clock, stop
        self._headers = {"Content-Type": "application/json", "User-Agent": f"hostagent/{VERSION}"}
        self._headers["Agent-Protocol"] = PROTOCOL
        if credential:
            self._headers["Authorization"] = f"Agent {credential}"
        self.opener = opener_for(self._server, ca=ca, proxy=proxy)

    def post(self, path: str, body: dict[str, Any], *, tries: int = _TRIES) -> dict[str, Any]:
        """The answer's object. Unauthorised for 401, Answered for other 4xx, Unreachable after the last try."""
        content = json.dumps(body, separators=(",", ":")).encode()
        for number in range(tries):
            try:
                return self._post_once(path, content)
            except _TryLater as problem:
                last = number == tries - 1
                if last or self._clock.wait(self._stop, _pause(number, problem.retry_after)):
                    raise Unreachable(f"{path}: {problem}") from problem
        raise AssertionError("the last try returns or raises")

    def fetch(self, path: str, most: int) -> bytes:
        """The bytes at a path of this server's. AgentError where they are more than `most`, or do not come."""
        if not path.startswith("/agent/v1/"):
            raise AgentError(f"{path!r} is no path of the agents' protocol")
        # The path is below a server whose scheme was checked.
        request = Request(f"{self._server}{path}", headers=self._headers)  # noqa: S310
        try:
            with self.opener.open(request, timeout=_TIMEOUT) as answer:
                return _read(answer, most)
        except HTTPError as error:
            with error:
                raise Unreachable(f"{path}: HTTP {error.code}") from error
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"{path}: {error}") from error

    def _post_once(self, path: str, content: bytes) -> dict[str, Any]:
        # The scheme was checked when the client was made, and redirects are refused.
        request = Request(f"{self._server}/agent/v1/{path}", content, self._headers, method="POST")  # noqa: S310
        try:
            with self.opener.open(request, timeout=_TIMEOUT) as answer:
                return _object(_read(answer))
        except HTTPError as error:
            with error:
                raise _of_status(error) from error
        except (URLError, OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise Unreachable(f"the server's certificate is not trusted: {error}") from error
            raise _TryLater(str(error) or type(error).__name__) from error


class _TryLater(Exception):
    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class _NoRedirects(HTTPRedirectHandler):
    """Whoever could redirect us would get our credential."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def is_secure(url: str) -> bool:
    """Whether nobody on the way can read or change what goes to this address and comes from it."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
    )


def _checked(server: str) -> str:
    if is_secure(server):
        return server.rstrip("/")
    raise AgentError(f"{server!r} is refused: only https, or http to this machine itself")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def opener_for(server: str, *, ca: Path | None, proxy: str | None) -> OpenerDirector:
    """What opens connections to this server. AgentError as above."""
    handlers: list[Any] = [_NoRedirects(), HTTPSHandler(context=_trust(ca))]
    if _is_loopback(urlsplit(server).hostname or ""):
        # A proxy's loopback is not ours.
        handlers.append(ProxyHandler({}))
    elif proxy:
        handlers.append(ProxyHandler({"https": checked_proxy(proxy)}))
    return build_opener(*handlers)


def checked_proxy(proxy: str) -> str:
    """The address of a proxy. AgentError for what is none."""
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname:
        raise AgentError(f"{proxy!r} is no proxy: http://name:port is")
    return proxy


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except FileNotFoundError:
        raise AgentError(f"{ca} is not there") from None
    except (ssl.SSLError, OSError) as error:
        raise AgentError(f"{ca} holds no certificates in PEM: {error}") from error


def _read(answer: Any, most: int = 0) -> bytes:
    """The body, within the bounds: a timeout for each read alone would let a server drip for ever."""
    deadline = time.monotonic() + _WHOLE
    content = bytearray()
    while block := answer.read1(65536):
        content += block
        if len(content) > (most or _LARGEST) or time.monotonic() > deadline:
            raise ValueError("the answer is too long, or takes too long")
    return bytes(content)


def _object(content: bytes) -> dict[str, Any]:
    body = json.loads(content)
    if not isinstance(body, dict):
        raise ValueError("the answer is not a JSON object")
    return body


def _of_status(error: HTTPError) -> Exception:
    if error.code == 401:
        return Unauthorised("the server does not know this agent's credential")
    if error.code >= 500 or error.code in (408, 425, 429):
        return _TryLater(f"HTTP {error.code}", _seconds(error.headers.get("Retry-After")))
    try:
        body = _object(_read(error))
    except (ValueError, OSError, http.client.HTTPException):
        body = {}
    if error.code == 403 and body.get("errorCode") == _QUARANTINED:
        return Quarantined(f"quarantined: {body.get('message', 'no message')}")
    return Answered(error.code, body)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdigit() else None


def _pause(number: int, retry_after: float | None) -> float:
    """Seconds until the next try: doubled each time, and scattered, so that a fleet does not come back as one."""
    if retry_after is not None:
        return min(retry_after, _LONGEST_PAUSE) + random.uniform(0, 0.5)  # noqa: S311 - no secret
    return min(0.5 * 2.0**number, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
