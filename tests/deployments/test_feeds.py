"""Feeds: an address that calendar programs subscribe to, of one job or of all."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar

from deployments import services
from deployments.models import Feed, Job
from scheduling import local_time
from tests import factories
from tests.factories import Person

WEEK = timedelta(days=7)


def _weekly(ada: Person, start: datetime, **changes: Any) -> Job:
    """An enabled job that starts at that time of each week, in UTC; one occurrence may be due."""
    body: dict[str, Any] = {
        "name": "Tills",
        "status": "Enabled",
        "scheduleType": "Interval",
        "recurrenceInterval": "P7D",
        "doNotRunUntil": start.isoformat(),
        "startDateTime": local_time.wire(start.replace(tzinfo=None)),
        "assetIds": [str(factories.asset(ada.customer).public_id)],
        "preDeployActions": [factories.script()],
        "timeout": 3,
    }
    return factories.job(ada, at=start - timedelta(minutes=1), **body | changes)


def _ago(**time: float) -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(**time)


def _subscribed(ada: Person, body: dict[str, Any] | None = None) -> str:
    """The path of a new feed's address."""
    answer = ada.post("feeds", body or {})
    assert answer.status_code == 201, answer.json()
    address: str = answer.json()["url"]
    assert address.startswith("http://testserver/feeds/feed_")
    return address.removeprefix("http://testserver")


def _events(path: str) -> list[Any]:
    """What a program without any sign-in reads there."""
    answer = Client().get(path)
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return Calendar.from_ical(answer.content).walk("VEVENT")


def test_feed__of_a_job__shows_what_was_and_what_comes(ada: Person) -> None:
    first = _ago(days=8)
    job = _weekly(ada, first, description="All tills")
    services.tick()

    missed, second, third = _events(_subscribed(ada, {"jobId": str(job.public_id)}))[:3]

    assert [one.start for one in (missed, second, third)] == [first, first + WEEK, first + 2 * WEEK]
    assert third.end - third.start == timedelta(hours=3)
    assert (missed["summary"], missed["status"]) == ("Tills (Missed)", "CANCELLED")
    assert (third["summary"], third["status"]) == ("Tills", "CONFIRMED")
    assert third["description"].startswith("every week, from ")
    assert third["description"].splitlines()[-1] == "All tills"
    assert third["uid"] == f"{job.public_id}-{first + 2 * WEEK:%Y%m%dT%H%M%SZ}@patch-deployment"


def test_feed__of_all_jobs__shows_each_in_order(ada: Person) -> None:
    later, sooner = _weekly(ada, _ago(days=-2), name="later"), _weekly(ada, _ago(days=-1), name="sooner")
    _weekly(ada, _ago(days=-1), name="off", status="Disabled")

    events = _events(_subscribed(ada))

    assert [one["summary"] for one in events[:4]] == ["sooner", "later", "sooner", "later"]
    assert [one.start for one in events] == sorted(one.start for one in events)
    assert {later.name, sooner.name} == {one["summary"] for one in events}


def test_feed__of_all_jobs__still_shows_what_starts_no_more(ada: Person) -> None:
    once = {"scheduleType": "Once", "recurrenceInterval": None, "doNotRunUntil": None}
    _weekly(ada, _ago(minutes=1), name="once", **once)
    _weekly(ada, _ago(minutes=1), name="gone")
    off = _weekly(ada, _ago(minutes=1), name="off")
    services.tick()
    services.set_status(job=off, state="Disabled", user=ada.user, at=timezone.now())
    services.delete(job=Job.objects.get(name="gone"), user=ada.user, at=timezone.now())
    _weekly(factories.stranger(), _ago(minutes=1), name="theirs")
    services.tick()

    events = _events(_subscribed(ada))

    assert sorted(one["summary"] for one in events) == ["off (Canceled)", "once (Pending)"]


def test_feed__by_each_machines_clock__is_in_no_zone(ada: Person) -> None:
    job = _weekly(
        ada,
        _ago(days=-5),
        scheduleType="Daily",
        recurrenceInterval=None,
        doNotRunUntil=None,
        startDateTime="2031-04-14 01:00:00 AM",
        timezoneType="AGENT_TZ",
    )
    Job.objects.filter(pk=job.pk).update(next_run_at=datetime(2027, 4, 13, 11, tzinfo=UTC))

    (event, *_) = _events(_subscribed(ada, {"jobId": str(job.public_id)}))

    assert [event.start.isoformat(), event.end.isoformat()] == ["2027-04-14T01:00:00", "2027-04-14T04:00:00"]


def test_feed__asked_again__is_not_sent_again(ada: Person) -> None:
    job = _weekly(ada, _ago(days=-1))
    path = _subscribed(ada)
    etag = Client().get(path).headers["ETag"]

    same = Client().get(path, headers={"If-None-Match": etag})
    ada.patch(f"deploymentjob/{job.public_id}", {"name": "renamed"})
    other = Client().get(path, headers={"If-None-Match": etag})

    assert (same.status_code, same.content) == (304, b"")
    assert other.status_code == 200


def test_feed__deleted__answers_nothing(ada: Person) -> None:
    path = _subscribed(ada)
    (row,) = ada.get("feeds").json()

    answer = ada.delete(f"feeds/{row['id']}")

    assert answer.json() == {"deleted": row["id"]}
    assert Client().get(path).status_code == 404
    assert ada.get("feeds").json() == []


def test_feed__wrong_secret__is_404(ada: Person) -> None:
    path = _subscribed(ada)

    assert Client().get(path[:-5] + "x.ics").status_code == 404
    assert Client().get("/feeds/.ics").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/feeds/x.ics", "/healthz", "/readyz"])
def test_post__where_there_is_only_to_read__is_405_in_json(path: str) -> None:
    answer = Client(enforce_csrf_checks=True).post(path)

    assert (answer.status_code, answer.json()["errorCode"]) == (405, "1908")


def test_feed__is_told_without_its_address_and_kept_without_its_secret(ada: Person) -> None:
    path = _subscribed(ada, {"name": "mine"})

    (row,) = ada.get("feeds").json()
    read = ada.get(f"feeds/{row['id']}").json()

    feed = Feed.objects.get()
    assert read == row
    assert row == {
        "id": str(feed.public_id),
        "name": "mine",
        "jobId": None,
        "createdBy": {"id": str(ada.user.public_id), "name": "ada"},
        "createdAt": int(feed.created_at.timestamp() * 1000),
    }
    secret = path.removeprefix("/feeds/").removesuffix(".ics")
    assert secret not in feed.secret_digest


def test_create_feed__of_a_job_of_anothers__is_refused_as_an_unknown_one(ada: Person) -> None:
    bob = factories.stranger()
    job = factories.job(bob, externalId="theirs")

    for name in (str(job.public_id), "theirs"):
        answer = ada.post("feeds", {"jobId": name})
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in answer.json()["errors"]] == [("jobId", "unknown_id")]


@pytest.mark.parametrize(("role", "status"), [(factories.Role.VIEWER, 403), (factories.Role.OPERATOR, 403)])
def test_delete_feed__of_somebody_else__takes_an_administrator(ada: Person, role: Any, status: int) -> None:
    _subscribed(ada)
    (row,) = ada.get("feeds").json()
    other = factories.person(customer=ada.customer, role=role)

    assert other.delete(f"feeds/{row['id']}").status_code == status


@pytest.mark.parametrize("jobs", [1, 6])
def test_feed__of_many_jobs__takes_a_constant_number_of_queries(
    ada: Person, django_assert_num_queries: Any, jobs: int
) -> None:
    for number in range(jobs):
        _weekly(ada, _ago(days=3, hours=number))
    services.tick()
    path = _subscribed(ada)

    # Two of the request; whose it is, the feed; jobs, runs.
    with django_assert_num_queries(6):
        events = _events(path)

    assert len({one["uid"] for one in events}) == len(events) > 20 * jobs


def test_feed__text__is_what_other_programs_take(ada: Person) -> None:
    _weekly(ada, _ago(days=-1), name="a; b, c\nd — ü", description="x" * 300)

    content = Client().get(_subscribed(ada)).content

    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    (event, *_) = Calendar.from_ical(content).walk("VEVENT")
    assert event["summary"] == "a; b, c\nd — ü"
    assert isinstance(event.start, date)


def test_feed__names_with_control_characters__begin_no_line(ada: Person) -> None:
    evil = "a\rBEGIN:VEVENT\x0bSUMMARY:x\u2028y\x07"
    _weekly(ada, _ago(days=-1), name=evil, description=evil)

    content = Client().get(_subscribed(ada, {"name": evil})).content.decode()

    assert len(content.splitlines()) == len(content.split("\r\n")) - 1
    assert "X-WR-CALNAME:a\\nBEGIN:VEVENT\\nSUMMARY:x\\ny \r\n" in content
    assert {one["summary"] for one in Calendar.from_ical(content).walk("VEVENT")} == {"a\nBEGIN:VEVENT\nSUMMARY:x\ny "}
