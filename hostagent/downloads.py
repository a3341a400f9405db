"""Fetch a file: bounded in time and size, from where a broken connection left off, and only as its digest says."""

import hashlib
import http.client
import re
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from hostagent import VERSION
from hostagent.addresses import is_allowed, is_loopback
from hostagent.clock import Clock
from hostagent.errors import AgentError
from hostagent.files import is_full

# Seconds for one read and for the whole file; bytes of the largest file, and of what is read at once.
_READ = 30.0
WHOLE = 3600.0
LARGEST = 16 * 1024**3
_BLOCK = 256 * 1024
# Tries one after the other that bring nothing new, and seconds between two.
_TRIES = 5
_PAUSE = 1.0
_TO_TRY_AGAIN = {408, 425, 429}


class DownloadFailed(AgentError):
    """The file could not be had; `reason` is the protocol's word for it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Stopped(AgentError):
    """The agent is to end. What has come is kept, and the next life goes on from there."""


class Downloads:
    """`stop` ends a download early. `pause`: seconds before a second try, doubled for each further one."""

    def __init__(
        self, clock: Clock, stop: Event, *, whole: float = WHOLE, largest: int = LARGEST, pause: float = _PAUSE
    ) -> None:
        self._clock, self._stop, self._whole, self._largest, self._pause = clock, stop, whole, largest, pause

    def fetch(self, url: str, *, sha256: str, path: Path) -> None:
        """Have the file at `path`. DownloadFailed when it cannot be had, or is another; Stopped."""
        if not is_allowed(url):
            raise DownloadFailed("download_failed", f"{url!r} is refused: only https, or http to this machine itself")
        part = path.with_name(f"{path.name}.part")
        is_resumed = part.exists()
        deadline = self._clock.monotonic() + self._whole
        self._complete(url, part, deadline)
        if is_resumed and _digest(part) != sha256.lower():
            # What an earlier life kept may be of an older file.
            part.unlink()
            self._complete(url, part, deadline)
        if (found := _digest(part)) != sha256.lower():
            part.unlink()
            raise DownloadFailed("bad_file_digest", f"{url} has the SHA-256 {found}, not {sha256.lower()}")
        part.replace(path)

    def _complete(self, url: str, part: Path, deadline: float) -> None:
        transfer = _Transfer(url, part, most=self._largest, go_on=lambda: self._go_on(url, deadline))
        fruitless = 0
        while True:
            before = _size(part)
            try:
                return transfer.read_on()
            except _Broken as problem:
                fruitless = 0 if _size(part) > before else fruitless + 1
                if fruitless >= _TRIES:
                    raise DownloadFailed("download_failed", f"{url}: {problem}") from problem
            self._clock.wait(self._stop, self._pause * 2.0**fruitless)

    def _go_on(self, url: str, deadline: float) -> None:
        if self._stop.is_set():
            raise Stopped(f"{url} is fetched later")
        if self._clock.monotonic() > deadline:
            raise DownloadFailed("download_failed", f"{url} takes longer than {self._whole:.0f} seconds")


class _Broken(Exception):
    """The connection, for now: it may be worth another try."""


class _Transfer:
    """One file, over as many connections as it takes."""

    def __init__(self, url: str, part: Path, *, most: int, go_on: Callable[[], None]) -> None:
        self._url, self._part, self._most, self._go_on = url, part, most, go_on
        self._opener = _opener(url)
        # What tells whether the rest is of the same file.
        self._version: str | None = None

    def read_on(self) -> None:
        """Bring the file to its end. _Broken when it may be tried again."""
        self._go_on()
        have = _size(self._part)
        try:
            with self._opener.open(self._request(have), timeout=_READ) as answer:
                self._keep(answer, have)
        except HTTPError as error:
            with error:
                self._refused(error, have)
        except (DownloadFailed, Stopped):
            raise
        except (URLError, OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and is_full(error):
                raise DownloadFailed("disk_full", f"{self._url}: {error}") from error
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise DownloadFailed("download_failed", f"{self._url}: its certificate is not trusted") from error
            raise _Broken(str(error) or type(error).__name__) from error

    def _request(self, have: int) -> Request:
        headers = {"User-Agent": f"hostagent/{VERSION}"}
        if have:
            headers["Range"] = f"bytes={have}-"
            if self._version:
                headers["If-Range"] = self._version
        return Request(self._url, headers=headers)  # noqa: S310 - `is_allowed` has looked at the scheme

    def _keep(self, answer: Any, have: int) -> None:
        if answer.status == 206:
            if _first_of(answer.headers.get("Content-Range")) != have:
                self._part.unlink()
                raise _Broken("the server sent another part than was asked for")
        else:
            have = 0
        self._version = _version_of(answer.headers)
        length = answer.headers.get("Content-Length")
        whole = have + int(length) if length and length.isdigit() else None
        self._check_room(have, whole)
        with self._part.open("ab" if have else "wb") as file:
            size = self._copy(answer, file, have)
        if whole is not None and size < whole:
            raise _Broken(f"the connection broke after {size} of {whole} bytes")

    def _copy(self, answer: Any, file: IO[bytes], size: int) -> int:
        while block := answer.read1(_BLOCK):
            self._go_on()
            size += len(block)
            if size > self._most:
                raise DownloadFailed("download_failed", f"{self._url} is larger than {self._most} bytes")
            file.write(block)
        return size

    def _check_room(self, have: int, whole: int | None) -> None:
        if whole is None:
            return
        if whole > self._most:
            raise DownloadFailed("download_failed", f"{self._url} has {whole} bytes, more than {self._most}")
        if whole - have > (free := shutil.disk_usage(self._part.parent).free):
            raise DownloadFailed("disk_full", f"{self._url} has {whole} bytes, and {free} are free")

    def _refused(self, error: HTTPError, have: int) -> None:
        if error.code == 416 and have:
            # Nothing comes after what we have. If that is all of it, its digest will say so.
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return
            self._part.unlink()
            raise _Broken("the file has become shorter")
        if error.code >= 500 or error.code in _TO_TRY_AGAIN:
            raise _Broken(f"HTTP {error.code}")
        raise DownloadFailed("download_failed", f"{self._url}: HTTP {error.code} {error.reason}")


class _SafeRedirects(HTTPRedirectHandler):
    """Files may be elsewhere; but never where the way is less safe, or where only this machine may ask."""

    def redirect_request(  # noqa: PLR0917 - urllib's
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        outwards = not is_loopback(urlsplit(req.full_url).hostname or "")
        if not is_allowed(newurl) or (outwards and is_loopback(urlsplit(newurl).hostname or "")):
            fp.close()
            raise DownloadFailed("download_failed", f"{req.full_url} leads to {newurl!r}, which is refused")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> OpenerDirector:
    handlers: list[Any] = [_SafeRedirects(), HTTPSHandler(context=ssl.create_default_context())]
    if is_loopback(urlsplit(url).hostname or ""):
        # A proxy's loopback is not ours. Everywhere else the environment's proxies are asked.
        handlers.append(ProxyHandler({}))
    return build_opener(*handlers)


def _first_of(content_range: str | None) -> int | None:
    found = re.match(r"bytes (\d+)-", content_range or "")
    return int(found[1]) if found else None


def _version_of(headers: Any) -> str | None:
    """A weak tag says nothing of bytes (RFC 9110, 13.1.5)."""
    tag: str | None = headers.get("ETag")
    changed: str | None = headers.get("Last-Modified")
    return tag if tag and not tag.startswith("W/") else changed


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
