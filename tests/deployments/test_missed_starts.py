"""Starts that nobody opened in time: each leaves a run with its reason, and the policy says which begins late."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.models import Event
from deployments import services
from deployments.models import HostTask, Job, Run
from deployments.services import ticks
from scheduling import local_time
from tests import factories
from tests.factories import NOW, Person

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def _ago(**time: float) -> datetime:
    """To the second, as clients send times."""
    return timezone.now().replace(microsecond=0) - timedelta(**time)


def _job(ada: Person, start: datetime, **changes: Any) -> Job:
    """An enabled job that starts first then, in UTC, and that nobody has looked after since."""
    host = factories.asset(ada.customer)
    return factories.job(
        ada,
        at=start - MINUTE,
        **{
            "scheduleType": "Once",
            "startDateTime": local_time.wire(start.replace(tzinfo=None)),
            "status": "Enabled",
            "assetIds": [str(host.public_id)],
            "preDeployActions": [factories.script()],
        }
        | changes,
    )


def _every(start: datetime, interval: str, **changes: Any) -> dict[str, Any]:
    return {"scheduleType": "Interval", "recurrenceInterval": interval, "doNotRunUntil": start.isoformat()} | changes


def _runs(job: Job) -> list[tuple[datetime, str, str]]:
    return list(Run.objects.filter(job=job).order_by("instance").values_list("scheduled_for", "state", "reason"))


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "policy", "begins"),
    [
        ({"minutes": 4}, {"missedRunPolicy": "Skip"}, True),
        ({"minutes": 6}, {"missedRunPolicy": "Skip"}, False),
        ({"hours": 3.9}, {}, True),
        ({"hours": 4.1}, {}, False),
        ({"minutes": 29}, {"missedRunWithin": "PT30M"}, True),
        ({"minutes": 31}, {"missedRunWithin": "PT30M"}, False),
        ({"days": 1, "hours": 1}, {"missedRunWithin": "P2D"}, True),
        ({"days": 6}, {"missedRunPolicy": "AtNextContact"}, True),
        ({"days": 8}, {"missedRunPolicy": "AtNextContact"}, False),
        ({"hours": 2, "minutes": 1}, {"timeout": 2}, False),
    ],
)
def test_tick__start_is_late__begins_as_the_policy_says(
    ada: Person, late: dict[str, float], policy: dict[str, Any], begins: bool
) -> None:
    start = _ago(**late)
    job = _job(ada, start, **{"timeout": 168} | policy)

    services.tick()

    assert _runs(job) == [(start, "Pending", "") if begins else (start, "Missed", "start_missed")]
    (event,) = Event.objects.filter(run_id=Run.objects.get().pk)
    assert event.kind == ("run.opened" if begins else "run.missed")


def test_tick__several_starts_missed__each_has_its_run_and_the_newest_begins(ada: Person) -> None:
    first = _ago(hours=3, minutes=10)
    job = _job(ada, first, **_every(first, "PT1H"))

    services.tick()

    job.refresh_from_db()
    missed = [(first + number * HOUR, "Missed", "start_missed") for number in range(3)]
    assert _runs(job) == [*missed, (first + 3 * HOUR, "Pending", "")]
    assert (job.next_run_at, job.last_instance) == (first + 4 * HOUR, 4)


def test_tick__more_starts_missed_than_it_settles_at_a_time__settles_them_in_turn(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "MOST", 2)
    first = _ago(hours=4, minutes=10)
    job = _job(ada, first, **_every(first, "PT1H"))

    made = [services.tick() for _ in range(4)]

    states = [state for _, state, _ in _runs(job)]
    assert made == [2, 2, 1, 0]
    assert [start for start, _, _ in _runs(job)] == [first + number * HOUR for number in range(5)]
    assert states == ["Missed"] * 4 + ["Pending"]


def test_tick__many_jobs_are_late__only_some_begin_in_each_tick_and_the_punctual_first(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "LATE_BATCH", 2)
    late = [_job(ada, _ago(hours=1, minutes=number)) for number in range(5)]
    punctual = [_job(ada, _ago(seconds=2)) for _ in range(3)]

    made = [services.tick()]
    opened = set(Run.objects.values_list("job_id", flat=True))
    made += [services.tick() for _ in range(3)]

    # The oldest of the late ones come first.
    assert opened == {job.pk for job in [*punctual, *late[-2:]]}
    assert made == [5, 2, 1, 0]


# --- disabled meanwhile -----------------------------------------------------------------------------------------------


def _switched(ada: Person, job: Job, *, off: datetime, on: datetime) -> Job:
    services.set_status(job=job, state="Disabled", user=ada.user, at=off)
    services.set_status(job=job, state="Enabled", user=ada.user, at=on)
    job.refresh_from_db()
    return job


def test_enable__starts_passed_while_it_was_disabled__each_has_its_run_and_the_newest_begins(ada: Person) -> None:
    first = _ago(hours=2, minutes=10)
    job = _job(ada, first, **_every(first, "PT1H"))
    _switched(ada, job, off=first - MINUTE / 2, on=_ago(minutes=1))

    services.tick()

    missed = [(first + number * HOUR, "Missed", "job_was_disabled") for number in range(2)]
    assert _runs(job) == [*missed, (first + 2 * HOUR, "Pending", "")]


def test_enable__policy_skips__waits_for_the_next_start(ada: Person) -> None:
    first = _ago(minutes=10)
    job = _job(ada, first, **_every(first, "PT1H", missedRunPolicy="Skip"))
    _switched(ada, job, off=first - MINUTE / 2, on=_ago(minutes=1))

    services.tick()

    job.refresh_from_db()
    assert _runs(job) == [(first, "Missed", "job_was_disabled")]
    assert job.next_run_at == first + HOUR


def test_enable__no_start_passed__leaves_nothing_behind(ada: Person) -> None:
    first = _ago(minutes=-30)
    job = _job(ada, first, **_every(first, "PT1H"))

    _switched(ada, job, off=_ago(minutes=20), on=_ago(minutes=10))

    assert job.next_run_at == first
    assert services.tick() == 0


def test_enable__first_time_of_all__misses_nothing(ada: Person) -> None:
    first = _ago(days=3)
    job = _job(ada, first, **_every(first, "PT1H", status="Disabled"))

    services.set_status(job=job, state="Enabled", user=ada.user, at=_ago(seconds=1))

    job.refresh_from_db()
    assert job.next_run_at > _ago(seconds=1)


def test_enable__disabled_for_months__looks_back_thirty_days(ada: Person) -> None:
    first = _ago(days=100)
    job = _job(ada, first, **_every(first, "P1D"))
    at = _ago(seconds=1)

    _switched(ada, job, off=first - MINUTE / 2, on=at)

    assert at - timedelta(days=30) <= job.next_run_at < at - timedelta(days=29)


# --- edits at the worst moment ----------------------------------------------------------------------------------------


def _due_now(ada: Person) -> tuple[Job, datetime]:
    """A daily job that is due, and that no tick has claimed yet."""
    start = _ago(seconds=3)
    return _job(ada, start, **_every(start, "P1D")), start


def test_change__of_the_schedule_while_due__notes_the_start_as_missed(ada: Person) -> None:
    job, start = _due_now(ada)
    later = start + 2 * HOUR

    answer = ada.patch(f"deploymentjob/{job.public_id}", {"doNotRunUntil": later.isoformat()})

    assert answer.status_code == 200, answer.json()
    services.tick()
    job.refresh_from_db()
    assert _runs(job) == [(start, "Missed", "job_changed")]
    assert (job.next_run_at, job.last_instance) == (later, 1)


def test_change__of_the_schedule_after_a_long_outage__loses_none_of_the_many_starts(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "MOST", 2)
    first = _ago(hours=4, minutes=10)
    job = _job(ada, first, **_every(first, "PT1H"))

    answer = ada.patch(f"deploymentjob/{job.public_id}", {"recurrenceInterval": "PT3H"})

    assert answer.status_code == 200, answer.json()
    assert _runs(job) == [(first + number * HOUR, "Missed", "job_changed") for number in range(5)]
    job.refresh_from_db()
    assert (job.next_run_at, job.last_instance) == (first + 6 * HOUR, 5)


def test_change__of_anything_else_while_due__begins_as_changed(ada: Person) -> None:
    job, start = _due_now(ada)

    ada.patch(f"deploymentjob/{job.public_id}", {"name": "renamed", "timeout": 3})

    services.tick()
    assert _runs(job) == [(start, "Pending", "")]
    assert Run.objects.get().deadline == start + 3 * HOUR


def test_change__of_the_zone_while_due__notes_the_start_as_missed(ada: Person) -> None:
    start = _ago(seconds=3)
    wall = local_time.wire(start.replace(tzinfo=None))
    job = _job(ada, start, scheduleType="Daily", startDateTime=wall)

    ada.patch(f"deploymentjob/{job.public_id}", {"timezone": "America/New_York"})

    services.tick()
    job.refresh_from_db()
    assert _runs(job) == [(start, "Missed", "job_changed")]
    assert start < job.next_run_at < start + timedelta(days=1)


def test_disable__while_due__leaves_the_start_to_be_settled_when_it_is_enabled(ada: Person) -> None:
    job, start = _due_now(ada)
    services.set_status(job=job, state="Disabled", user=ada.user, at=_ago(seconds=0))
    assert services.tick() == 0

    services.set_status(job=job, state="Enabled", user=ada.user, at=timezone.now())
    services.tick()

    assert _runs(job) == [(start, "Pending", "")]


def test_delete__while_due__starts_nothing(ada: Person) -> None:
    job, _ = _due_now(ada)

    ada.delete(f"deploymentjob/{job.public_id}")

    assert services.tick() == 0
    assert not Run.objects.exists()


# --- hosts ------------------------------------------------------------------------------------------------------------


def _waiting(ada: Person, *, job: Job | None = None, **changes: Any) -> HostTask:
    """The host task of a run that resolved at NOW, on a machine that has not come."""
    job = job or _job(ada, NOW, **{"scheduleType": "On-demand", "status": "Disabled", "timeout": 24} | changes)
    run = services.run_now(job=job, user=ada.user, at=NOW)
    services.resolve(run_id=run.pk, at=NOW)
    return HostTask.objects.get(run=run)


@pytest.mark.parametrize(
    ("policy", "at", "state"),
    [
        ({"missedRunPolicy": "Skip"}, 4 * MINUTE, "Pending"),
        ({"missedRunPolicy": "Skip"}, 5 * MINUTE, "Missed"),
        ({}, 239 * MINUTE, "Pending"),
        ({}, 240 * MINUTE, "Missed"),
        ({"missedRunWithin": "PT6H"}, 5 * HOUR, "Pending"),
        ({"missedRunPolicy": "AtNextContact"}, 23 * HOUR, "Pending"),
        ({"missedRunPolicy": "AtNextContact"}, 24 * HOUR, "Missed"),
    ],
)
def test_sweep__host_is_away_at_its_start__misses_it_as_the_policy_says(
    ada: Person, policy: dict[str, Any], at: timedelta, state: str
) -> None:
    task = _waiting(ada, **policy)

    services.sweep(at=NOW + at)

    task.refresh_from_db()
    assert task.state == state
    assert task.reason == ("" if state == "Pending" else "never_came" if at == 24 * HOUR else "host_away")


def test_sweep__earlier_run_of_the_job_still_on_the_host__misses_it_there_alone(ada: Person) -> None:
    job = _job(ada, NOW, scheduleType="Daily", status="Disabled", timeout=24, missedRunPolicy="Skip")
    earlier = _waiting(ada, job=job)
    services.hand_out(asset=earlier.asset, at=NOW)
    later = _waiting(ada, job=job)

    services.sweep(at=NOW + 5 * MINUTE)

    later.refresh_from_db()
    assert (later.state, later.reason) == ("Missed", "earlier_run")


def test_sweep__another_job_holds_the_host__waits_inside_its_window(ada: Person) -> None:
    first = _waiting(ada, missedRunPolicy="Skip")
    services.hand_out(asset=first.asset, at=NOW)
    hosts = [str(first.asset.public_id)]
    other = _job(
        ada, NOW, scheduleType="On-demand", status="Disabled", timeout=2, missedRunPolicy="Skip", assetIds=hosts
    )
    second = _waiting(ada, job=other)

    services.sweep(at=NOW + 10 * MINUTE)
    second.refresh_from_db()
    waited = second.state
    services.sweep(at=NOW + 2 * HOUR)

    second.refresh_from_db()
    assert (waited, second.state, second.reason) == ("Pending", "Missed", "never_came")


def test_enabled_once_job__inside_its_window__gives_hosts_their_time_from_now(ada: Person) -> None:
    job = _job(ada, NOW, status="Disabled", timeout=24)
    services.set_status(job=job, state="Enabled", user=ada.user, at=NOW + 10 * HOUR)
    services.resolve(run_id=Run.objects.get().pk, at=NOW + 10 * HOUR)

    task = HostTask.objects.get()

    assert (task.start_at, task.start_before, task.deadline) == (NOW, NOW + 14 * HOUR, NOW + 24 * HOUR)


@pytest.mark.parametrize(
    ("within", "says"),
    [
        ("PT4M", "must be PT5M to P30D"),
        ("P31D", "must be PT5M to P30D"),
        ("P1M", "months differ in length"),
        ("4 hours", "ISO 8601"),
    ],
)
def test_create__missed_run_within_is_wrong__says_what_would_be_right(ada: Person, within: str, says: str) -> None:
    answer = ada.post("deploymentjob", factories.job_body(missedRunWithin=within))

    ((field, message),) = [(one["field"], one["message"]) for one in answer.json()["errors"]]
    assert field == "missedRunWithin"
    assert says in message
