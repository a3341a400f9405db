"""Starts that a freeze or a pause holds back: frozen as long as it lasts, then as the missed-run policy says."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from calendars import services as calendars
from calendars.models import Calendar, Freeze
from core.customer_context import acting_for, enter
from core.models import Event, Message
from deployments import services, tasks
from deployments.models import HostTask, Job, Run
from scheduling import local_time
from tests import factories
from tests.factories import Person

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def _ago(**time: float) -> datetime:
    return timezone.now().replace(microsecond=0) - timedelta(**time)


def _calendar(
    by: Person, start: datetime, end: datetime, *, name: str = "year end", everybody: bool = False
) -> Calendar:
    entries = [{"start": start.isoformat(), "end": end.isoformat(), "summary": "closing"}]
    content = calendars.Content(name=name, entries=entries, is_global=everybody)
    with acting_for(by.customer.pk):
        return calendars.create_calendar(customer_id=by.customer.pk, user=by.user, content=content, at=timezone.now())


def _job(by: Person, start: datetime, *named: Calendar, **changes: Any) -> Job:
    """An enabled job that starts each day at that time, in UTC, and is held back by the calendars."""
    body: dict[str, Any] = {
        "status": "Enabled",
        "scheduleType": "Daily",
        "startDateTime": local_time.wire(start.replace(tzinfo=None)),
        "assetIds": [str(factories.asset(by.customer).public_id)],
        "preDeployActions": [factories.script()],
        "calendarIds": [str(one.public_id) for one in named],
        "timeout": 20,
    }
    return factories.job(by, at=start - MINUTE, **body | changes)


def _ends(calendar: Calendar, at: datetime) -> None:
    """As if that time had come: the freeze ends then, and frozen runs look again then."""
    Freeze.objects.filter(calendar=calendar).update(ends_at=at, block_ends_at=at)
    Run.objects.filter(state="Frozen").update(resumes_at=at)


def _run(job: Job) -> Run:
    return Run.objects.get(job=job)


def test_tick__in_a_freeze__leaves_a_frozen_run_that_says_by_what(ada: Person) -> None:
    start, end = _ago(minutes=2), _ago(hours=-5)
    job = _job(ada, start, _calendar(ada, start - HOUR, end))

    services.tick()

    run = _run(job)
    assert (run.state, run.note, run.resumes_at, run.reason, run.finished_at) == (
        "Frozen", "year end: closing", end, "", None,
    )  # fmt: skip
    assert [one.kind for one in Event.objects.filter(run_id=run.pk)] == ["run.frozen"]
    assert ada.get(f"deploymentjob/{job.public_id}/history").json()["jobLastRunStatus"] == "Frozen"


@pytest.mark.parametrize(
    ("policy", "late", "state"),
    [
        ({"missedRunPolicy": "Skip"}, 1, "Missed"),
        ({}, 1, "Pending"),
        ({}, 5, "Missed"),
        ({"missedRunWithin": "PT6H"}, 5, "Pending"),
        ({"missedRunPolicy": "AtNextContact"}, 19, "Pending"),
    ],
)
def test_tick__freeze_has_ended__begins_as_the_missed_run_policy_says(
    ada: Person, policy: dict[str, Any], late: int, state: str
) -> None:
    start = _ago(seconds=30)
    calendar = _calendar(ada, start - 30 * HOUR, _ago(hours=-30))
    job = _job(ada, start, calendar, **policy)
    services.tick()
    _ends(calendar, _ago(seconds=1))
    # It was due so long ago.
    back = timedelta(hours=late)
    run = _run(job)
    Run.objects.filter(pk=run.pk).update(scheduled_for=run.scheduled_for - back, deadline=run.deadline - back)

    services.tick()

    run.refresh_from_db()
    assert (run.state, run.reason, run.resumes_at) == (state, "frozen" if state == "Missed" else "", None)
    kinds = list(Event.objects.filter(run_id=run.pk).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["run.frozen", "run.opened" if state == "Pending" else "run.missed"]


def test_tick__freeze_was_made_longer__looks_again_at_its_new_end(ada: Person) -> None:
    start, end = _ago(seconds=30), _ago(hours=-2)
    calendar = _calendar(ada, start - HOUR, end)
    job = _job(ada, start, calendar)
    services.tick()
    Run.objects.update(resumes_at=_ago(seconds=1))

    services.tick()

    assert (_run(job).state, _run(job).resumes_at) == ("Frozen", end)


def _shorten(ada: Person, calendar: Calendar, job: Job) -> Any:
    end = (timezone.now() - MINUTE).isoformat()
    return ada.patch(f"calendars/{calendar.public_id}", {"entries": [{"start": _ago(hours=5).isoformat(), "end": end}]})


def _hold_no_longer(ada: Person, calendar: Calendar, job: Job) -> Any:
    return ada.patch(f"calendars/{calendar.public_id}", {"global": False})


def _delete(ada: Person, calendar: Calendar, job: Job) -> Any:
    return ada.delete(f"calendars/{calendar.public_id}")


def _let_go(ada: Person, calendar: Calendar, job: Job) -> Any:
    return ada.patch(f"deploymentjob/{job.public_id}", {"calendarIds": []})


@pytest.mark.parametrize(
    ("change", "everybody"), [(_shorten, False), (_hold_no_longer, True), (_delete, True), (_let_go, False)]
)
def test_tick__freeze_was_taken_away__begins_at_once(ada: Person, change: Any, everybody: bool) -> None:
    start = _ago(seconds=30)
    calendar = _calendar(ada, start - HOUR, _ago(hours=-30), everybody=everybody)
    job = _job(ada, start, *([] if everybody else [calendar]))
    services.tick()
    frozen = _run(job).state

    assert change(ada, calendar, job).status_code == 200
    _work(ada)
    services.tick()

    assert (frozen, _run(job).state) == ("Frozen", "Pending")


def _work(by: Person) -> None:
    """Do what waits for a worker."""
    for message in list(Message.objects.filter(customer_id=by.customer.pk, task="deployments.look_again")):
        tasks.look_again(by.customer.pk, message.pk)
    enter(by.customer.pk)


def test_tick__several_starts_were_frozen__the_newest_alone_begins(ada: Person) -> None:
    start = _ago(seconds=30)
    calendar = _calendar(ada, start - HOUR, _ago(hours=-2))
    interval = {"scheduleType": "Interval", "recurrenceInterval": "PT1H", "doNotRunUntil": start.isoformat()}
    job = _job(ada, start, calendar, missedRunPolicy="AtNextContact", **interval)
    services.tick()
    first = _run(job)
    Run.objects.filter(pk=first.pk).update(scheduled_for=start - HOUR)
    Job.objects.filter(pk=job.pk).update(next_run_at=start, due_at=start)
    services.tick()
    _ends(calendar, _ago(seconds=1))

    services.tick()

    assert list(Run.objects.order_by("instance").values_list("state", flat=True)) == ["Missed", "Pending"]


def test_tick__calendar_for_everybody__holds_jobs_back_that_do_not_name_it(ada: Person) -> None:
    start = _ago(seconds=30)
    _calendar(ada, start - HOUR, _ago(hours=-2), everybody=True)
    _calendar(factories.stranger(), start - HOUR, _ago(hours=-9), everybody=True, name="theirs")
    job = _job(ada, start)

    services.tick()

    assert (_run(job).state, _run(job).note) == ("Frozen", "year end: closing")


def test_tick__late_and_frozen__is_frozen_only_while_it_could_still_begin(ada: Person) -> None:
    start = _ago(hours=5)
    job = _job(ada, start, _calendar(ada, start - HOUR, _ago(hours=-2)))

    services.tick()

    assert (_run(job).state, _run(job).reason) == ("Missed", "start_missed")


def test_run_now__in_a_freeze__conflicts_and_names_the_calendar(ada: Person) -> None:
    job = _job(ada, _ago(hours=-5), _calendar(ada, _ago(hours=1), _ago(hours=-2)))

    answer = ada.post(f"deploymentjob/{job.public_id}/run")

    assert answer.status_code == 409
    assert "year end: closing" in answer.json()["message"]
    assert not Run.objects.exists()


def test_enable__on_demand_in_a_freeze__waits_for_its_end(ada: Person) -> None:
    calendar = _calendar(ada, _ago(hours=1), _ago(hours=-2))
    job = _job(ada, _ago(hours=0), calendar, scheduleType="On-demand", startDateTime=None)
    frozen = _run(job).state
    _ends(calendar, _ago(seconds=1))

    services.tick()

    assert (frozen, _run(job).state) == ("Frozen", "Pending")


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_frozen_run__job_is_taken_away__is_canceled(ada: Person, how: str) -> None:
    start = _ago(seconds=30)
    job = _job(ada, start, _calendar(ada, start - HOUR, _ago(hours=-2)))
    services.tick()

    if how == "disable":
        services.set_status(job=job, state="Disabled", user=ada.user, at=timezone.now())
    else:
        assert ada.delete(f"deploymentjob/{job.public_id}").status_code == 200

    assert (_run(job).state, _run(job).resumes_at) == ("Canceled", None)


def test_pause__of_the_customer__freezes_what_is_due_until_it_is_over(ada: Person) -> None:
    bob = factories.stranger()
    start = _ago(seconds=30)
    mine, theirs = _job(ada, start), _job(bob, start)
    assert ada.put("pause", {"paused": True, "reason": "incident"}).status_code == 200

    services.tick()
    services.tick()
    stood = _run(mine).state
    ada.put("pause", {"paused": False})
    services.tick()

    assert (stood, _run(mine).state) == ("Frozen", "Pending")
    enter(bob.customer.pk)
    assert _run(theirs).state == "Pending"
    assert [one.kind for one in Event.objects.filter(job_id=theirs.pk, run_id__isnull=False)] == ["run.opened"]


def test_pause__of_the_service__lets_nothing_start_and_what_was_missed_follows_its_policy(ada: Person) -> None:
    start = _ago(seconds=30)
    job = _job(ada, start)
    call_command("pause", "--reason", "move", verbosity=0)

    while_paused = services.tick(), Run.objects.count()
    call_command("resume", verbosity=0)
    services.tick()

    assert while_paused == (0, 0)
    assert _run(job).state == "Pending"


def test_occurrences__in_a_freeze__are_marked(ada: Person) -> None:
    start = _ago(seconds=30)
    job = _job(ada, start, _calendar(ada, start - HOUR, start + 30 * HOUR))
    services.tick()

    rows = ada.get(f"deploymentjob/{job.public_id}/occurrences?pageSize=3").json()

    assert [(row["status"], row["note"], row["notes"]) for row in rows] == [
        ("Frozen", "year end: closing", ["frozen"]),
        ("Planned", None, ["frozen"]),
        ("Planned", None, []),
    ]


def test_occurrences__in_freezes_that_overlap__are_marked_by_the_longest(ada: Person) -> None:
    start = _ago(days=-1)
    long = _calendar(ada, start - HOUR, start + 30 * HOUR)
    short = _calendar(ada, start + HOUR, start + 2 * HOUR, name="short")
    later = _calendar(ada, start + 48 * HOUR, start + 50 * HOUR, name="later")
    job = _job(ada, start, long, short, later)

    rows = ada.get(f"deploymentjob/{job.public_id}/occurrences?pageSize=4").json()

    assert [row["notes"] for row in rows] == [["frozen"], ["frozen"], ["frozen"], []]


# --- hosts of a run that is going -------------------------------------------------------------------------------------


def _going(by: Person, start: datetime, **changes: Any) -> HostTask:
    """The one host of a job's run that began then."""
    job = _job(by, start, **changes)
    services.tick()
    services.resolve(run_id=_run(job).pk, at=timezone.now())
    return HostTask.objects.get(run__job=job)


@pytest.mark.parametrize("by", ["calendar", "customer", "service"])
def test_hand_out__a_freeze_or_pause_came_after_the_run_began__gives_nothing_until_it_is_over(
    ada: Person, by: str
) -> None:
    task = _going(ada, _ago(seconds=30))
    if by == "calendar":
        calendar = _calendar(ada, _ago(seconds=10), _ago(hours=-1), everybody=True)
    elif by == "customer":
        ada.put("pause", {"paused": True})
    else:
        call_command("pause", verbosity=0)

    meanwhile = services.hand_out(asset=task.asset, at=timezone.now())
    asked_again = services.next_start(asset=task.asset, after=timezone.now())
    if by == "calendar":
        _ends(calendar, _ago(seconds=1))
    elif by == "customer":
        ada.put("pause", {"paused": False})
    else:
        call_command("resume", verbosity=0)
    afterwards = services.hand_out(asset=task.asset, at=timezone.now())

    assert (meanwhile, asked_again) == (None, None)
    assert afterwards is not None
    assert afterwards.task.pk == task.pk


def test_hand_out__one_job_is_frozen__another_goes_on(ada: Person) -> None:
    frozen = _going(ada, _ago(seconds=30), calendarIds=[str(_calendar(ada, _ago(hours=-1), _ago(hours=-2)).public_id)])
    job = _job(ada, _ago(seconds=20), assetIds=[str(frozen.asset.public_id)])
    services.tick()
    services.resolve(run_id=_run(job).pk, at=timezone.now())

    handed_out = services.hand_out(asset=frozen.asset, at=timezone.now() + 90 * MINUTE)

    assert handed_out is not None
    assert handed_out.task.run.job_id == job.pk


def test_sweep__host_could_not_begin_in_time_for_a_freeze__says_so(ada: Person) -> None:
    task = _going(ada, _ago(seconds=30), missedRunPolicy="Skip")
    _calendar(ada, _ago(hours=0), _ago(hours=-1), everybody=True)

    services.sweep(at=timezone.now() + 10 * MINUTE)

    task.refresh_from_db()
    assert (task.state, task.reason) == ("Missed", "frozen")


def test_sweep__host_has_begun_before_the_freeze__goes_on(ada: Person) -> None:
    task = _going(ada, _ago(seconds=30))
    assert services.hand_out(asset=task.asset, at=timezone.now()) is not None
    _calendar(ada, _ago(hours=0), _ago(hours=-1), everybody=True)

    services.sweep(at=timezone.now() + timedelta(seconds=30))

    task.refresh_from_db()
    assert task.state == "Leased"
