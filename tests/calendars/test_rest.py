"""Calendars over HTTP: kept as entries, as text, and as an address."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars import apart
from calendars.models import Calendar, Freeze
from core.models import Message
from tenants.models import Role
from tests import factories
from tests.factories import Person

ENTRY = {"start": "2026-12-18T00:00:00", "end": "2027-01-04T06:00:00", "summary": "Year end"}
ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:1
SUMMARY:Audit
DTSTART;TZID=Europe/Berlin:20261201T080000
DTEND;TZID=Europe/Berlin:20261202T200000
END:VEVENT
END:VCALENDAR
"""
URL = "https://calendars.example.com/freezes.ics"
RULE = [("entries[0].rrule", "invalid")]
_numbers = itertools.count(1)
# The entries' years are seen from anywhere near them.
PERIOD = "?from=2026-01-01T00:00:00Z&pageSize=1000"


def _body(**changes: Any) -> dict[str, Any]:
    body = {"name": f"calendar {next(_numbers)}", "entries": [ENTRY]} | changes
    return {key: value for key, value in body.items() if value is not None}


def _created(by: Person, **changes: Any) -> dict[str, Any]:
    answer = by.post("calendars", _body(**changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()


def _freezes(by: Person, calendar: dict[str, Any], query: str = PERIOD) -> list[Any]:
    answer = by.get(f"calendars/{calendar['id']}/freezes{query}")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def _problems(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(one["field"], one["code"]) for one in answer.json()["errors"]]


def _ics(*events: str) -> str:
    inside = "".join(
        f"BEGIN:VEVENT\nUID:{number}\nSUMMARY:event {number}\n{event}\nEND:VEVENT\n"
        for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{inside}END:VCALENDAR\n"


# --- creating ---------------------------------------------------------------------------------------------------------


def test_create__entries__are_answered_with_every_key(ada: Person) -> None:
    answer = ada.post("calendars", {"name": "year end", "timezone": "europe/berlin", "entries": [ENTRY]})

    made = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"/pm/v1/calendars/{made['id']}"
    user = {"id": str(ada.user.public_id), "name": "ada", "fullName": "ada"}
    assert made["createdBy"]["user"] == user
    assert made["freezesUntilDate"] > made["createdBy"]["date"]
    for key in ("id", "createdBy", "freezesUntilDate"):
        del made[key]
    assert made == {
        "name": "year end",
        "description": None,
        "global": False,
        "timezone": "Europe/Berlin",
        "source": "entries",
        "url": None,
        "refreshMinutes": None,
        "fetchedDate": None,
        "error": None,
        "updatedBy": {"user": None, "date": None},
        "entries": [ENTRY | {"rrule": None}],
        "ics": None,
    }


def test_create__entries__freeze_by_the_clocks_of_the_calendars_zone(ada: Person) -> None:
    made = _created(ada, timezone="Europe/Berlin")

    assert _freezes(ada, made) == [
        {"start": "2026-12-17T23:00:00Z", "end": "2027-01-04T05:00:00Z", "summary": "Year end"}
    ]


def test_create__repeating_entry__keeps_its_time_on_the_clock_when_clocks_change(ada: Person) -> None:
    entry = {"start": "2026-10-23T08:00:00", "end": "2026-10-23T18:00:00", "rrule": "FREQ=WEEKLY;BYDAY=FR;COUNT=2"}

    made = _created(ada, timezone="Europe/Berlin", entries=[entry])

    assert [one["start"] for one in _freezes(ada, made)] == ["2026-10-23T06:00:00Z", "2026-10-30T07:00:00Z"]


def test_create__text__freezes_what_its_events_say(ada: Person) -> None:
    made = _created(ada, entries=None, ics=ICS)

    assert (made["source"], made["ics"], made["entries"]) == ("ics", ICS, None)
    assert _freezes(ada, made) == [{"start": "2026-12-01T07:00:00Z", "end": "2026-12-02T19:00:00Z", "summary": "Audit"}]


def test_create__address__is_fetched_by_a_worker_and_freezes_nothing_until_then(ada: Person) -> None:
    made = _created(ada, entries=None, url=URL, refreshMinutes="30")

    assert (made["source"], made["url"], made["refreshMinutes"], made["freezesUntilDate"]) == ("url", URL, 30, None)
    assert _freezes(ada, made) == []
    assert Message.objects.get(customer_id=ada.customer.pk, task="calendars.refresh")


def test_create__same_name_again__conflicts(ada: Person) -> None:
    _created(ada, name="twice")

    answer = ada.post("calendars", _body(name="twice"))

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "name"


def test_create__same_idempotency_key__makes_one(ada: Person) -> None:
    body = _body()

    first, second = (ada.post("calendars", body, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert first.json() == second.json()
    assert Calendar.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"name": ""}, [("name", "required")]),
        ({"name": "x" * 201}, [("name", "invalid")]),
        ({"colour": "red"}, [("colour", "unknown_key")]),
        ({"entries": None}, [("entries", "required")]),
        ({"ics": ICS}, [("ics", "excludes")]),
        ({"url": URL, "ics": ICS}, [("ics", "excludes"), ("url", "excludes")]),
        ({"timezone": "Mars/Olympus"}, [("timezone", "invalid")]),
        ({"global": "perhaps"}, [("global", "invalid")]),
        ({"refreshMinutes": 60}, [("refreshMinutes", "excludes")]),
        ({"entries": None, "url": URL, "refreshMinutes": 4}, [("refreshMinutes", "invalid")]),
        ({"entries": None, "url": URL, "refreshMinutes": 1441}, [("refreshMinutes", "invalid")]),
        ({"entries": [{}]}, [("entries[0].start", "required"), ("entries[0].end", "required")]),
        ({"entries": [ENTRY | {"start": "soon"}]}, [("entries[0].start", "invalid")]),
        ({"entries": [ENTRY | {"start": "2026-12-24"}]}, [("entries[0].start", "invalid")]),
        ({"entries": [ENTRY | {"start": "0001-01-01T00:00:00"}]}, [("entries[0].start", "invalid")]),
        ({"entries": [ENTRY, ENTRY | {"end": ENTRY["start"]}]}, [("entries[1].end", "invalid")]),
        ({"entries": [ENTRY | {"rrule": "weekly"}]}, RULE),
        ({"entries": [ENTRY | {"rrule": "FREQ=SECONDLY"}]}, RULE),
        ({"entries": [ENTRY | {"rrule": "FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(25)))}]}, RULE),
        ({"entries": [ENTRY | {"summary": "x" * 201}]}, [("entries[0].summary", "invalid")]),
        ({"entries": None, "ics": "hello"}, [("ics", "invalid")]),
        ({"entries": None, "ics": "x" * (2**20 + 1)}, [("ics", "invalid")]),
    ],
)
def test_create__what_cannot_be_meant__is_refused_by_field(
    ada: Person, changes: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    answer = ada.post("calendars", _body(**changes))

    assert [(field, {"string_too_long": "invalid"}.get(code, code)) for field, code in _problems(answer)] == problems
    assert not Calendar.objects.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "line 1: an iCalendar text begins with BEGIN:VCALENDAR"),
        ("BEGIN:VCALENDAR\nVERSION:2.0\n", "line 1: BEGIN:VCALENDAR has no END:VCALENDAR"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n", "line 3: END:VCALENDAR ends nothing that is open there"),
        (_ics("DTSTART:20261201T080000Z\nnonsense"), "line 8: must be NAME:VALUE, but was 'nonsense'"),
        (_ics("DTEND:20261201T080000Z"), "event 'event 0': DTSTART is missing"),
        (_ics("DTSTART:20261201T080000Z\nDTEND:20261101T080000Z"), "event 'event 0': ends before it begins"),
        (
            _ics("DTSTART;TZID=Mars/Olympus:20261201T080000\nDURATION:PT1H"),
            "event 'event 0': DTSTART: nobody knows the time zone 'Mars/Olympus'",
        ),
        (
            _ics("DTSTART:20261201T080000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY"),
            "event 'event 0': RRULE: FREQ must be one of DAILY, MONTHLY, WEEKLY, YEARLY, with BYHOUR for times of day",
        ),
    ],
)
def test_create__broken_text__names_the_line_or_the_event(ada: Person, text: str, message: str) -> None:
    answer = ada.post("calendars", _body(entries=None, ics=text))

    assert _problems(answer) == [("ics", "invalid")]
    assert answer.json()["errors"][0]["message"] == message


def test_create__more_freezes_than_are_kept__names_the_event(ada: Person) -> None:
    hours = ",".join(str(hour) for hour in range(24))
    rule = f"DTSTART:20200101T000000\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYHOUR={hours}"

    answer = ada.post("calendars", _body(entries=None, ics=_ics("DTSTART:20261201T080000Z\nDURATION:PT1H", rule)))

    assert answer.json()["errors"][0]["message"] == "event 'event 1': with it there are more than 10000 freezes"


def test_create__rule_that_never_comes_true__is_given_up(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 1)
    never = "DTSTART:20200101T000000\nDURATION:PT1M\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"

    answer = ada.post("calendars", _body(entries=None, ics=_ics(*[never] * 9)))

    assert _problems(answer) == [("ics", "invalid")]
    assert "takes too long to work out" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://calendars.example.com/a.ics",
        "file:///etc/passwd",
        "gopher://calendars.example.com",
        "//calendars.example.com/a.ics",
        "calendars.example.com",
        "http://",
        "https://user:secret@calendars.example.com/a.ics",
        "https://calendars.example.com/a.ics#top",
        "http://localhost/a.ics",
        "http://a.localhost/a.ics",
        "http://127.0.0.1/a.ics",
        "http://127.1/a.ics",
        "http://2130706433/a.ics",
        "http://0x7f000001/a.ics",
        "http://0177.0.0.1/a.ics",
        "http://0/a.ics",
        "http://10.0.0.1/a.ics",
        "http://172.16.5.4:8080/a.ics",
        "http://192.168.1.1/a.ics",
        "http://169.254.169.254/latest/meta-data",
        "http://100.64.0.1/a.ics",
        "http://224.0.0.1/a.ics",
        "http://255.255.255.255/a.ics",
        "http://[::1]/a.ics",
        "http://[::]/a.ics",
        "http://[fe80::1]/a.ics",
        "http://[fc00::1]/a.ics",
        "http://[fec0::1]/a.ics",
        "http://[ff02::1]/a.ics",
        "http://[::ffff:10.0.0.1]/a.ics",
        "http://[::10.0.0.1]/a.ics",
        "http://[::ffff:0:10.0.0.1]/a.ics",
        "http://[64:ff9b::10.0.0.1]/a.ics",
        "http://[64:ff9b:1::8.8.8.8]/a.ics",
        "http://[2002:7f00:1::]/a.ics",
        "http://[2001:0:7f00:1::1]/a.ics",
        "http://[2606:4700::5efe:10.0.0.1]/a.ics",
        "http://[2001:db8::1]/a.ics",
        "http://calendars.example.com:99999/a.ics",
        "http://calendars.example.com\\@10.0.0.1/a.ics",
        "http://calendars.example.com /a.ics",
    ],
)
def test_create__address_that_is_not_public__is_refused(ada: Person, url: str) -> None:
    answer = ada.post("calendars", _body(entries=None, url=url))

    assert _problems(answer) == [("url", "invalid")]


@pytest.mark.parametrize(
    "url", [URL, "http://calendars.example.com:8080/a.ics?token=1", "http://8.8.8.8/a", "http://[2606:4700::1111]/a"]
)
def test_create__public_address__comes_back_as_it_was_sent(ada: Person, url: str) -> None:
    assert _created(ada, entries=None, url=url)["url"] == url


# --- reading ----------------------------------------------------------------------------------------------------------


def test_list__leaves_out_what_may_be_long(ada: Person) -> None:
    _created(ada, entries=None, ics=ICS)

    (row,) = ada.get("calendars").json()

    assert "ics" not in row
    assert "entries" not in row
    assert row["source"] == "ics"


def test_list__by_name_query_and_order(ada: Person) -> None:
    for name, is_global in (("b", True), ("a", False), ("c", True)):
        _created(ada, name=name, **{"global": is_global})

    def names(query: str) -> list[str]:
        return [one["name"] for one in ada.get(f"calendars?{query}").json()]

    assert names("") == ["a", "b", "c"]
    assert names("sort=-name&pageSize=2") == ["c", "b"]
    assert names("query=global:true") == ["b", "c"]
    assert names("name=A") == ["a"]
    assert ada.get("calendars?attributes=name&pageSize=1").json() == [{"name": "a"}]


def test_list__many__takes_as_many_queries_as_one(ada: Person) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert ada.get("calendars?pageSize=100").status_code == 200
        return len(captured)

    _created(ada)
    one = queries()
    for _ in range(5):
        _created(ada)

    assert queries() == one


def test_freezes__of_a_period__are_those_that_reach_into_it(ada: Person) -> None:
    days = [
        {"start": f"2026-12-{day:02}T10:00:00", "end": f"2026-12-{day:02}T12:00:00", "summary": str(day)}
        for day in (1, 2, 3, 4)
    ]
    made = _created(ada, entries=days)

    found = _freezes(ada, made, "?from=2026-12-02T11:00:00Z&to=2026-12-04T10:00:00Z")

    assert [one["summary"] for one in found] == ["2", "3"]


def test_freezes__without_a_period__begin_with_now(ada: Person) -> None:
    now = datetime.now(UTC)
    hours = [(-48, -24, "past"), (-1, 1, "present"), (24, 48, "future")]
    entries = [
        {"start": (now + timedelta(hours=start)).isoformat(), "end": (now + timedelta(hours=end)).isoformat()}
        | {"summary": summary}
        for start, end, summary in hours
    ]
    made = _created(ada, entries=entries)

    assert [one["summary"] for one in _freezes(ada, made, "")] == ["present", "future"]


@pytest.mark.parametrize("query", ["from=soon", "from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z", "until=now"])
def test_freezes__period_that_cannot_be_meant__is_refused(ada: Person, query: str) -> None:
    made = _created(ada)

    assert ada.get(f"calendars/{made['id']}/freezes?{query}").status_code == 400


# --- changing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made_of",
    [{"entries": [ENTRY]}, {"entries": None, "ics": ICS}, {"entries": None, "url": URL, "refreshMinutes": 30}],
    ids=["entries", "text", "address"],
)
def test_put__what_was_read__changes_nothing(ada: Person, made_of: dict[str, Any]) -> None:
    made = _created(ada, description="for people", **made_of)

    answer = ada.put(f"calendars/{made['id']}", made)

    assert answer.status_code == 200, answer.json()
    changed = answer.json()
    assert changed.pop("updatedBy")["user"]["name"] == "ada"
    assert changed == {key: value for key, value in made.items() if key != "updatedBy"}


def test_put__what_is_left_out__is_reset(ada: Person) -> None:
    made = _created(ada, description="for people", timezone="Asia/Tokyo", **{"global": True})

    changed = ada.put(f"calendars/{made['id']}", {"name": made["name"], "ics": ICS}).json()

    assert [changed[key] for key in ("description", "timezone", "global", "entries")] == [None, "UTC", False, None]
    assert [one["summary"] for one in _freezes(ada, made)] == ["Audit"]


def test_patch__one_field__keeps_the_others(ada: Person) -> None:
    made = _created(ada, timezone="Asia/Tokyo")

    changed = ada.patch(f"calendars/{made['id']}", {"global": True}).json()

    assert (changed["global"], changed["timezone"], changed["entries"]) == (True, "Asia/Tokyo", made["entries"])


def test_patch__zone__works_the_freezes_out_anew(ada: Person) -> None:
    made = _created(ada)

    ada.patch(f"calendars/{made['id']}", {"timezone": "Asia/Tokyo"})

    assert [one["start"] for one in _freezes(ada, made)] == ["2026-12-17T15:00:00Z"]


def test_patch__another_source__takes_the_place_of_the_one_before(ada: Person) -> None:
    made = _created(ada, entries=None, url=URL, refreshMinutes=30)

    changed = ada.patch(f"calendars/{made['id']}", {"ics": ICS}).json()

    assert (changed["source"], changed["url"], changed["refreshMinutes"]) == ("ics", None, None)


@pytest.mark.parametrize("unset", [None, "", "null"])
def test_patch__other_sources_sent_as_not_set__keeps_the_one_there_is(ada: Person, unset: str | None) -> None:
    made = _created(ada)

    answer = ada.patch(
        f"calendars/{made['id']}", {"description": "x", "url": unset, "ics": unset, "refreshMinutes": unset}
    )

    assert answer.status_code == 200, answer.json()
    assert (answer.json()["description"], answer.json()["entries"]) == ("x", made["entries"])


def test_patch__two_at_once__keep_each_others_change(committed: None) -> None:
    ada = factories.person(customer=factories.customer(), role=Role.ADMIN)
    made = _created(ada)
    for number in range(5):
        sent = {"name": f"name {number}"}, {"description": f"text {number}"}, {"global": number % 2 == 0}

        factories.at_once(lambda one: ada.patch(f"calendars/{made['id']}", one), *sent)

        shown = ada.get(f"calendars/{made['id']}").json()
        assert {key: shown[key] for one in sent for key in one} == {key: one[key] for one in sent for key in one}


def test_patch__broken_text__leaves_all_as_it_was(ada: Person) -> None:
    made = _created(ada)
    before = _freezes(ada, made)

    answer = ada.patch(f"calendars/{made['id']}", {"ics": "hello"})

    assert answer.status_code == 400
    assert ada.get(f"calendars/{made['id']}").json() == made
    assert _freezes(ada, made) == before


def test_patch__name_of_another__conflicts(ada: Person) -> None:
    _created(ada, name="taken")
    made = _created(ada)

    assert ada.patch(f"calendars/{made['id']}", {"name": "taken"}).status_code == 409


def test_delete__takes_its_freezes_along(ada: Person) -> None:
    made = _created(ada)

    answer = ada.delete(f"calendars/{made['id']}")

    assert (answer.status_code, answer.json()) == (200, {"deleted": made["id"]})
    assert ada.get(f"calendars/{made['id']}").status_code == 404
    assert not Freeze.objects.exists()


def test_delete__while_jobs_name_it__conflicts_and_says_which(ada: Person) -> None:
    made = _created(ada)
    for name in ("nightly", "weekly"):
        assert ada.post("deploymentjob", factories.job_body(name=name, calendarIds=[made["id"]])).status_code == 201

    answer = ada.delete(f"calendars/{made['id']}")

    assert answer.status_code == 409
    assert "'nightly', 'weekly'" in answer.json()["message"]


def test_delete__when_the_job_that_named_it_is_deleted__works(ada: Person) -> None:
    made = _created(ada)
    job = ada.post("deploymentjob", factories.job_body(calendarIds=[made["id"]])).json()
    ada.delete(f"deploymentjob/{job['id']}")

    assert ada.delete(f"calendars/{made['id']}").status_code == 200


def test_refresh__address__wakes_a_worker(ada: Person) -> None:
    made = _created(ada, entries=None, url=URL)
    Message.objects.all().delete()

    answer = ada.post(f"calendars/{made['id']}/refresh")

    assert (answer.status_code, answer.json()) == (202, made)
    assert Message.objects.get(customer_id=ada.customer.pk).task == "calendars.refresh"


def test_refresh__nothing_to_fetch__conflicts(ada: Person) -> None:
    made = _created(ada)

    assert ada.post(f"calendars/{made['id']}/refresh").status_code == 409


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_calendars__by_other_roles__are_read_and_not_written(ada: Person, role: Role) -> None:
    made = _created(ada)
    other = factories.person(customer=ada.customer, role=role)
    path = f"calendars/{made['id']}"

    assert [other.get(one).status_code for one in ("calendars", path, f"{path}/freezes", "pause")] == [200] * 4
    refused = [
        other.post("calendars", _body()),
        other.put(path, _body()),
        other.patch(path, {"name": "mine"}),
        other.delete(path),
        other.post(f"{path}/refresh"),
        other.put("pause", {"paused": True}),
    ]
    assert [one.status_code for one in refused] == [403] * 6


def test_calendar__of_another_customer__is_not_there(ada: Person) -> None:
    made = _created(ada)
    stranger = factories.stranger()

    assert stranger.get("calendars").json() == []
    assert stranger.get(f"calendars/{made['id']}").status_code == 404
    assert stranger.post("calendars", _body(name=made["name"])).status_code == 201
