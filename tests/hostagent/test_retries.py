"""Patches that failed and are tried again, inside the window."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from demo import hosts
from demo.repositories import Build
from hostagent.clock import from_text
from tests.hostagent.conftest import World
from tests.hostagent.server import Server, patch_step, scan_step, script_step
from tests.hostagent.test_crashes import Crash, CrashAt
from tests.hostagent.test_person import HEARS, LaterClock, window

Make = Callable[..., World]
LEFT = script_step(8, "echo after >> $PATCH_ROOT/effects", stage="post")


def retrying(count: int = 2, minutes: int = 5, **more: Any) -> dict[str, Any]:
    return {"conduct": {"retries": {"count": count, "minutes": minutes}, **more}, "hears": HEARS}


def waits(server: Server) -> list[timedelta]:
    found = [report for report in server.reports[1, 1] if report["kind"] == "waiting"]
    return [from_text(report["until"]) - from_text(report["at"]) for report in found]


def test_retry__second_try_succeeds__is_one_end_after_one_try(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "3.0"), LEFT, scan_step(9), **retrying(), **window(hours=4))
    world.once()
    world.repository.publish(Build("acme-app", "3.0"))
    world.once()
    early = world.version(), world.lines("effects")

    world.once(clock=LaterClock(minutes=5.1))

    assert early == ("1.0", [])
    assert server.reasons() == ["done", "done", "done"]
    assert server.ends()[1]["fromVersion"] == "1.0"
    assert server.kinds() == [
        *("accepted", "step_started", "step_tried", "waiting", "step_finished"),
        *("step_started", "step_finished", "step_started", "scanned", "step_finished", "finished"),
    ]
    tried = server.reports[1, 1][2]
    assert (tried["number"], tried["try"], tried["state"], tried["reason"]) == (1, 1, "failed", "no_candidate")
    assert "no source offers acme-app 3.0" in tried["output"]
    assert (world.version(), world.lines("effects")) == ("3.0", ["after"])


def test_retry__every_try_fails__waits_twice_as_long_each_time_and_ends_as_the_last(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "9.0"), LEFT, **retrying(count=3), **window(hours=4))

    for minutes in (0, 5.1, 15.2, 35.3):
        world.once(clock=LaterClock(minutes=minutes))

    assert [round(wait / timedelta(minutes=1)) for wait in waits(server)] == [5, 10, 20]
    assert [report["try"] for report in server.reports[1, 1] if report["kind"] == "step_tried"] == [1, 2, 3]
    assert server.reasons() == ["no_candidate", "done"]
    assert world.lines("effects") == ["after"]


def test_retry__window_leaves_no_time__ends_at_once_as_it_failed(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "9.0"), LEFT, **retrying(minutes=15), **window(minutes=14))

    world.once()

    assert server.reasons() == ["no_candidate", "done"]
    assert server.kinds()[-1] == "finished"


def test_retry__one_of_two_fails_and_the_job_goes_on__only_that_one_is_tried_again(world: World, server: Server):
    steps = [patch_step(1, "acme-app", "9.0"), patch_step(2, "acme-lib", "2.0")]
    server.offer(*steps, **retrying(count=1, continueOnPatchFailure=True), **window(hours=4))
    world.once()
    meanwhile = world.version("acme-lib")
    world.repository.publish(Build("acme-app", "9.0"))

    world.once(clock=LaterClock(minutes=5.1))

    assert meanwhile == "2.0"
    assert server.reasons() == ["done", "done"]
    assert world.ledger() == ["configured acme-lib 2.0", "configured acme-app 9.0"]


def test_retry__job_stops_at_a_failure__the_later_patch_waits_for_the_retry(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "9.0"), patch_step(2, "acme-lib", "2.0"), **retrying(), **window(hours=4))
    world.once()
    meanwhile = world.version("acme-lib")
    world.repository.publish(Build("acme-app", "9.0"))

    world.once(clock=LaterClock(minutes=5.1))

    assert meanwhile == "1.0"
    assert server.reasons() == ["done", "done"]


def test_retry__cancelled_while_waiting__ends_as_its_last_try(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "9.0"), patch_step(2, "acme-lib", "2.0"), LEFT, **retrying())
    world.once()
    server.drop = [1]

    world.once()

    assert server.reasons() == ["no_candidate", "dropped", "dropped"]


def test_retry__window_ended_while_the_machine_was_off__ends_as_its_last_try(world: World, server: Server):
    server.offer(patch_step(1, "acme-app", "9.0"), LEFT, **retrying(), **window(hours=1))
    world.once()

    world.once(clock=LaterClock(hours=2))

    assert server.reasons() == ["no_candidate", "window_over"]


def test_retry__package_left_half_configured__is_brought_in_order(make_world: Make, server: Server):
    world = make_world("apt", legacy=True, refuses_legacy=True)
    server.offer(patch_step(1, "acme-app", "2.0"), **retrying(), **window(hours=4))
    world.once()
    broken = hosts.package_state(world.host, "acme-app")
    world.host.legacy_file.unlink()

    world.once(clock=LaterClock(minutes=5.1))

    assert broken == "half-configured"
    assert server.reasons() == ["done"]
    assert (server.ends()[1]["fromVersion"], server.ends()[1]["toVersion"]) == ("1.0", "2.0")
    assert hosts.package_state(world.host, "acme-app") == "installed"


def test_retry__unsupported__is_not_tried_again(world: World, server: Server):
    server.offer(patch_step(1, "-oDebug=1", "2.0"), **retrying(), **window(hours=4))

    world.once()

    assert server.kinds() == ["accepted", "step_started", "step_finished", "finished"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", range(1, 60, 10))
def test_retry__killed_in_the_second_try__is_done_once(make_world: Make, server: Server, number: int):
    world = make_world("apt", legacy=True, refuses_legacy=True)
    server.offer(patch_step(1, "acme-app", "2.0"), **retrying(), **window(hours=4))
    world.once()
    world.host.legacy_file.unlink()
    later = LaterClock(minutes=5.1)

    try:
        world.once(clock=later, checkpoint=CrashAt(number))
    except Crash:
        world.once(clock=LaterClock(minutes=20))

    assert server.kinds().count("step_finished") == 1
    assert server.reasons() == ["done"]
    # Once by the try that failed, once by the one that did not.
    assert world.ledger() == ["configured acme-app 2.0"] * 2
