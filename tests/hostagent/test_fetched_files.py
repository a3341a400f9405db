"""Files from the web: in pieces, once, and believed by their digest."""

import os
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from hostagent.clock import Clock
from hostagent.errors import BadFileDigest, DownloadFailed
from hostagent.fetching import fetch

CONTENT = os.urandom(300_000)
DIGEST = sha256(CONTENT).hexdigest()


class Impatient(Clock):
    """Does not wait, and counts how often it was to."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


class Files:
    """Serves one file, breaking off as often as it is told."""

    def __init__(self) -> None:
        self.breaks_off = 0
        self.status: int | None = None
        self.knows_ranges = True
        self.ranges: list[str | None] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/viewer.msi"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        if self.status:
            request.send_error(self.status)
            return
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.knows_ranges else 0
        if begin >= len(CONTENT):
            request.send_error(416)
            return
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(CONTENT) - begin))
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        request.end_headers()
        broken = self.breaks_off > 0
        self.breaks_off -= 1
        request.wfile.write(CONTENT[begin : begin + 100_000] if broken else CONTENT[begin:])


@pytest.fixture
def files() -> Iterator[Files]:
    made = Files()
    yield made
    made.http.shutdown()
    made.http.server_close()


def test_fetch__line_breaks_twice__goes_on_where_it_was(files: Files, tmp_path: Path) -> None:
    files.breaks_off = 2

    path = fetch(files.url, DIGEST, into=tmp_path / "file", clock=Impatient())

    assert path.read_bytes() == CONTENT
    assert files.ranges == [None, "bytes=100000-", "bytes=200000-"]
    fetch(files.url, DIGEST, into=path, clock=Impatient())
    assert len(files.ranges) == 3


def test_fetch__server_knows_no_ranges__begins_anew(files: Files, tmp_path: Path) -> None:
    files.breaks_off, files.knows_ranges = 1, False

    assert fetch(files.url, DIGEST, into=tmp_path / "file", clock=Impatient()).read_bytes() == CONTENT


def test_fetch__all_came_before_a_crash__is_only_checked(files: Files, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT)

    assert fetch(files.url, DIGEST, into=tmp_path / "file", clock=Impatient()).read_bytes() == CONTENT
    assert files.ranges == ["bytes=300000-"]


def test_fetch__another_file__is_thrown_away(files: Files, tmp_path: Path) -> None:
    with pytest.raises(BadFileDigest):
        fetch(files.url, "0" * 64, into=tmp_path / "file", clock=Impatient())

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (503, 5), (429, 5)])
def test_fetch__server_refuses__tries_again_only_where_that_may_help(
    files: Files, tmp_path: Path, status: int, tries: int
) -> None:
    files.status = status

    with pytest.raises(DownloadFailed, match=str(status)):
        fetch(files.url, DIGEST, into=tmp_path / "file", clock=Impatient())

    assert len(files.ranges) == tries


def test_fetch__not_secure__is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="only https"):
        fetch("http://files.example.com/viewer.msi", DIGEST, into=tmp_path / "file", clock=Impatient())
