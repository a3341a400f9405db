"""A small REST client, as a script of a customer's own would have it. Standard library alone."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import Any

_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What the service answered; header names are in lower case."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Refused(RuntimeError):
    """The service answered something else than 2xx."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        super().__init__(f"{method} {path} answered {answer.status}: {json.dumps(answer.body)}")
        self.answer = answer


class Client:
    """Calls as one user. `token` is what `sign_in` got."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self.base_url = base_url
        self.token = token

    def sign_in(self, username: str, password: str) -> None:
        """Trade a user name and a password for the token of all later calls."""
        form = urllib.parse.urlencode({"username": username, "password": password, "token": "true"})
        answer = self.send("POST", "/auth", form.encode(), "application/x-www-form-urlencoded")
        if answer.status != 201:
            raise Refused("POST", "/auth", answer)
        self.token = answer.body

    def get(self, path: str) -> Any:
        """The body of a GET. Raises Refused."""
        return self.call("GET", path).body

    def post(self, path: str, body: object = None) -> Any:
        """The body that a POST answers. Raises Refused."""
        return self.call("POST", path, body).body

    def call(self, method: str, path: str, body: object = None) -> Answer:
        """Any call. Raises Refused unless it answers 2xx."""
        data = None if body is None else json.dumps(body).encode()
        answer = self.send(method, path, data, "application/json")
        if not 200 <= answer.status < 300:
            raise Refused(method, path, answer)
        return answer

    def send(self, method: str, path: str, data: bytes | None = None, content_type: str | None = None) -> Answer:
        """Any call, whatever it answers."""
        request = urllib.request.Request(self.base_url + path, data=data, method=method)
        if data is not None and content_type:
            request.add_header("Content-Type", content_type)
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as got:
                return _answer(got.status, got)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused.code, refused)


def _answer(status: int, got: Any) -> Answer:
    headers = {name.lower(): value for name, value in got.headers.items()}
    text = got.read().decode()
    is_json = headers.get("content-type", "").startswith("application/json")
    return Answer(status, json.loads(text) if is_json and text else text, headers)
