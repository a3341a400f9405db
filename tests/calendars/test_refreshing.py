"""Calendars that workers fetch: the last good copy is kept, whatever a server answers."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F
from django.utils import timezone

from calendars import services, tasks
from calendars.models import Calendar, Freeze
from calendars.services import refreshing
from core.customer_context import acting_for, enter
from core.models import Event, Message
from tenants.models import Role
from tests import factories
from tests.calendars.servers import Server, says
from tests.calendars.test_rest import ICS, _freezes, _ics
from tests.factories import Person


def _made(by: Person, server: Server, **changes: Any) -> dict[str, Any]:
    answer = by.post("calendars", {"name": "fetched", "timezone": "Europe/Berlin", "url": server.url} | changes)
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _work(by: Person) -> None:
    """Do what waits for a worker."""
    for message in list(Message.objects.filter(customer_id=by.customer.pk, task="calendars.refresh")):
        tasks.refresh(by.customer.pk, message.pk)
    enter(by.customer.pk)
    assert not Message.objects.filter(task="calendars.refresh").exists()


def _refreshed(by: Person, calendar: dict[str, Any]) -> dict[str, Any]:
    assert by.post(f"calendars/{calendar['id']}/refresh").status_code == 202
    _work(by)
    return by.get(f"calendars/{calendar['id']}").json()


def _summaries(by: Person, calendar: dict[str, Any]) -> list[str]:
    return [one["summary"] for one in _freezes(by, calendar)]


def test_fetch__after_creation__brings_the_freezes(ada: Person, server: Server) -> None:
    server.answer = says(ICS.encode())
    made = _made(ada, server)

    _work(ada)

    shown = ada.get(f"calendars/{made['id']}").json()
    assert _summaries(ada, made) == ["Audit"]
    assert shown["error"] is None
    assert shown["fetchedDate"] >= made["createdBy"]["date"]
    assert shown["freezesUntilDate"] > shown["fetchedDate"]
    assert shown["ics"] is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(b"", 500), "the server answered 500"),
        (says(b"", 302, Location="http://127.0.0.1/"), "redirects are not followed"),
        (says(b"hello"), "line 1: an iCalendar text begins with BEGIN:VCALENDAR"),
        (says(ICS.replace("Audit", "Pr\xfcfung").encode("latin-1")), "the text is not UTF-8"),
        (says(b"x" * (2**20 + 1)), "more than 1048576 bytes"),
        (says(_ics("DTEND:20261201T080000Z").encode()), "event 'event 0': DTSTART is missing"),
    ],
    ids=["failure", "redirect", "no calendar", "other letters", "too long", "broken event"],
)
def test_fetch__goes_wrong__keeps_the_last_good_copy_and_says_why(
    ada: Person, server: Server, answer: Any, error: str
) -> None:
    server.answer = says(ICS.encode())
    made = _made(ada, server)
    _work(ada)
    before = ada.get(f"calendars/{made['id']}").json()
    server.answer = answer

    after = _refreshed(ada, made)

    assert error in after["error"]
    assert after | {"error": None} == before
    assert _summaries(ada, made) == ["Audit"]


def test_fetch__well_again__takes_the_error_away(ada: Person, server: Server) -> None:
    server.answer = says(b"", 500)
    made = _made(ada, server)
    _work(ada)
    assert ada.get(f"calendars/{made['id']}").json()["error"] == "the server answered 500"
    server.answer = says(ICS.encode())

    after = _refreshed(ada, made)

    assert after["error"] is None
    assert _summaries(ada, made) == ["Audit"]


def test_fetch__again__asks_whether_the_copy_is_still_good(ada: Person, server: Server) -> None:
    server.answer = says(ICS.encode(), ETag='"1"')
    made = _made(ada, server)
    _work(ada)
    first = ada.get(f"calendars/{made['id']}").json()
    server.answer = says(b"", 304)

    after = _refreshed(ada, made)

    assert [one.get("If-None-Match") for one in server.asked] == [None, '"1"']
    assert after["fetchedDate"] > first["fetchedDate"]
    assert _summaries(ada, made) == ["Audit"]


def test_fetch__other_text__takes_the_place_of_the_copy(ada: Person, server: Server) -> None:
    server.answer = says(ICS.encode())
    made = _made(ada, server)
    _work(ada)
    server.answer = says(_ics("DTSTART:20261205T080000Z\nDURATION:PT1H").encode())

    _refreshed(ada, made)

    assert _summaries(ada, made) == ["event 0"]


def test_change__another_zone__reads_the_same_text_anew(ada: Person, server: Server) -> None:
    server.answer = says(_ics("DTSTART:20261205T080000\nDURATION:PT1H").encode())
    made = _made(ada, server)
    _work(ada)

    ada.patch(f"calendars/{made['id']}", {"timezone": "Asia/Tokyo"})
    _work(ada)

    assert [one["start"] for one in _freezes(ada, made)] == ["2026-12-04T23:00:00Z"]


def test_change__another_address__keeps_the_freezes_until_it_is_fetched(ada: Person, server: Server) -> None:
    server.answer = says(ICS.encode(), ETag='"1"')
    made = _made(ada, server)
    _work(ada)

    changed = ada.patch(f"calendars/{made['id']}", {"url": f"{server.url}?other"}).json()

    assert changed["fetchedDate"] is None
    assert _summaries(ada, made) == ["Audit"]
    server.answer = says(_ics("DTSTART:20261205T080000Z\nDURATION:PT1H").encode())
    _work(ada)
    assert _summaries(ada, made) == ["event 0"]
    # What the first address called its copy is nothing to the second.
    assert "If-None-Match" not in server.asked[-1]


def test_fetch__changed_meanwhile__stores_nothing_of_before(ada: Person, server: Server) -> None:
    made = _made(ada, server)

    def answer(request: Any) -> None:
        says(ICS.encode())(request)

    def look(calendar: Calendar, **named: Any) -> Any:
        found = real(calendar, **named)
        assert ada.patch(f"calendars/{made['id']}", {"entries": []}).status_code == 200
        return found

    server.answer = answer
    real = refreshing._look
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(refreshing, "_look", look)
        (message,) = Message.objects.filter(task="calendars.refresh")
        tasks.refresh(ada.customer.pk, message.pk)

    enter(ada.customer.pk)
    assert _summaries(ada, made) == []
    assert ada.get(f"calendars/{made['id']}").json()["source"] == "entries"


def test_fetch__deleted_meanwhile__is_over(ada: Person, server: Server) -> None:
    made = _made(ada, server)
    ada.delete(f"calendars/{made['id']}")

    _work(ada)

    assert server.asked == []


def test_delete__while_a_worker_stores_freezes__waits_for_it(
    committed: None, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = factories.person(customer=factories.customer(), role=Role.ADMIN)
    server.answer = says(ICS.encode())
    made = _made(ada, server)
    storing, answers = threading.Event(), []

    def settle(*told: Any, **named: Any) -> None:
        storing.set()
        factories.until_somebody_waits()
        real(*told, **named)

    def delete() -> None:
        storing.wait(30)
        answers.append(ada.delete(f"calendars/{made['id']}").status_code)
        connections.close_all()

    real = refreshing._settle
    monkeypatch.setattr(refreshing, "_settle", settle)
    deletion = threading.Thread(target=delete)
    deletion.start()
    with acting_for(ada.customer.pk):
        (message,) = Message.objects.filter(task="calendars.refresh")
    tasks.refresh(ada.customer.pk, message.pk)
    deletion.join(30)

    assert answers == [200]
    assert ada.get("calendars").json() == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(b"", 500), "the server answered 500"),
        (says(b""), "line 1: an iCalendar text begins with BEGIN:VCALENDAR"),
    ],
    ids=["failure", "nothing"],
)
def test_fetch__next_day_without_a_text__works_the_copys_repetitions_out_further(
    ada: Person, server: Server, answer: Any, error: str
) -> None:
    server.answer = says(_ics("DTSTART:20260101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY").encode())
    made = _made(ada, server)
    _work(ada)
    last = max(one["start"] for one in _freezes(ada, made, "?pageSize=2000"))
    server.answer = answer

    # As it was three days ago.
    Calendar.objects.update(expanded_until=F("expanded_until") - timedelta(days=3))
    Freeze.objects.filter(starts_at__gte=Calendar.objects.get().expanded_until).delete()
    assert max(one["start"] for one in _freezes(ada, made, "?pageSize=2000")) < last

    after = _refreshed(ada, made)

    assert after["error"] == error
    assert max(one["start"] for one in _freezes(ada, made, "?pageSize=2000")) == last


# --- the sweep --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("committed")
def test_sweep__of_two_customers__wakes_workers_for_what_is_due_and_sets_the_next_time() -> None:
    ada, eve = factories.person(customer=factories.customer()), factories.stranger()
    with acting_for(ada.customer.pk):
        due = _stored(ada, due=timedelta(minutes=-1), url="https://calendars.example.com", refresh_minutes=30)
        _stored(ada, due=timedelta(minutes=1))
    with acting_for(eve.customer.pk):
        _stored(eve, due=timedelta(minutes=-1))

    assert services.sweep() == 2
    assert services.sweep() == 0

    with acting_for(ada.customer.pk):
        message = Message.objects.get(customer_id=ada.customer.pk)
        assert message.task == "calendars.refresh"
        assert Event.objects.get(pk=message.event_id).data == {"calendarId": due.pk}
        due.refresh_from_db()
        assert timedelta(minutes=29) < due.due_at - timezone.now() <= timedelta(minutes=30)
    with acting_for(eve.customer.pk):
        assert Message.objects.filter(customer_id=eve.customer.pk).count() == 1


@pytest.mark.usefixtures("committed")
def test_sweep__four_at_once__wake_one_worker_each() -> None:
    ada = factories.person(customer=factories.customer())
    with acting_for(ada.customer.pk):
        for number in range(8):
            _stored(ada, due=timedelta(minutes=-1), name=f"calendar {number}")

    swept = factories.at_once(services.sweep, threads=4)

    assert sum(swept) == 8
    with acting_for(ada.customer.pk):
        assert Message.objects.filter(customer_id=ada.customer.pk, task="calendars.refresh").count() == 8


def test_refresh__entries_days_later__are_worked_out_further(ada: Person) -> None:
    entry = {"start": "2026-01-01T08:00:00", "end": "2026-01-01T09:00:00", "rrule": "FREQ=DAILY"}
    made = ada.post("calendars", {"name": "daily", "entries": [entry]}).json()
    before = _freezes(ada, made, "?pageSize=2000")
    Calendar.objects.update(expanded_until=F("expanded_until") - timedelta(days=3))
    Freeze.objects.filter(starts_at__gte=Calendar.objects.get().expanded_until).delete()

    services.refresh(customer_id=ada.customer.pk, calendar_id=Calendar.objects.get().pk)

    enter(ada.customer.pk)
    assert _freezes(ada, made, "?pageSize=2000") == before


def _stored(by: Person, *, due: timedelta, name: str = "", **changes: Any) -> Calendar:
    content = services.Content(name=name or f"due {due}", **({} if changes else {"entries": ()}), **changes)
    made = services.create_calendar(customer_id=by.customer.pk, user=by.user, content=content, at=timezone.now())
    Message.objects.filter(customer_id=by.customer.pk).delete()
    Calendar.objects.filter(pk=made.pk).update(due_at=timezone.now() + due)
    return made
