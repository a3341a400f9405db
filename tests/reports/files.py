"""Reports as clients get them: asked for, written by the worker's task, fetched."""

import csv
import io
from typing import Any

from core.models import Event, Message
from reports import tasks
from tests.factories import Person


def ask(by: Person, path: str, body: object = None, **headers: str) -> Any:
    """The answer to asking for a report; without a body as clients do it that send no content type either."""
    if body is not None:
        return by.post(f"report/{path}", body, **headers)
    return by.client.generic("POST", f"/pm/v1/report/{path}", content_type="", headers=by.headers | headers)


def asked(by: Person, path: str, body: object = None, **headers: str) -> Any:
    """The row of a report that is now queued."""
    answer = ask(by, path, body, **headers)
    assert answer.status_code == 202, answer.content
    return answer.json()


def write_all(of: Person) -> None:
    """Do what waits in the outbox for the worker."""
    for message in Message.objects.filter(task="reports.write").order_by("pk"):
        tasks.write(of.customer.pk, message.pk)


def downloaded(by: Person, report_id: str, query: str = "", **headers: str) -> Any:
    """The answer, with its bytes as `body`."""
    answer = by.get(f"reports/{report_id}/download{query}", **headers)
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


def rows_of(by: Person, path: str, body: object = None) -> list[dict[str, str]]:
    """The rows of a new report, by title."""
    report = asked(by, path, body)
    write_all(by)
    answer = downloaded(by, report["id"])
    assert answer.status_code == 200, answer.body
    return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))


def told(kind: str) -> int:
    """How many events of a kind there are."""
    return Event.objects.filter(kind=kind).count()
