"""The tick: what is due opens its run, once, however many look."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.customer_context import acting_for
from core.models import Event, Heartbeat, Message
from deployments import services
from deployments.models import Job, Run
from deployments.services import ticks
from scheduling import local_time
from tests import factories
from tests.factories import NOW, Person


def _once(ada: Person, start: datetime, **changes: object) -> Job:
    """An enabled job that starts then, in UTC."""
    host = factories.asset(ada.customer)
    return factories.job(
        ada,
        at=min(start, NOW),
        **{
            "scheduleType": "Once",
            "startDateTime": local_time.wire(start.replace(tzinfo=None)),
            "status": "Enabled",
            "assetIds": [str(host.public_id)],
            "preDeployActions": [factories.script()],
        }
        | changes,
    )


def _just_now() -> datetime:
    """A start that no tick has had time to miss; to the second, as clients send them."""
    return timezone.now().replace(microsecond=0) - timedelta(seconds=2)


def test_tick__due_job__opens_one_run_of_its_instant(ada: Person) -> None:
    start = _just_now()
    job = _once(ada, start, timeout=2)

    opened = services.tick(), services.tick()

    run = Run.objects.get()
    job.refresh_from_db()
    assert opened == (1, 0)
    assert (run.job_id, run.instance, run.trigger, run.state) == (job.pk, 1, "schedule", "Pending")
    assert (run.scheduled_for, run.deadline) == (start, start + timedelta(hours=2))
    assert (job.next_run_at, job.last_instance, job.state) == (None, 1, "Enabled")
    assert Heartbeat.objects.filter(name="tick").exists()


def test_tick__opened_run__has_its_event_and_message(ada: Person) -> None:
    job = _once(ada, _just_now())

    services.tick()

    event = Event.objects.get(kind="run.opened")
    message = Message.objects.get(event_id=event.pk)
    assert (event.customer_id, event.job_id, event.run_id) == (ada.customer.pk, job.pk, Run.objects.get().pk)
    assert (message.customer_id, message.task) == (ada.customer.pk, "deployments.resolve_run")


def test_tick__not_due__does_nothing(ada: Person) -> None:
    _once(ada, timezone.now() + timedelta(minutes=1))
    _once(ada, NOW, status="Disabled")

    assert services.tick() == 0
    assert not Run.objects.exists()


def test_tick__deleted_while_it_waited__does_nothing(ada: Person) -> None:
    job = _once(ada, _just_now())
    services.delete(job=job, user=ada.user, at=NOW)

    assert services.tick() == 0


def test_tick__more_than_a_batch__opens_all_of_them(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "BATCH", 2)
    for _ in range(4):
        _once(ada, _just_now())

    assert services.tick() == 4
    assert Run.objects.count() == 4


def test_tick__number_of_jobs__does_not_change_the_number_of_statements(ada: Person) -> None:
    # The first beat of all is an insert.
    services.tick()
    counts = []
    for jobs in (1, 8):
        for _ in range(jobs):
            _once(ada, _just_now())
        with CaptureQueriesContext(connection) as captured:
            services.tick()
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_resolve__window_over_since_the_run_opened__is_missed(ada: Person) -> None:
    start = _just_now()
    _once(ada, start, timeout=1)
    services.tick()
    run = Run.objects.get()

    services.resolve(run_id=run.pk, at=start + timedelta(hours=1))

    run.refresh_from_db()
    assert (run.state, run.reason, run.finished_at) == ("Missed", "window_over", start + timedelta(hours=1))
    assert not run.host_tasks.exists()
    assert Event.objects.filter(run_id=run.pk).order_by("pk").values_list("kind", flat=True)[1] == "run.missed"


def test_tick__crash_before_the_commit__leaves_all_due(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = factories.person(customer=factories.customer())
    start = _just_now()
    job = _once(ada, start)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ticks.events, "record_many", crash)
        with pytest.raises(KeyboardInterrupt):
            services.tick()
    with acting_for(ada.customer.pk):
        left = Run.objects.count(), Job.objects.get().next_run_at, Event.objects.filter(kind="run.opened").count()
    services.tick()

    with acting_for(ada.customer.pk):
        assert left == (0, start, 0)
        assert Run.objects.get().job_id == job.pk


def test_tick__four_at_once__open_each_run_once(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "BATCH", 7)
    people = [factories.person(customer=factories.customer()) for _ in range(5)]
    start = _just_now() - timedelta(seconds=60)
    jobs = {_once(ada, start + timedelta(seconds=number)).pk for ada in people for number in range(10)}

    opened = factories.at_once(services.tick, threads=4)

    runs: Counter[int] = Counter()
    told: Counter[int] = Counter()
    for ada in people:
        with acting_for(ada.customer.pk):
            runs.update(Run.objects.values_list("job_id", flat=True))
            told.update(Event.objects.filter(kind="run.opened").values_list("job_id", flat=True))
            assert not Job.objects.filter(next_run_at__isnull=False).exists()
    assert sum(opened) == 50
    assert runs == told == Counter(jobs)
