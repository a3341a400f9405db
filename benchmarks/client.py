"""A client as programs have one: signed in once, on a connection that stays open."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from embedded.errors import EmbeddedError

OK, CREATED = 200, 201


class Client:
    """Asks one service."""

    def __init__(self, base_url: str) -> None:
        where = urlsplit(base_url)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=120)
        self.headers: dict[str, str] = {}

    def sign_in(self, username: str, password: str) -> None:
        """As a person of the customer. Raises EmbeddedError."""
        form = urlencode({"username": username, "password": password, "token": "true"})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        token = self._ask("POST", "/auth", CREATED, form, kind)
        self.headers = {"Authorization": f"Bearer {token.decode()}"}

    def rest(self) -> None:
        """Let go of the connection, which the server ends when nobody speaks; the next request makes another."""
        self._connection.close()

    def page(self, path: str, size: int, key: str) -> list[dict[str, Any]]:
        """The page behind a key; without one the first. Raises EmbeddedError where it is not full."""
        headers = self.headers | ({"searchAfter": key} if key else {})
        rows: list[dict[str, Any]] = json.loads(self._ask("GET", f"/pm/v1/{path}?pageSize={size}", OK, None, headers))
        if len(rows) != size:
            raise EmbeddedError(f"A page of {path} has {len(rows)} rows instead of {size}.")
        return rows

    def post(self, path: str, body: object, *, status: int) -> Any:
        """What is answered to JSON. Raises EmbeddedError."""
        headers = self.headers | {"Content-Type": "application/json"}
        return json.loads(self._ask("POST", f"/pm/v1/{path}", status, json.dumps(body), headers))

    def get(self, path: str) -> Any:
        """What is answered. Raises EmbeddedError."""
        return json.loads(self._ask("GET", f"/pm/v1/{path}", OK, None, self.headers))

    def fetch(self, path: str) -> Iterator[bytes]:
        """A file, as it comes. Raises EmbeddedError."""
        self._connection.request("GET", f"/pm/v1/{path}", headers=self.headers)
        answer = self._connection.getresponse()
        if answer.status != OK:
            raise EmbeddedError(f"GET {path} answered {answer.status}: {answer.read()[:300]!r}")
        while content := answer.read(1024 * 1024):
            yield content

    def _ask(self, method: str, path: str, status: int, body: str | None, headers: dict[str, str]) -> bytes:
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != status:
            raise EmbeddedError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
        return content
