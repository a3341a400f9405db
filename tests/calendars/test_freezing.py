"""Whether something is frozen, until when, and by which calendar; for many at once, and as the tick's role asks."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars import services
from calendars.models import Calendar
from calendars.services import Frozen, Held, freeze_of, freezes_between, freezes_of, frozen_at
from core.customer_context import acting_for, scheduling
from deployments.models import Job
from deployments.services.freezing import frozen_jobs
from tests import factories
from tests.factories import NOW, Person

_numbers = itertools.count(1)


def _at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def _calendar(by: Person, *hours: tuple[float, float], name: str = "", is_global: bool = False) -> Calendar:
    """One that freezes these hours, counted from NOW."""
    entries = [
        {"start": _at(start).isoformat(), "end": _at(end).isoformat(), "summary": f"{start} to {end}"}
        for start, end in hours
    ]
    content = services.Content(name=name or f"calendar {next(_numbers)}", entries=entries, is_global=is_global)
    with acting_for(by.customer.pk):
        return services.create_calendar(customer_id=by.customer.pk, user=by.user, content=content, at=NOW)


def _frozen(by: Person, *calendars: Calendar, hours: float = 0) -> Frozen | None:
    return freeze_of(customer_id=by.customer.pk, calendar_ids=[one.pk for one in calendars], at=_at(hours))


def test_freeze_of__within_a_freeze__says_which_why_and_until_when(ada: Person) -> None:
    calendar = _calendar(ada, (-1, 2), name="year end")

    assert _frozen(ada, calendar) == Frozen(calendar.pk, "year end", "-1 to 2", _at(2))


@pytest.mark.parametrize(("hours", "is_frozen"), [(-1.01, False), (-1, True), (1.99, True), (2, False), (50, False)])
def test_freeze_of__begins_with_its_start_and_is_over_at_its_end(ada: Person, hours: float, is_frozen: bool) -> None:
    calendar = _calendar(ada, (-1, 2))

    assert (_frozen(ada, calendar, hours=hours) is not None) == is_frozen


@pytest.mark.parametrize(
    ("hours", "end"),
    [
        ([(-1, 2), (2, 3)], 3),
        ([(-1, 2), (1, 3), (3, 4), (5, 6)], 4),
        ([(-10, 10), (-1, 1), (2, 3)], 10),
        ([(-1, 2), (2.5, 3)], 2),
    ],
    ids=["touching", "chained", "one within another", "a gap between"],
)
def test_freeze_of__freezes_without_a_gap__end_where_nothing_freezes_any_more(
    ada: Person, hours: list[tuple[float, float]], end: float
) -> None:
    calendar = _calendar(ada, *hours)

    found = _frozen(ada, calendar)

    assert found is not None
    assert found.ends_at == _at(end)


def test_freeze_of__several_calendars__end_with_the_last_that_takes_over(ada: Person) -> None:
    first, second, third = (
        _calendar(ada, (-1, 2)),
        _calendar(ada, (2, 4), (7, 8)),
        _calendar(ada, (3, 6), is_global=True),
    )

    found = _frozen(ada, first, second)

    assert found is not None
    assert (found.calendar_id, found.ends_at) == (first.pk, _at(6))
    assert _frozen(ada, second) is None
    # Nobody names the third, and it holds everything back.
    by_all = _frozen(ada, hours=5)
    assert by_all is not None
    assert by_all.calendar_id == third.pk


def test_freeze_of__calendar_that_is_neither_named_nor_global__freezes_nothing(ada: Person) -> None:
    _calendar(ada, (-1, 2))

    assert _frozen(ada) is None


def test_freeze_of__calendar_of_another_customer__freezes_nothing(ada: Person) -> None:
    eve = factories.stranger()
    named = _calendar(eve, (-1, 2))
    _calendar(eve, (-1, 2), is_global=True)

    assert _frozen(ada, named) is None


def test_freezes_between__are_those_that_reach_into_the_period(ada: Person) -> None:
    named = _calendar(ada, (-5, -1), (0, 1), (3, 4), name="named")
    _calendar(ada, (-2, 9), name="global", is_global=True)
    _calendar(ada, (0, 9), name="other")

    found = freezes_between(customer_id=ada.customer.pk, calendar_ids=[named.pk], start=_at(-1), end=_at(3))

    assert [(one.calendar, one.starts_at, one.ends_at) for one in found] == [
        ("global", _at(-2), _at(9)),
        ("named", _at(0), _at(1)),
    ]


def test_frozen_at__agrees_with_the_query_at_every_instant(ada: Person) -> None:
    chosen = random.Random(1)
    calendars = []
    for number in range(4):
        starts = [chosen.randint(-40, 40) for _ in range(12)]
        calendars.append(_calendar(ada, *((one, one + chosen.randint(1, 5)) for one in starts), is_global=number == 0))
    named = calendars[1:3]
    stretches = freezes_between(
        customer_id=ada.customer.pk, calendar_ids=[one.pk for one in named], start=_at(-100), end=_at(100)
    )

    for hours in [number / 2 for number in range(-90, 100)]:
        by_query, by_list = _frozen(ada, *named, hours=hours), frozen_at(stretches, _at(hours))
        walked = _walked(stretches, _at(hours))
        assert (by_query and by_query.ends_at) == (by_list and by_list.ends_at) == walked, hours


def _walked(stretches: Any, at: datetime) -> datetime | None:
    """Half an hour after half an hour, as somebody would look for it."""

    def is_frozen(moment: datetime) -> bool:
        return any(one.starts_at <= moment < one.ends_at for one in stretches)

    if not is_frozen(at):
        return None
    while is_frozen(at):
        at += timedelta(minutes=30)
    return at


def test_freezes_of__many__takes_as_many_queries_as_few(ada: Person) -> None:
    calendars = [_calendar(ada, (-1, number + 1), (number + 1, number + 3)) for number in range(6)]
    _calendar(ada, (0, 1), is_global=True)

    def asked(number: int) -> int:
        held = {place: Held(ada.customer.pk, [calendars[place % 6].pk]) for place in range(number)}
        with CaptureQueriesContext(connection) as captured:
            found = freezes_of(held, at=NOW)
        assert len(found) == number
        return len(captured)

    assert asked(60) == asked(1) == 3


# --- jobs -------------------------------------------------------------------------------------------------------------


def _job(by: Person, *calendars: Calendar) -> Job:
    return factories.job(by, calendarIds=[str(one.public_id) for one in calendars])


@pytest.mark.usefixtures("committed")
def test_frozen_jobs__as_the_scheduler__are_those_of_every_customer() -> None:
    ada, eve = factories.person(customer=factories.customer()), factories.stranger()
    mine, hers = _calendar(ada, (-1, 2)), _calendar(eve, (-1, 3), is_global=True)
    frozen, free, held = _job(ada, mine), _job(ada), _job(eve)

    with scheduling():
        jobs = list(Job.objects.filter(pk__in=[frozen.pk, free.pk, held.pk]).only("pk", "customer_id"))
        with CaptureQueriesContext(connection) as captured:
            found = frozen_jobs(jobs, at=NOW)

    assert {pk: (one.by, one.until) for pk, one in found.items()} == {
        frozen.pk: (f"{mine.name}: -1 to 2", _at(2)),
        held.pk: (f"{hers.name}: -1 to 3", _at(3)),
    }
    assert len(captured) <= 6


def test_frozen_jobs__none_of_them__is_nothing(ada: Person) -> None:
    assert frozen_jobs([], at=NOW) == {}
