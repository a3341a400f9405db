"""Jobs that start by their machines' clocks: each occurrence opens when the first machine's time comes, not before."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from calendars import services as calendars
from core.customer_context import acting_for
from deployments import services
from deployments.models import HostTask, Job, Run
from inventory.models import Asset
from scheduling import local_time
from tests import factories
from tests.factories import Person

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# No zone of these changes its clocks: UTC+9, UTC+1, UTC-5.
TOKYO, LAGOS, LIMA = "Asia/Tokyo", "Africa/Lagos", "America/Lima"


def _now() -> datetime:
    return timezone.now().replace(microsecond=0)


def _host(ada: Person, zone: str, **changes: Any) -> Asset:
    host = factories.asset(ada.customer, **changes)
    with acting_for(ada.customer.pk):
        Asset.objects.filter(pk=host.pk).update(timezone=zone)
    return host


def _job(ada: Person, *hosts: Asset, start: datetime, zone: str, at: datetime | None = None, **changes: Any) -> Job:
    """An enabled daily job whose first start on machines of that zone is then; created two days before."""
    body = {
        "scheduleType": "Daily",
        "startDateTime": local_time.wire(start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)),
        "timezoneType": "AGENT_TZ",
        "status": "Enabled",
        "assetIds": [str(host.public_id) for host in hosts] or None,
        "preDeployActions": [factories.script()],
        "timeout": 6,
    }
    return factories.job(ada, at=at or start - timedelta(days=2), **body | changes)


def _shift(job: Job, by: timedelta) -> None:
    """As if so much time had passed for the job: it starts, and is looked at, so much earlier."""
    job.refresh_from_db()
    assert job.next_run_at is not None
    assert job.due_at is not None
    wall = local_time.parse(job.start_local) - by
    columns = {"next_run_at": job.next_run_at - by, "due_at": job.due_at - by}
    Job.objects.filter(pk=job.pk).update(start_local=wall.isoformat(timespec="seconds"), **columns)


def _first_on_earth(job: Job, start: datetime, zone: str) -> datetime:
    wall = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return wall.replace(tzinfo=ZoneInfo("Etc/GMT-14"))


def _tasks(job: Job) -> dict[str, tuple[str, str]]:
    rows = HostTask.objects.filter(run__job=job).values_list("asset__timezone", "state", "reason")
    return {zone: (state, reason) for zone, state, reason in rows}


def _resolve(job: Job) -> Run:
    run = Run.objects.get(job=job)
    services.resolve(run_id=run.pk, at=timezone.now())
    run.refresh_from_db()
    return run


# --- when it opens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [TOKYO, LAGOS, LIMA])
def test_tick__first_zone_on_earth_is_there_but_no_machine__waits_for_the_first_machine(ada: Person, zone: str) -> None:
    start = _now() + 2 * HOUR
    job = _job(ada, _host(ada, zone), start=start, zone=zone)

    assert services.tick() == 0

    job.refresh_from_db()
    assert (job.next_run_at, job.due_at) == (_first_on_earth(job, start, zone), start)
    assert not Run.objects.exists()


def test_tick__first_machine_is_there__opens_the_run_and_each_machine_has_its_start(ada: Person) -> None:
    start = _now() - MINUTE
    job = _job(ada, _host(ada, LAGOS), _host(ada, LIMA), start=start, zone=LAGOS)

    assert services.tick() == 1

    run = _resolve(job)
    starts = dict(HostTask.objects.values_list("asset__timezone", "start_at"))
    assert starts == {LAGOS: start, LIMA: start + 6 * HOUR}
    assert run.scheduled_for == _first_on_earth(job, start, LAGOS)
    job.refresh_from_db()
    assert job.next_run_at == job.due_at == run.scheduled_for + timedelta(days=1)


def test_tick__machines_joined_while_it_waited__are_in_the_run(ada: Person) -> None:
    tag = factories.tag(ada.customer, "Lima")
    job = _job(ada, start=_now() + MINUTE, zone=LIMA, assetTagIds=[str(tag.public_id)], filterType="Any")
    _host(ada, LIMA, tags=(tag,))
    services.tick()
    _host(ada, LIMA, tags=(tag,))
    _shift(job, 2 * MINUTE)

    services.tick()

    assert _resolve(job).state == "Running"
    assert HostTask.objects.filter(state="Pending").count() == 2


def test_tick__no_machine_at_all__opens_by_the_jobs_own_clock(ada: Person) -> None:
    tag = factories.tag(ada.customer, "nobody")
    tagged = {"assetTagIds": [str(tag.public_id)], "filterType": "Any", "timezone": LIMA}
    waits = _job(ada, start=_now() + MINUTE, zone=LIMA, **tagged)
    opens = _job(ada, start=_now() - MINUTE, zone=LIMA, **tagged)

    services.tick()

    assert not Run.objects.filter(job=waits).exists()
    run = _resolve(opens)
    assert services.close(run_id=run.pk, at=timezone.now()) is None
    assert Run.objects.get().reason == "no_hosts"


def test_tick__jobs_of_several_customers__each_opens_by_its_own_machines(ada: Person) -> None:
    eve = factories.stranger()
    start = _now() - MINUTE
    jobs = [_job(who, _host(who, zone), start=start, zone=LAGOS) for who in (ada, eve) for zone in (LAGOS, LIMA)]

    assert services.tick() == 2

    opened = {
        job.pk
        for who in (ada, eve)
        for job in jobs
        if _seen(who, job)
    }  # fmt: skip
    assert opened == {jobs[0].pk, jobs[2].pk}


def _seen(who: Person, job: Job) -> bool:
    with acting_for(who.customer.pk):
        return Run.objects.for_customer(who.customer.pk).filter(job=job).exists()


# --- too late ---------------------------------------------------------------------------------------------------------


def test_tick__too_late_for_all_machines__is_missed_though_it_is_still_to_come_elsewhere(ada: Person) -> None:
    job = _job(ada, _host(ada, TOKYO), start=_now() - HOUR, zone=TOKYO, missedRunPolicy="Skip")

    services.tick()

    assert Run.objects.values_list("state", "reason").get() == ("Missed", "start_missed")
    assert Run.objects.get().job_id == job.pk


@pytest.mark.parametrize(
    ("policy", "early"),
    [
        ({"missedRunPolicy": "Skip"}, ("Missed", "start_missed")),
        ({"missedRunWithin": "PT2H"}, ("Missed", "start_missed")),
        ({"missedRunWithin": "PT9H"}, ("Pending", "")),
        ({"missedRunPolicy": "AtNextContact"}, ("Missed", "start_missed")),
        ({"missedRunPolicy": "AtNextContact", "timeout": 9}, ("Pending", "")),
    ],
)
def test_tick__too_late_for_some_machines__the_others_begin(
    ada: Person, policy: dict[str, Any], early: tuple[str, str]
) -> None:
    # Eight hours later it is that time in Lagos.
    job = _job(ada, _host(ada, TOKYO), _host(ada, LAGOS), start=_now() - MINUTE, zone=LAGOS, **policy)

    services.tick()

    assert _resolve(job).state == "Running"
    assert _tasks(job) == {TOKYO: early, LAGOS: ("Pending", "")}


# --- enabled, disabled, changed while it waits ------------------------------------------------------------------------


def test_enable__occurrence_is_on_its_way_around_the_earth__begins_with_the_next(ada: Person) -> None:
    begun = _now() - HOUR
    both = _job(ada, _host(ada, TOKYO), _host(ada, LIMA), start=begun, zone=TOKYO, at=_now())
    ahead = _job(ada, _host(ada, LIMA), start=begun, zone=TOKYO, at=_now())

    first = _first_on_earth(both, begun, TOKYO)
    assert both.next_run_at == first + timedelta(days=1)
    assert ahead.next_run_at == first


def test_preview__occurrence_is_on_its_way_around_the_earth__shows_the_starts_that_will_be(ada: Person) -> None:
    begun = _now() - HOUR
    job = _job(ada, _host(ada, TOKYO), _host(ada, LIMA), start=begun, zone=TOKYO, at=_now())

    answer = ada.post(f"deploymentjob/{job.public_id}/preview", {}).json()

    first = {one["timezone"]: datetime.fromisoformat(one["starts"][0]["dateTime"]) for one in answer["occurrences"]}
    assert first == {TOKYO: begun + 24 * HOUR, LIMA: begun + 38 * HOUR}


def test_disable_and_enable__while_it_waits__loses_nothing(ada: Person) -> None:
    start = _now() + MINUTE
    job = _job(ada, _host(ada, LIMA), start=start, zone=LIMA)
    services.tick()
    services.set_status(job=job, state="Disabled", user=ada.user, at=timezone.now())
    services.set_status(job=job, state="Enabled", user=ada.user, at=timezone.now())

    services.tick()

    job.refresh_from_db()
    assert (job.next_run_at, job.due_at) == (_first_on_earth(job, start, LIMA), start)


def test_disable_and_enable__after_it_opened__does_not_open_it_again(ada: Person) -> None:
    early, late = _host(ada, LAGOS), _host(ada, LIMA)
    job = _job(ada, early, late, start=_now() - MINUTE, zone=LAGOS)
    services.tick()
    with acting_for(ada.customer.pk):
        Asset.objects.filter(pk=early.pk).update(timezone=LIMA)
    services.set_status(job=job, state="Disabled", user=ada.user, at=timezone.now())
    services.set_status(job=job, state="Enabled", user=ada.user, at=timezone.now())

    assert services.tick() == 0

    job.refresh_from_db()
    assert job.next_run_at == Run.objects.get().scheduled_for + timedelta(days=1)


def test_edit__other_machines_while_it_waits__waits_for_them(ada: Person) -> None:
    start = _now() + 7 * HOUR
    job = _job(ada, _host(ada, LIMA), start=start, zone=LIMA)
    services.tick()

    answer = ada.patch(f"deploymentjob/{job.public_id}", {"assetIds": [str(_host(ada, LAGOS).public_id)]})
    services.tick()

    assert answer.status_code == 200
    job.refresh_from_db()
    assert job.due_at == start - 6 * HOUR


def test_edit__schedule_changes_while_it_waits__leaves_no_trace_of_the_old_one(ada: Person) -> None:
    start = _now() + 5 * HOUR
    job = _job(ada, _host(ada, LIMA), start=start, zone=LIMA)
    services.tick()
    wall = (start - HOUR).astimezone(ZoneInfo(LIMA)).replace(tzinfo=None)

    answer = ada.patch(f"deploymentjob/{job.public_id}", {"startDateTime": local_time.wire(wall)})
    services.tick()

    assert answer.status_code == 200
    job.refresh_from_db()
    assert job.due_at == start - HOUR
    assert not Run.objects.exists()


def test_lists__while_it_waits__show_the_first_machines_start(ada: Person) -> None:
    start = _now() + HOUR
    job = _job(ada, _host(ada, LIMA), start=start, zone=LIMA)
    services.tick()

    (row,) = ada.get("deploymentjobs/summary").json()
    planned = ada.get(f"deploymentjob/{job.public_id}/occurrences").json()[0]

    assert row["nextScheduleDateTime"] == int(start.timestamp() * 1000)
    assert planned["status"] == "Planned"
    assert [one["dateTime"] for one in planned["starts"]] == [start.strftime("%Y-%m-%dT%H:%M:%SZ")]


def test_enable_once__inside_its_window_for_some__these_begin_now_and_the_others_at_their_time(ada: Person) -> None:
    early = _now() - 5 * HOUR
    once = {"scheduleType": "Once", "missedRunPolicy": "Skip"}
    job = _job(ada, _host(ada, LAGOS), _host(ada, LIMA), start=early, zone=LAGOS, at=_now(), **once)

    run = _resolve(job)

    assert run.state == "Running"
    starts = dict(HostTask.objects.values_list("asset__timezone", "start_at"))
    assert starts == {LAGOS: early, LIMA: early + 6 * HOUR}
    assert set(_tasks(job).values()) == {("Pending", "")}


# --- freezes and pauses -----------------------------------------------------------------------------------------------


def _freeze(ada: Person, start: datetime, end: datetime) -> None:
    entries = [{"start": start.isoformat(), "end": end.isoformat(), "summary": "closing"}]
    content = calendars.Content(name=f"year end {start}", entries=entries, is_global=True)
    with acting_for(ada.customer.pk):
        calendars.create_calendar(customer_id=ada.customer.pk, user=ada.user, content=content, at=timezone.now())


def test_tick__freeze_is_over_before_the_first_machine_starts__holds_nothing(ada: Person) -> None:
    job = _job(ada, _host(ada, LIMA), start=_now() + 2 * MINUTE, zone=LIMA)
    _freeze(ada, _now() - 20 * HOUR, _now() + MINUTE)

    services.tick()

    assert not Run.objects.exists()
    assert Job.objects.get(pk=job.pk).due_at is not None


def test_tick__freeze_when_the_first_machine_starts__leaves_a_frozen_run(ada: Person) -> None:
    _job(ada, _host(ada, LIMA), start=_now() - MINUTE, zone=LIMA)
    _freeze(ada, _now() - 2 * MINUTE, _now() + HOUR)

    services.tick()

    assert Run.objects.get().state == "Frozen"


def test_occurrences__freeze_over_some_zones__names_these(ada: Person) -> None:
    start = (_now() + 48 * HOUR).replace(minute=0, second=0)
    job = _job(ada, _host(ada, LAGOS), _host(ada, LIMA), start=start, zone=LAGOS, at=_now())
    _freeze(ada, start + 5 * HOUR, start + 7 * HOUR)

    rows = ada.get(f"deploymentjob/{job.public_id}/occurrences").json()

    (row,) = [one for one in rows if "frozen" in one["notes"]]
    assert {one["timezone"]: "frozen" in one["notes"] for one in row["starts"]} == {LAGOS: False, LIMA: True}
