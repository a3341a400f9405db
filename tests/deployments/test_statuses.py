"""What hosts of a run are called: texts and codes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments import services
from deployments.models import HostTask, Step
from deployments.states import HostTaskState
from deployments.statuses import CODES, HOST_STATUS
from inventory.models import Asset, Platform
from tests import factories
from tests.deployments.endings import BAD, STORY, counts_of, does, now_running, only_host, patched, result_of, statuses
from tests.deployments.test_host_tasks import ACCEPTED, DONE, FINISHED, _handed, _reports, _run, _take
from tests.factories import NOW, Person, later


@pytest.fixture
def host(ada: Person) -> Asset:
    """A scanned machine."""
    return factories.asset(ada.customer, "web-1")


def test_status__of_every_state__is_this_text_and_code() -> None:
    told = {state.value: (status.text, status.code) for state, status in HOST_STATUS.items()}

    assert told == {
        "Pending": ("Pending", 29001),
        "Leased": ("Job Received", 20551),
        "Running": ("Job Started", 20440),
        "AwaitingReboot": ("Pending Reboot", 29011),
        "Verifying": ("Job Started", 20440),
        "Lost": ("Lost", 29041),
        "Succeeded": ("Completed", 20360),
        "Failed": ("Job Failed", 20460),
        "NotApplicable": ("Not Applicable", 20531),
        "TimedOut": ("Timed Out", 29022),
        "Missed": ("Missed", 29032),
        "Canceled": ("Canceled", 29050),
        "Skipped": ("Skipped", 29060),
    }
    assert told.keys() == set(HostTaskState)


def test_status__each_text__has_one_code() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert CODES.items() >= {
        ("Job Received", 20551),
        ("Downloaded", 20311),
        ("Downloading - Failed", 20312),
        ("Execution Blocked", 20571),
        ("Job Started", 20440),
        ("Job Resumed", 20450),
        ("Completed", 20360),
        ("Job Failed", 20460),
        ("Canceled - Blackout", 20380),
        ("No Patch Available", 20591),
        ("Not Applicable", 20531),
    }


def test_status__as_a_host_goes_on__follows_it(ada: Person, host: Asset) -> None:
    run = patched(ada, host)
    seen = [statuses(ada, run)]
    task = _handed(host)
    seen.append(statuses(ada, run))
    _take(task, _reports(ACCEPTED))
    seen.append(statuses(ada, run))
    _take(task, _reports(*STORY[1:], first=2))
    seen.append(statuses(ada, run))

    assert seen == [("Pending", 29001), ("Job Received", 20551), ("Job Started", 20440), ("Completed", 20360)]


def test_status__lost_and_back_at_work__is_resumed(ada: Person) -> None:
    hosts = [factories.asset(ada.customer, name) for name in ("back", "steady")]
    run = patched(ada, *hosts)
    tasks = [_handed(one) for one in hosts]
    for task in tasks:
        _take(task, _reports(ACCEPTED))
    HostTask.objects.get(pk=tasks[0].pk).move_to(HostTaskState.LOST, at=later(minutes=4))
    _take(tasks[0], _reports({**DONE, "number": 1}, first=2), at=later(minutes=5))

    rows = result_of(ada, run)["assets"]

    assert [(row["status"], row["statusCode"]) for row in rows] == [("Job Resumed", 20450), ("Job Started", 20440)]
    assert len(result_of(ada, run, "?query=status:`Job Resumed`")["assets"]) == 1


def test_status__nothing_missing_there__is_no_patch_available(ada: Person, host: Asset) -> None:
    patch = factories.patch(ada.customer)

    run = _run(ada, host, approvedPatches=[str(patch.public_id)])

    assert statuses(ada, run) == ("No Patch Available", 20591)
    assert counts_of(only_host(ada, run)) == {}


def test_status__of_another_platform__is_not_applicable(ada: Person) -> None:
    run = patched(ada, factories.asset(ada.customer, platform=Platform.WINDOWS))

    assert statuses(ada, run) == ("Not Applicable", 20531)


@pytest.mark.parametrize(
    ("reason", "status"),
    [("download_failed", ("Downloading - Failed", 20312)), ("nonzero_exit", ("Job Failed", 20460))],
)
def test_status__of_an_action_that_failed__says_whether_it_was_the_download(
    ada: Person, host: Asset, reason: str, status: tuple[str, int]
) -> None:
    run = _run(ada, host)
    does(host, [ACCEPTED, {**BAD, "number": 1}, {**DONE, "number": 2}, FINISHED])
    Step.objects.filter(number=1).update(reason=reason)

    assert statuses(ada, run) == status


def test_status__another_run_holds_the_host__is_blocked_until_it_ends(ada: Person, host: Asset) -> None:
    (holding,), (waiting,) = (now_running(ada, host, name=name) for name in ("first", "second"))
    run = waiting.run
    before = statuses(ada, run)
    held = services.hand_out(asset=host, at=timezone.now())
    assert held is not None
    blocked = statuses(ada, run)
    task = HostTask.objects.get(pk=holding.pk)
    task.move_to(HostTaskState.FAILED, at=NOW, reason="patch_failed", finished_at=NOW, lease_until=None)

    assert (before, blocked) == (("Pending", 29001), ("Execution Blocked", 20571))
    assert statuses(ada, run) == ("Pending", 29001)


@pytest.mark.parametrize(
    "changes",
    [
        {"start_at": timezone.now() + timedelta(days=1)},
        dict.fromkeys(["start_at", "start_before", "deadline"], NOW - timedelta(days=8)),
    ],
)
def test_status__held_by_another_outside_of_its_own_window__is_not_blocked(
    ada: Person, host: Asset, changes: dict[str, Any]
) -> None:
    now_running(ada, host)
    (waiting,) = now_running(ada, host)
    services.hand_out(asset=host, at=timezone.now())
    HostTask.objects.filter(pk=waiting.pk).update(**changes)

    assert statuses(ada, waiting.run) == ("Pending", 29001)


def test_status__of_a_paused_run__is_not_blocked_by_another(ada: Person, host: Asset) -> None:
    now_running(ada, host)
    (waiting,) = now_running(ada, host)
    services.hand_out(asset=host, at=timezone.now())
    waiting.run.move_to("Paused", at=NOW)

    assert statuses(ada, waiting.run) == ("Pending", 29001)


def test_result__another_job_waits_for_the_restart__names_it(ada: Person, host: Asset) -> None:
    (holding,), (waiting,) = (now_running(ada, host, name=name) for name in ("restarts", "waits"))
    services.hand_out(asset=host, at=timezone.now())
    task = HostTask.objects.get(pk=holding.pk)
    task.move_to(HostTaskState.RUNNING, at=NOW)
    before = only_host(ada, waiting.run)
    task.move_to(HostTaskState.AWAITING_REBOOT, at=NOW)

    keys = ("pendingForRebootInAnotherJob", "pendingForRebootInAnotherJobName")
    assert [before[key] for key in keys] == [False, None]
    assert [only_host(ada, waiting.run)[key] for key in keys] == [True, "restarts"]
    assert [only_host(ada, holding.run)[key] for key in keys] == [False, None]
    assert statuses(ada, holding.run) == ("Pending Reboot", 29011)
