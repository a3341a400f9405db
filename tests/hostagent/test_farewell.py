"""Before a restart: the person is asked, sees a countdown, and may be waited for."""

from datetime import timedelta
from typing import Any

import pytest

from hostagent.clock import from_text
from tests.hostagent.conftest import World
from tests.hostagent.server import Server, reboot_step, scan_step, script_step
from tests.hostagent.test_person import HEARS, LaterClock, Person, person, window
from tests.hostagent.test_reboots import WANTS_RESTART, lives, pending_of, restarts

__all__ = ["person"]

MARK, SCAN = script_step(1, WANTS_RESTART, stage="post"), scan_step(9)
OPTION = {"userMessage": "Restart?", "deferment": {"count": 3, "interval": 1, "intervalUnit": "HOURS"}}
COUNTDOWN = {"userMessage": "Restarting soon", "interval": 15, "intervalUnit": "MINUTES"}


def job(*, option: Any = OPTION, countdown: Any = COUNTDOWN, hours: float = 8, **after: Any) -> dict[str, Any]:
    said = {"rebootOption": option, "rebootCountdown": countdown, **after}
    return {"conduct": {"after": said}, "hears": HEARS, **window(hours=hours)}


def said(server: Server) -> list[tuple[str, str, Any]]:
    kinds = ("shown", "asked", "answered", "waiting")
    told = [report for report in server.reports[1, 1] if report["kind"] in kinds]
    return [(one["kind"], one.get("about") or one["for"], one.get("answer")) for one in told]


def live(world: World, person: Person, **later: float) -> int:
    """One life at a later time, and those that follow its restarts; how often the machine has restarted."""
    lives(world, prompter=person.prompter, clock=LaterClock(**later))
    return restarts(world)


def test_restart__deferred_three_times__counts_down_and_restarts_once(world: World, server: Server, person: Person):
    person.will("defer", "defer", "defer")
    server.offer(MARK, SCAN, **job())

    seen = [live(world, person, hours=hours) for hours in (0, 0.5, 1.1, 2.2, 3.3, 3.4, 3.6)]

    assert seen == [0, 0, 0, 0, 0, 0, 1]
    asks = [("asked", "reboot", None), ("answered", "reboot", "defer")]
    assert said(server) == [*asks * 3, ("shown", "reboot", None), ("shown", "countdown", None)]
    assert server.reasons() == ["done", "done"]
    assert pending_of(server) == [False]
    countdown = next(one for one in server.reports[1, 1] if one.get("about") == "countdown")
    rebooting = next(one for one in server.reports[1, 1] if one["kind"] == "rebooting")
    length = from_text(countdown["until"]) - from_text(countdown["at"])
    assert timedelta(minutes=14, seconds=50) < length <= timedelta(minutes=15)
    assert from_text(rebooting["at"]) >= from_text(countdown["until"])


def test_restart__nobody_is_signed_in__happens_at_once(world: World, server: Server, person: Person):
    person.leaves()
    server.offer(MARK, SCAN, **job())

    assert live(world, person) == 1
    assert said(server) == [("answered", "reboot", "nobody")]


def test_restart__nobody_is_signed_in_and_logins_are_honoured__who_comes_is_asked(
    world: World, server: Server, person: Person
):
    person.leaves()
    person.will("now")
    server.offer(MARK, SCAN, **job(rebootHonorOnUserLogin=True))
    alone = [live(world, person), live(world, person, minutes=10)]
    person.comes()

    seen = [live(world, person, minutes=minutes) for minutes in (14, 20, 30)]

    assert alone == [0, 0]
    assert seen == [0, 0, 1]
    assert said(server) == [
        *[("waiting", "login", None), ("asked", "reboot", None), ("answered", "reboot", "now")],
        ("shown", "countdown", None),
    ]


def test_restart__logins_are_honoured_and_nobody_comes__happens_when_the_countdown_would_be_over(
    world: World, server: Server, person: Person
):
    person.leaves()
    server.offer(MARK, SCAN, **job(rebootHonorOnUserLogin=True))

    seen = [live(world, person, minutes=minutes) for minutes in (0, 14, 15.2)]

    assert seen == [0, 0, 1]


def test_countdown__window_nearly_over__is_shorter(world: World, server: Server, person: Person):
    server.offer(MARK, SCAN, **job(option=None, hours=0.1))

    seen = [live(world, person, minutes=minutes) for minutes in (0, 5.1)]

    assert seen == [0, 1]
    assert said(server) == [("shown", "countdown", None)]


def test_countdown__job_is_canceled_meanwhile__machine_stays_up(world: World, server: Server, person: Person):
    server.offer(MARK, SCAN, **job(option=None))
    live(world, person)
    server.drop = [1]

    assert live(world, person, minutes=20) == 0
    assert server.reasons() == ["done", "dropped"]


def test_reboot_action__and_one_at_the_end__are_asked_for_each(world: World, server: Server, person: Person):
    person.will("now", "defer", "now")
    server.offer(reboot_step(1), script_step(2, WANTS_RESTART, stage="post"), SCAN, **job(countdown=None))

    seen = [live(world, person, hours=hours) for hours in (0, 1.1)]

    assert seen == [1, 2]
    asked = [(one["number"], one["deferralsLeft"]) for one in server.reports[1, 1] if one["kind"] == "asked"]
    assert asked == [(1, 3), (9, 3), (9, 2)]


@pytest.mark.parametrize("suppressed", [True, False])
def test_restart__suppressed__nobody_is_asked(world: World, server: Server, person: Person, suppressed: bool):
    person.will("now")
    server.offer(MARK, SCAN, **job(countdown=None, suppressReboots=suppressed))

    assert live(world, person) == (0 if suppressed else 1)
    assert (("asked", "reboot", None) in said(server)) is not suppressed
    assert pending_of(server) == [suppressed]
