"""Fetch a file: by https, in pieces that a broken line does not cost again, and believed by its digest alone."""

import hashlib
import http.client
import os
import ssl
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from hostagent import VERSION
from hostagent.client import is_secure
from hostagent.clock import Clock
from hostagent.errors import BadFileDigest, DownloadFailed

# Seconds of silence; bytes read at once.
_TIMEOUT = 60.0
_BLOCK = 1 << 20
_TRIES = 5
_LONGEST_PAUSE = 30.0


def fetch(url: str, sha256: str, *, into: Path, clock: Clock) -> Path:
    """Have the file at `into`. One that is there with the right digest is not fetched again.

    DownloadFailed after some tries, what has come so far is kept beside it; BadFileDigest where another file came.
    """
    if into.exists() and digest(into) == sha256:
        return into
    part = into.with_name(f"{into.name}.part")
    for number in range(_TRIES):
        began_with = part.stat().st_size if part.exists() else 0
        try:
            _continue(url, part)
            break
        except _Broken as error:
            if number == _TRIES - 1:
                raise DownloadFailed(f"{url}: {error}") from error
            # A line that brings something is not slow: only one that brings nothing is given time.
            grown = part.exists() and part.stat().st_size > began_with
            clock.sleep(0 if grown else min(2.0**number, _LONGEST_PAUSE))
    found = digest(part)
    if found != sha256:
        part.unlink()
        raise BadFileDigest(f"{url}: its SHA-256 is {found}, and was to be {sha256}")
    os.replace(part, into)  # noqa: PTH105 - the same on both platforms
    return into


def digest(path: Path) -> str:
    """SHA-256 in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Broken(Exception):
    """The line broke; another try may bring the rest."""


def _continue(url: str, part: Path) -> None:
    """Fetch what `part` does not hold yet. DownloadFailed where no other try can help."""
    held = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"hostagent/{VERSION}"} | ({"Range": f"bytes={held}-"} if held else {})
    try:
        with _opener(url).open(Request(url, headers=headers), timeout=_TIMEOUT) as answer:  # noqa: S310 - checked
            _append(answer, part, goes_on=answer.status == 206 and _starts_at(answer) == held)
    except HTTPError as error:
        with error:
            if error.code == 416 and held:
                # Nothing is left to be sent; or the file is another one by now, which its digest shows.
                return
            if error.code < 500 and error.code not in (408, 425, 429):
                raise DownloadFailed(f"{url}: the server answered {error.code}") from error
        raise _Broken(f"the server answered {error.code}") from error
    except (URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise DownloadFailed(f"{url}: the certificate is not trusted: {error}") from error
        raise _Broken(str(error) or type(error).__name__) from error
    except OSError as error:
        raise DownloadFailed(f"{part} cannot be written: {error}") from error


def _append(answer: http.client.HTTPResponse, part: Path, *, goes_on: bool) -> None:
    expected = answer.length
    came = 0
    with part.open("ab" if goes_on else "wb") as file:
        while block := answer.read1(_BLOCK):
            file.write(block)
            came += len(block)
        file.flush()
        os.fsync(file.fileno())
    if expected is not None and came < expected:
        raise _Broken(f"the line broke after {came} of {expected} bytes")


def _starts_at(answer: http.client.HTTPResponse) -> int | None:
    begin = (answer.headers.get("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
    return int(begin) if begin.isdigit() else None


class _SecureRedirects(HTTPRedirectHandler):
    """A file server may send us elsewhere, but not to where others can read along."""

    def redirect_request(self, *told: Any) -> Request | None:
        request, *_, url = told
        if not is_secure(url):
            raise DownloadFailed(f"{request.full_url} sends us to {url}, which is not https")
        return super().redirect_request(*told)


def _opener(url: str) -> OpenerDirector:
    if not is_secure(url):
        raise DownloadFailed(f"{url!r} is refused: only https, or http to this machine itself")
    handlers: list[HTTPSHandler | HTTPRedirectHandler | ProxyHandler] = [
        _SecureRedirects(),
        HTTPSHandler(context=ssl.create_default_context()),
    ]
    if not url.startswith("https:"):
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)
