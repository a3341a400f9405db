"""The person at the machine: told, asked, granted; and patches that are tried again."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hostagent.clock import Clock, from_text
from hostagent.conduct import REPORTED
from hostagent.person import Prompter
from hostagent.person.scripted import Scripted
from tests.hostagent.conftest import World, wait_until
from tests.hostagent.server import Server, patch_step, scan_step, script_step
from tests.hostagent.test_crashes import Crash, CrashAt

HEARS = sorted(REPORTED)
BEFORE = {"userMessage": "Updates", "description": "Please save."}
TOUCH = script_step(1, "echo ran >> $PATCH_ROOT/effects")


class LaterClock(Clock):
    """The machine's clock, put forward."""

    def __init__(self, **later: float) -> None:
        self.later = timedelta(**later)

    def now(self) -> datetime:
        return super().now() + self.later


class PatientClock(Clock):
    """Time goes by while the agent sleeps, and nobody has to wait for it."""

    def __init__(self) -> None:
        self.slept = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += timedelta(seconds=max(seconds, 60))


@pytest.fixture
def person(tmp_path: Path) -> "Person":
    return Person(tmp_path / "person")


class Person:
    """A folder that plays the person at the machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def will(self, *answers: str) -> None:
        (self.folder / "answers").write_text("".join(f"{answer}\n" for answer in answers))

    def leaves(self) -> None:
        (self.folder / "away").touch()

    def comes(self) -> None:
        (self.folder / "away").unlink()

    @property
    def prompter(self) -> Prompter:
        return Scripted(self.folder)

    def saw(self) -> list[tuple[str, str]]:
        """(event, what it was about) in order."""
        shown = self.folder / "shown.jsonl"
        lines = [json.loads(line) for line in shown.read_text().splitlines()] if shown.exists() else []
        return [(line["event"], line.get("kind") or line.get("answer") or "") for line in lines]


def asking(count: int = 3, interval: int = 1, unit: str = "HOURS", **more: Any) -> dict[str, Any]:
    deferment = {"count": count, "interval": interval, "intervalUnit": unit}
    return {"conduct": {"before": BEFORE | {"deferment": deferment}, **more}, "hears": HEARS}


def window(**length: float) -> dict[str, str]:
    return {"notAfter": (datetime.now(UTC) + timedelta(**length)).isoformat()}


def said(server: Server) -> list[tuple[Any, ...]]:
    kinds = ("shown", "asked", "answered")
    return [
        (report["kind"], report["about"], report.get("answer"))
        for report in server.reports[1, 1]
        if report["kind"] in kinds
    ]


def test_before__deferred_three_times__goes_ahead_at_the_fourth_without_a_question(
    world: World, server: Server, person: Person
):
    person.will("defer", "defer", "defer", "defer")
    server.offer(TOUCH, **asking(), **window(hours=8))
    effects = []

    for hours in (0, 0.5, 1.1, 2.2, 3.3):
        world.once(prompter=person.prompter, clock=LaterClock(hours=hours))
        effects.append(world.lines("effects"))

    assert effects == [[], [], [], [], ["ran"]]
    assert said(server) == [
        *[("asked", "before", None), ("answered", "before", "defer")] * 3,
        ("shown", "before", None),
    ]
    asked = [report["deferralsLeft"] for report in server.reports[1, 1] if report["kind"] == "asked"]
    assert asked == [3, 2, 1]
    assert person.saw()[-1] == ("shown", "before")


def test_before__deferred__machine_keeps_checking_in_and_a_cancelled_task_ends_at_once(
    world: World, server: Server, person: Person
):
    person.will("defer")
    server.offer(TOUCH, **asking(), **window(hours=8))
    world.once(prompter=person.prompter)
    world.once(prompter=person.prompter)

    held = server.check_ins[-1]["tasks"]
    server.drop = [1]
    world.once(prompter=person.prompter)

    assert held == [{"hostTaskId": 1, "attempt": 1, "fence": 7}]
    assert server.reasons() == ["dropped"]
    assert world.lines("effects") == []


def test_before__answered_now__begins_and_asks_no_more(world: World, server: Server, person: Person):
    person.will("now")
    server.offer(TOUCH, **asking(), **window(hours=8))

    world.once(prompter=person.prompter)

    assert said(server) == [("asked", "before", None), ("answered", "before", "now")]
    assert server.kinds()[-1] == "finished"
    assert world.lines("effects") == ["ran"]


def test_before__nobody_answers__goes_ahead_when_the_question_is_over(world: World, server: Server, person: Person):
    person.will("silence")
    server.offer(TOUCH, **asking(), **window(hours=8))
    clock = PatientClock()

    world.once(prompter=person.prompter, clock=clock)

    assert said(server) == [("asked", "before", None), ("answered", "before", "timed_out")]
    assert timedelta(minutes=14) < clock.slept < timedelta(minutes=17)
    assert person.saw() == [("asked", "before"), ("closed", "")]
    assert world.lines("effects") == ["ran"]


def test_before__nobody_is_signed_in__is_neither_asked_nor_deferred(world: World, server: Server, person: Person):
    person.leaves()
    server.offer(TOUCH, **asking(), **window(hours=8))

    world.once(prompter=person.prompter)

    assert said(server)[-1] == ("answered", "before", "nobody")
    assert "asked" not in server.kinds()
    assert world.lines("effects") == ["ran"]


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"conduct": {"before": {"userMessage": "", "deferment": {"count": 3, "interval": 1}}}}, 8.0),
        # A later start would be after the window.
        ({}, 0.5),
    ],
    ids=["no title", "window too short"],
)
def test_before__nothing_to_ask__begins(
    world: World, server: Server, person: Person, changes: dict[str, Any], length: float
):
    person.will("defer")
    server.offer(TOUCH, **(asking() | changes), **window(hours=length))

    world.once(prompter=person.prompter)

    assert "asked" not in server.kinds()
    assert world.lines("effects") == ["ran"]


def test_before__server_of_an_earlier_version__is_told_nothing_that_it_does_not_take(
    world: World, server: Server, person: Person
):
    person.will("defer")
    server.offer(TOUCH, **(asking() | {"hears": []}), **window(hours=8))

    world.once(prompter=person.prompter)

    assert server.kinds() == ["accepted", "step_started", "step_finished", "finished"]
    assert person.saw() == []


def test_before__killed_while_the_question_stands__next_life_asks_once_more_and_says_so_once(
    world: World, server: Server, person: Person, tmp_path: Path
):
    person.will("silence")
    server.offer(TOUCH, **asking(), **window(hours=8))
    agent = world.process("--person", str(person.folder))
    agent.start()
    wait_until(lambda: ("asked", "before") in person.saw())
    wait_until(lambda: "asked" in server.kinds())
    agent.kill()
    person.will("now")

    world.once(prompter=person.prompter)

    assert person.saw() == [("asked", "before"), ("asked", "before"), ("answered", "now")]
    assert said(server) == [("asked", "before", None), ("answered", "before", "now")]
    assert world.lines("effects") == ["ran"]


def test_before__deferred_and_killed__real_agent_goes_on_where_it_was(world: World, server: Server, person: Person):
    person.will("defer", "now")
    server.offer(TOUCH, **asking(), **window(hours=8))
    hurried = ("--person", str(person.folder), "--minute", "0.03")
    agent = world.process(*hurried)
    agent.start()
    wait_until(lambda: "answered" in server.kinds())
    agent.kill()
    again = world.process(*hurried)
    again.start()
    wait_until(lambda: "finished" in server.kinds())
    again.stop()

    assert said(server) == [
        *[("asked", "before", None), ("answered", "before", "defer")],
        *[("asked", "before", None), ("answered", "before", "now")],
    ]
    deferred = next(report for report in server.reports[1, 1] if report["kind"] == "answered")
    started = next(report for report in server.reports[1, 1] if report["kind"] == "step_started")
    assert from_text(started["at"]) >= from_text(deferred["until"])
    assert world.lines("effects") == ["ran"]


def test_messages__during_and_after__come_in_their_places(world: World, server: Server, person: Person):
    conduct = {
        "during": {"userMessage": "Working", "description": ""},
        "after": {"onComplete": {"userMessage": "Done", "description": "Thank you."}},
        "minimizeWindow": True,
    }
    server.offer(
        TOUCH, patch_step(2, "acme-app", "2.0"), patch_step(3, "acme-lib", "2.0"), conduct=conduct, hears=HEARS
    )

    world.once(prompter=person.prompter)

    assert person.saw() == [("shown", "during"), ("shown", "completed")]
    assert server.kinds() == [
        *("accepted", "step_started", "step_finished", "step_started", "shown", "step_finished"),
        *("step_started", "step_finished", "shown", "finished"),
    ]
    assert all(report["minimised"] for report in server.reports[1, 1] if report["kind"] == "shown")


@pytest.mark.parametrize("always", [True, False])
def test_completed__nothing_was_done__is_shown_only_if_always(
    world: World, server: Server, person: Person, always: bool
):
    after = {"onComplete": {"userMessage": "Done", "alwaysShowCompletedPrompt": always}}
    server.offer(patch_step(1, "acme-app", "1.0"), conduct={"after": after}, hears=HEARS)

    world.once(prompter=person.prompter)

    assert person.saw() == ([("shown", "completed")] if always else [])


def test_run__scripted_person_on_a_real_machine__is_refused(
    world: World, person: Person, capsys: pytest.CaptureFixture[str]
):
    from hostagent.__main__ import main

    path = world.home / "agent.json"
    enrolled = json.loads(path.read_text())
    path.write_text(json.dumps(enrolled | {"root": None}))

    code = main(["run", "--once", "--home", str(world.home), "--person", str(person.folder)])

    assert code == 1
    assert "--root" in capsys.readouterr().err


# --- whatever moment it dies at ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", range(2, 90, 12))
def test_kill__between_deferment_and_second_try__everything_is_said_and_done_once(
    make_world: Callable[..., World], server: Server, person: Person, number: int
):
    world = make_world("apt", fails_once=True)
    person.will("defer", "now", "now")
    retries = {"count": 1, "minutes": 5}
    steps = [patch_step(1, "acme-app", "2.0"), script_step(2, "echo after >> $PATCH_ROOT/effects", stage="post")]
    server.offer(*steps, scan_step(3), **asking(retries=retries), **window(hours=8))
    crash = CrashAt(number)

    for hours in (0, 1.1, 1.3):
        try:
            world.once(prompter=person.prompter, clock=LaterClock(hours=hours), checkpoint=crash)
        except Crash:
            world.once(prompter=person.prompter, clock=LaterClock(hours=hours))

    kinds = server.kinds()
    assert [report["sequence"] for report in server.reports[1, 1]] == list(range(1, len(kinds) + 1))
    assert (kinds[0], kinds[-1]) == ("accepted", "finished")
    assert (kinds.count("asked"), kinds.count("answered"), kinds.count("scanned")) == (2, 2, 1)
    if crash.name and server.ends()[1]["reason"] == "interrupted":
        # The first try was killed inside the package's script; nobody repeats that blindly.
        assert kinds.count("step_tried") == 0
        assert world.ledger() == ["configured acme-app 2.0"]
    else:
        assert kinds.count("step_tried") == 1
        assert server.ends()[1]["reason"] == "done"
        assert world.ledger() == ["configured acme-app 2.0"] * 2
    possible = [[], ["after"]] if server.ends()[2]["reason"] == "interrupted" else [["after"]]
    assert world.lines("effects") in possible
