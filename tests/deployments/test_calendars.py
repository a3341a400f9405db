"""`calendarIds` of a job: kept as sent, told apart from strangers' and unknown ids, and seen in previews."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.models import JobCalendar
from tests import factories
from tests.factories import Person

NOBODY = str(uuid.UUID(int=4))


def _calendar(by: Person, name: str = "freezes", **changes: Any) -> str:
    answer = by.post("calendars", {"name": name, "entries": []} | changes)
    assert answer.status_code == 201, answer.json()
    return answer.json()["id"]


def _created(by: Person, **changes: Any) -> dict[str, Any]:
    answer = by.post("deploymentjob", factories.job_body(**changes))
    assert answer.status_code == 201, answer.json()
    return answer.json()


@pytest.mark.parametrize("sent", [None, []])
def test_create__names_none__comes_back_as_it_was_sent(ada: Person, sent: list[str] | None) -> None:
    assert _created(ada, calendarIds=sent)["calendarIds"] == sent


@pytest.mark.parametrize("spelt", [list, ",".join, lambda ids: [*ids, ids[0].upper()]], ids=["list", "text", "twice"])
def test_create__names_calendars__comes_back_in_their_order(ada: Person, spelt: Any) -> None:
    ids = [_calendar(ada, name) for name in ("b", "a", "c")]

    made = _created(ada, calendarIds=spelt(ids))

    assert made["calendarIds"] == ids
    assert ada.get(f"deploymentjob/{made['id']}").json()["calendarIds"] == ids
    assert ada.get("deploymentjobs").json()[0]["calendarIds"] == ids


def test_create__unknown_and_foreign_ids__are_the_same_problem_each(ada: Person) -> None:
    foreign = _calendar(factories.stranger())

    answer = ada.post("deploymentjob", factories.job_body(calendarIds=[_calendar(ada), NOBODY, foreign]))

    assert answer.status_code == 400
    assert [(one["field"], one["code"], one["message"]) for one in answer.json()["errors"]] == [
        ("calendarIds[1]", "unknown_id", f"no such id: {NOBODY}"),
        ("calendarIds[2]", "unknown_id", f"no such id: {foreign}"),
    ]


def test_create__more_calendars_than_make_sense__is_refused(ada: Person) -> None:
    answer = ada.post("deploymentjob", factories.job_body(calendarIds=[str(uuid.uuid4()) for _ in range(101)]))

    told = {one["field"]: one["message"] for one in answer.json()["errors"]}
    assert told["calendarIds"] == "must have 100 items or fewer, but has 101"


def test_edit__as_read__keeps_them_and_another_list_replaces_them(ada: Person) -> None:
    first, second = _calendar(ada, "first"), _calendar(ada, "second")
    job = _created(ada, calendarIds=[first])
    path = f"deploymentjob/{job['id']}"

    def shown() -> Any:
        return ada.get(path).json()["calendarIds"]

    assert ada.put(path, job).status_code == 200
    assert shown() == [first]
    assert ada.patch(path, {"name": "other"}).status_code == 200
    assert shown() == [first]
    assert ada.patch(path, {"calendarIds": [second, first]}).status_code == 200
    assert shown() == [second, first]
    assert ada.put(path, factories.job_body()).status_code == 200
    assert shown() is None
    assert not JobCalendar.objects.exists()


def test_clone__keeps_them(ada: Person) -> None:
    calendar = _calendar(ada)
    job = _created(ada, calendarIds=[calendar])

    copy = ada.post(f"deploymentjob/{job['id']}/clone").json()

    assert ada.get(f"deploymentjob/{copy['id']}").json()["calendarIds"] == [calendar]


def test_list__asked_for_a_calendar__finds_the_jobs_that_name_it(ada: Person) -> None:
    calendar = _calendar(ada)
    _created(ada, name="held", calendarIds=[calendar])
    _created(ada, name="free")

    found = ada.get(f"deploymentjobs?query=calendarIds:{calendar}").json()

    assert [one["name"] for one in found] == ["held"]


def test_preview__starts_within_freezes__are_noted_with_the_calendars(ada: Person) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    entry = {
        "start": tomorrow.isoformat(),
        "end": (tomorrow + timedelta(days=2)).isoformat(),
        "summary": "stocktaking",
    }
    calendar = _calendar(ada, "shops", entries=[entry])
    _calendar(ada, "nobody names it", entries=[entry])
    body = factories.job_body(
        scheduleType="Daily", startDateTime="2025-1-1 12:00:00 PM", timezone="UTC", calendarIds=[calendar]
    )

    plan = ada.post("deploymentjob/preview", body).json()

    starts = plan["occurrences"][0]["starts"]
    frozen = [one["dateTime"] for one in starts if "frozen" in one["notes"]]
    noon = tomorrow + timedelta(hours=12)
    assert frozen == [f"{noon + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}" for day in (0, 1)]
    assert plan["freezes"] == [
        {
            "calendar": "shops",
            "summary": "stocktaking",
            "startDateTime": f"{tomorrow:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{tomorrow + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
        }
    ]


def test_preview__global_calendar__holds_a_job_that_names_none(ada: Person) -> None:
    entry = {"start": "2025-01-01T00:00:00", "end": "2025-01-02T00:00:00", "rrule": "FREQ=DAILY"}
    _calendar(ada, "always", entries=[entry], **{"global": True})
    _calendar(factories.stranger(), "elsewhere", entries=[entry], **{"global": True})
    body = factories.job_body(scheduleType="Daily", startDateTime="2025-1-1 12:00:00 PM", timezone="UTC")

    plan = ada.post("deploymentjob/preview", body).json()

    assert {one["calendar"] for one in plan["freezes"]} == {"always"}
    assert all(one["notes"] == ["frozen"] for one in plan["occurrences"][0]["starts"])
