"""`/occurrences`: what became of each start and which will come; none missing, none twice."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from deployments import services
from deployments.models import Job, Run
from inventory.models import Asset
from scheduling import local_time
from tests import factories
from tests.factories import Person

HOUR = timedelta(hours=1)


def _ago(**time: float) -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(**time)


def _job(ada: Person, *, at: datetime | None = None, **changes: Any) -> Job:
    """An enabled job with something to do, stored at that time."""
    body: dict[str, Any] = {"status": "Enabled", "preDeployActions": [factories.script()]}
    if "assetIds" not in changes and "assetTagIds" not in changes:
        body["assetIds"] = [str(factories.asset(ada.customer).public_id)]
    return factories.job(ada, at=at or timezone.now(), **body | changes)


def _hourly(ada: Person, first: datetime, **changes: Any) -> Job:
    interval = {"scheduleType": "Interval", "recurrenceInterval": "PT1H", "doNotRunUntil": first.isoformat()}
    return _job(ada, at=first - HOUR / 2, startDateTime=_wall(first), **interval | changes)


def _wall(at: datetime) -> str:
    return local_time.wire(at.replace(tzinfo=None))


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _listed(ada: Person, job: Job, query: str = "") -> list[dict[str, Any]]:
    answer = ada.get(f"deploymentjob/{job.public_id}/occurrences{query}")
    assert answer.status_code == 200, answer.json()
    return answer.json()


def _next(answer: Any) -> str:
    """The path that the answer names for what follows; empty where nothing does."""
    return "".join(re.findall(r'/pm/v1/([^>]*)>; rel="next"', answer.headers["Link"]))


def _brief(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["scheduledDateTime"], row["status"], row["jobInstanceId"]) for row in rows]


def test_occurrences__past_and_coming__stand_in_one_line(ada: Person) -> None:
    first = _ago(hours=2, minutes=10)
    job = _hourly(ada, first)
    services.tick()

    rows = _listed(ada, job, "?pageSize=5")

    stands = ["Missed", "Missed", "Pending", "Planned", "Planned"]
    assert _brief(rows) == [
        (_told(first + number * HOUR), status, number + 1 if status != "Planned" else None)
        for number, status in enumerate(stands)
    ]
    assert [row["reason"] for row in rows] == ["start_missed", "start_missed", None, None, None]
    assert {row["trigger"] for row in rows[:3]} == {"schedule"}


def test_occurrences__by_pages__are_the_same_as_at_once(ada: Person) -> None:
    job = _hourly(ada, _ago(hours=3, minutes=10))
    services.tick()
    path = f"deploymentjob/{job.public_id}/occurrences?to={_told(_ago(hours=-8))}"
    whole = ada.get(f"{path}&pageSize=100").json()

    paged, path = [], f"{path}&pageSize=3"
    while path:
        answer = ada.get(path)
        paged += answer.json()
        path = _next(answer)

    assert len(whole) == 12
    assert paged == whole


def test_occurrences__between_two_instants__start_with_the_first_and_end_before_the_second(ada: Person) -> None:
    first = _ago(minutes=-30)
    job = _hourly(ada, first)

    rows = _listed(ada, job, f"?from={_told(first + HOUR)}&to={_told(first + 4 * HOUR)}")

    assert [row["scheduledDateTime"] for row in rows] == [_told(first + number * HOUR) for number in (1, 2, 3)]


def test_occurrences__until_a_time_to_come__begin_thirty_days_ago(ada: Person) -> None:
    first = _ago(hours=2, minutes=10)
    job = _hourly(ada, first)

    rows = _listed(ada, job, f"?to={_told(first + timedelta(days=200))}&pageSize=1")
    before = _listed(ada, job, f"?to={_told(first - timedelta(days=1))}")

    assert [row["scheduledDateTime"] for row in rows] == [_told(first)]
    assert before == []


def test_occurrences__from_an_instant_with_an_offset__page_on_by_the_same_instants(ada: Person) -> None:
    first = _ago(hours=2, minutes=10)
    job = _hourly(ada, first)
    since, until = (one.astimezone(timezone.get_fixed_timezone(330)).isoformat() for one in (first, first + 5 * HOUR))
    query = urlencode({"from": since, "to": until, "pageSize": 2})

    rows, path = [], f"deploymentjob/{job.public_id}/occurrences?{query}"
    while path:
        answer = ada.get(path)
        rows += answer.json()
        path = _next(answer)

    assert [row["scheduledDateTime"] for row in rows] == [_told(first + number * HOUR) for number in range(5)]


def test_occurrences__two_in_one_second__stand_on_one_page_each(ada: Person) -> None:
    first = _ago(minutes=1)
    job = _hourly(ada, first)
    services.tick()
    Run.objects.create(
        **{field: getattr(Run.objects.get(), field) for field in ("customer", "job", "opened_at", "state_changed_at")},
        instance=2,
        trigger="user",
        scheduled_for=first + timedelta(milliseconds=500),
        deadline=first + HOUR,
    )

    answer = ada.get(f"deploymentjob/{job.public_id}/occurrences?pageSize=1")

    assert [row["jobInstanceId"] for row in (*answer.json(), *ada.get(_next(answer)).json())] == [1, 2]


@pytest.mark.parametrize("query", ["?from=9999-12-31T23:59:59Z", "?from=9999-12-01T00:00:00Z"])
def test_occurrences__at_the_end_of_time__are_none(ada: Person, query: str) -> None:
    assert _listed(ada, _hourly(ada, _ago(hours=1)), query) == []


def test_occurrences__due_and_not_opened_yet__is_planned(ada: Person) -> None:
    first = _ago(minutes=1)
    job = _hourly(ada, first)

    assert _brief(_listed(ada, job, "?pageSize=1")) == [(_told(first), "Planned", None)]


def test_occurrences__of_a_disabled_job__are_those_that_were(ada: Person) -> None:
    first = _ago(minutes=10)
    job = _hourly(ada, first)
    services.tick()
    services.set_status(job=job, state="Disabled", user=ada.user, at=timezone.now())

    assert _brief(_listed(ada, job)) == [(_told(first), "Canceled", 1)]


def test_occurrences__run_by_hand__stands_between_those_of_the_schedule(ada: Person) -> None:
    job = _hourly(ada, _ago(minutes=-30))
    ada.post(f"deploymentjob/{job.public_id}/run")

    by_hand, planned = _listed(ada, job, "?pageSize=2")

    assert (by_hand["trigger"], by_hand["starts"], by_hand["status"]) == ("user", [], "Pending")
    assert (planned["trigger"], planned["status"], len(planned["starts"])) == (None, "Planned", 1)


def test_occurrences__windows_that_meet__are_marked(ada: Person) -> None:
    job = _hourly(ada, _ago(minutes=-30), timeout=90, timeoutUnit="MINUTES")

    first, second = _listed(ada, job, "?pageSize=2")

    assert (first["notes"], second["notes"]) == ([], ["overlaps"])


def test_occurrences__where_clocks_change__say_so(ada: Person) -> None:
    # In Berlin the clock skips 02:00 to 03:00 on 30 March 2031, and shows that hour twice on 26 October.
    daily = {"scheduleType": "Daily", "startDateTime": "2031-03-01 02:30:00 AM", "timezone": "Europe/Berlin"}
    job = _job(ada, **daily)

    (spring,) = _listed(ada, job, "?from=2031-03-30T00:00:00Z&to=2031-03-31T00:00:00Z")
    (autumn,) = _listed(ada, job, "?from=2031-10-25T22:00:00Z&to=2031-10-26T22:00:00Z")

    assert (spring["scheduledDateTime"], spring["notes"]) == ("2031-03-30T01:00:00Z", ["gap_shifted"])
    assert (autumn["scheduledDateTime"], autumn["notes"]) == ("2031-10-26T00:30:00Z", ["fold_first"])
    assert spring["starts"] == [
        {
            "timezone": "Europe/Berlin",
            "dateTime": "2031-03-30T01:00:00Z",
            "localDateTime": "2031-3-30 03:00:00 AM",
            "notes": ["gap_shifted"],
        }
    ]


def test_occurrences__by_each_machines_clock__show_a_start_for_each_zone(ada: Person) -> None:
    ids = []
    for zone in ("Asia/Tokyo", "America/Lima", ""):
        host = factories.asset(ada.customer)
        Asset.objects.filter(pk=host.pk).update(timezone=zone)
        ids.append(str(host.public_id))
    once = {"scheduleType": "Daily", "startDateTime": "2031-04-14 01:00:00 AM", "timezone": "Europe/Berlin"}
    job = _job(ada, assetIds=ids, timezoneType="AGENT_TZ", **once)

    (row,) = _listed(ada, job, "?from=2031-04-13T00:00:00Z&to=2031-04-14T00:00:00Z")

    assert row["scheduledDateTime"] == "2031-04-13T11:00:00Z"
    assert {start["timezone"]: start["dateTime"] for start in row["starts"]} == {
        "America/Lima": "2031-04-14T06:00:00Z",
        "Asia/Tokyo": "2031-04-13T16:00:00Z",
        "Europe/Berlin": "2031-04-13T23:00:00Z",
    }
    assert {start["localDateTime"] for start in row["starts"]} == {"2031-4-14 01:00:00 AM"}


@pytest.mark.parametrize("occurrences", [1, 60])
def test_occurrences__many__take_a_constant_number_of_queries(
    ada: Person, django_assert_num_queries: Any, occurrences: int
) -> None:
    job = _hourly(ada, _ago(hours=30))
    services.tick()

    # Four of the request and who asks; the job, its runs, its calendars, their freezes.
    with django_assert_num_queries(8):
        assert len(_listed(ada, job, f"?pageSize={occurrences}")) == occurrences


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?from=2031-01-01T00:00:00Z&to=2030-01-01T00:00:00Z", "to"),
        ("?from=2031-01-01T00:00:00Z&to=2042-01-01T00:00:00Z", "to"),
        ("?from=tomorrow", "from"),
        ("?to=2031-01-01", "to"),
        ("?pageSize=1001", "pageSize"),
        ("?since=2031-01-01T00:00:00Z", "since"),
        ("?to=0001-01-01T00:00:00Z", "to"),
        ("?to=9999-12-31T23:59:59Z", "to"),
        ("?to=0001-01-01T00:00:00%2B14:00", "to"),
        ("?from=9999-12-31T23:59:59-14:00", "from"),
    ],
)
def test_occurrences__asked_for_wrongly__says_what_would_be_right(ada: Person, query: str, field: str) -> None:
    answer = ada.get(f"deploymentjob/{_job(ada).public_id}/occurrences{query}")

    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_occurrences__of_a_strangers_job__are_not_there(ada: Person) -> None:
    job = _job(ada)

    assert factories.stranger().get(f"deploymentjob/{job.public_id}/occurrences").status_code == 404


def test_occurrences__after_ticks_that_came_when_they_liked__have_no_gap_and_no_double(ada: Person) -> None:
    first = _ago(days=3)
    job = _hourly(ada, first, recurrenceInterval="PT7M")

    while services.tick():
        pass

    starts = [datetime.fromisoformat(row["scheduledDateTime"]) for row in _listed(ada, job, "?pageSize=1000")]
    assert starts == [first + number * timedelta(minutes=7) for number in range(1000)]
    assert Run.objects.filter(job=job, state="Pending").count() == 1
