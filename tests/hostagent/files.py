"""A server of one file that misbehaves as it is told."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Files:
    """Serves `content` at every path. `requests` are the Range headers that came."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.tag = '"1"'
        self.requests: list[str | None] = []
        # Of the coming answers: after how many bytes the connection breaks.
        self.breaks: list[int] = []
        # Of the coming answers: statuses to give instead, and where to.
        self.instead: list[tuple[int, str]] = []
        self.ranges = True
        self.says_length = True
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@contextmanager
def serving(content: bytes) -> Iterator[Files]:
    files = Files(content)
    try:
        yield files
    finally:
        files.close()


def _handler(files: Files) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            files.requests.append(wanted)
            if files.instead:
                status, location = files.instead.pop(0)
                self.send_response(status)
                self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            first = self._first(wanted)
            if first >= len(files.content) and first:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(files.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(first)

        def _first(self, wanted: str | None) -> int:
            found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            same = self.headers.get("If-Range") in (None, files.tag)
            return int(found[1]) if found and files.ranges and same else 0

        def _send(self, first: int) -> None:
            body = files.content[first:]
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(files.content) - 1}/{len(files.content)}")
            self.send_header("ETag", files.tag)
            if files.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: files.breaks.pop(0)] if files.breaks else body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
