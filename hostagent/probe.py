"""Is there a server, is it ours, and does its clock agree with this one's? Whatever is wrong is said with its cure."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request

from hostagent import PROTOCOL
from hostagent.errors import AgentError

_TIMEOUT = 15.0
# Of X.509, as OpenSSL counts its complaints.
_NOT_YET_VALID, _EXPIRED = 9, 10
# A manifest says from when until when it holds, by the server's clock.
MOST_SKEW = timedelta(minutes=5)

_CURES: dict[type[Exception], str] = {
    ssl.SSLError: "{place} does not speak TLS ({reason}): check the port, and https:// or http://",
    socket.gaierror: "no machine is called {host}: check the URL and this machine's name servers",
    ConnectionRefusedError: "nothing listens at {place}: check the port, or whether the server runs",
    TimeoutError: "{place} does not answer: a firewall may be in between; --proxy names a way around",
}


@dataclass(frozen=True)
class Reached:
    """What answered: its clock and its protocol, as far as it says so."""

    date: datetime | None
    protocol: str | None

    def skew(self, now: datetime) -> timedelta | None:
        """How far this machine's clock is ahead of the server's; negative where it is behind."""
        return None if self.date is None else now - self.date


def reach(server: str, opener: OpenerDirector) -> Reached:
    """Ask the server who we are, without saying it. AgentError, with what to do, where no server of ours answers."""
    request = Request(f"{server}/agent/v1/whoami", b"{}", {"Content-Type": "application/json"}, method="POST")  # noqa: S310
    request.add_header("Agent-Protocol", PROTOCOL)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            raise AgentError(f"what answers at {server} is not the patch server (HTTP {answer.status}): check the URL")
    except HTTPError as error:
        with error:
            return _of_refusal(server, error)
    except (URLError, OSError, http.client.HTTPException) as error:
        raise AgentError(_why(server, getattr(error, "reason", error))) from error


def skew_in_words(skew: timedelta) -> str:
    """Of a clock that is wrong."""
    minutes = round(abs(skew).total_seconds() / 60)
    return (
        f"this machine's clock is {minutes} minutes {'ahead of' if skew > timedelta(0) else 'behind'} the server's: "
        "set it (timedatectl set-ntp true)"
    )


def _of_refusal(server: str, error: HTTPError) -> Reached:
    try:
        body = json.loads(error.read(1 << 16))
    except (ValueError, OSError, http.client.HTTPException):
        body = None
    if error.code >= 500:
        raise AgentError(f"the server at {server} is not well (HTTP {error.code}): try again later") from error
    if not isinstance(body, dict) or "message" not in body or error.code == 407:
        advice = "the proxy wants a sign-in" if error.code == 407 else "check the URL"
        raise AgentError(f"what answers at {server} is not the patch server (HTTP {error.code}): {advice}") from error
    if error.code == 400:
        raise AgentError(f"the server at {server} says: {body['message']}") from error
    date = error.headers.get("Date")
    return Reached(date=_instant(date), protocol=error.headers.get("Agent-Protocol"))


def _why(server: str, reason: object) -> str:
    parts = urlsplit(server)
    place = parts.netloc
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _of_certificate(place, reason)
    if "Tunnel connection failed" in str(reason):
        return f"the proxy does not let us through to {place}: {reason}"
    for kind, says in _CURES.items():
        if isinstance(reason, kind):
            return says.format(place=place, host=parts.hostname, reason=reason)
    return f"{place} cannot be reached: {reason}"


def _of_certificate(place: str, error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        return (
            f"the certificate of {place} is not valid at this machine's time ({error.verify_message}): check this "
            "machine's clock first, then the certificate"
        )
    if "doesn't match" in str(error) or "mismatch" in str(error).lower():
        return f"the certificate of {place} is for another name: use the name that it is for ({error.verify_message})"
    return (
        f"the certificate of {place} is not trusted ({error.verify_message}): "
        "enrol with --ca and the file of the authority that issued it"
    )


def _instant(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
