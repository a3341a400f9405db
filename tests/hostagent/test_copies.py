"""Two agents on copies of one folder: both are stopped, and a lost answer or a crash stops nobody."""

import json
import shutil
from collections import deque
from pathlib import Path
from threading import Event

import pytest

from hostagent import contacts
from hostagent.agent import Agent
from hostagent.clock import Clock
from hostagent.errors import Quarantined
from hostagent.host import Host
from hostagent.lock import only_instance
from tests.hostagent.conftest import World, wait_until
from tests.hostagent.server import Server, script_step
from tests.hostagent.test_crashes import Crash, CrashAt

SCRIPT = script_step(1, "echo ran >> $PATCH_ROOT/effects")


def copy_of(world: World, name: str = "copy") -> World:
    """Another agent on this machine, with a copy of the folder."""
    home = world.home.parent / name
    shutil.copytree(world.home, home)
    return World(server=world.server, repository=world.repository, host=world.host, home=home)


def test_copy__of_the_folder__is_stopped_and_so_is_the_other(world: World, server: Server):
    world.once()
    copy = copy_of(world)
    world.once()
    server.offer(SCRIPT)

    for one in (copy, world):
        with pytest.raises(Quarantined, match="two copies ran"):
            one.once()

    assert len(server.copies) == 1
    assert server.kinds() == []
    assert world.lines("effects") == []


def test_copy__restored_from_a_snapshot_with_work__reports_nothing_and_goes_on_with_nothing(
    world: World, server: Server
):
    server.offer(SCRIPT, script_step(2, "echo two >> $PATCH_ROOT/effects"))
    snapshot = World(server=server, repository=world.repository, host=world.host, home=world.home.parent / "snapshot")

    def save(reached: str) -> None:
        if reached == "journal:report:after" and not snapshot.home.exists():
            shutil.copytree(world.home, snapshot.home)

    world.once(checkpoint=save)
    told = list(server.kinds())

    with pytest.raises(Quarantined):
        snapshot.once()

    assert world.lines("effects") == ["ran", "two"]
    assert server.kinds() == told


def test_answer_lost__at_every_check_in__is_no_copy(world: World, server: Server):
    server.offer(SCRIPT)
    for _ in range(6):
        server.lose["check-in"] = 2
        world.once()

    assert server.copies == []
    assert server.kinds()[-1] == "finished"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_crash__at_every_checkpoint_with_answers_lost__is_no_copy(world: World, server: Server):
    crashes = 0
    for number in [1, 2, 3, 4] * 3:
        crash = CrashAt(number)
        server.lose["check-in"] = (number + crashes) % 3
        try:
            world.once(checkpoint=crash)
        except Crash:
            crashes += 1

    world.once()
    assert crashes >= 6
    assert server.copies == []


def test_quarantine__is_kept_for_status_and_over_when_the_server_answers_again(world: World, server: Server):
    server.copies.append(None)
    with pytest.raises(Quarantined):
        world.once()
    stopped = contacts.load(world.home)

    server.copies.clear()
    world.once()

    assert stopped.barred_at is not None
    assert "two copies ran" in (stopped.barred or "")
    assert contacts.load(world.home).barred is None
    assert contacts.load(world.home).last_at is not None


def test_quarantine__a_running_agent__asks_again_in_ten_minutes(world: World, server: Server):
    waits: deque[float] = deque()
    stop = Event()

    class Impatient(Clock):
        def wait(self, event: Event, seconds: float) -> bool:
            waits.append(seconds)
            if len(waits) == 3:
                stop.set()
            return event.is_set()

    server.copies.append(None)
    with only_instance(world.home):
        agent = Agent(world.home, Host(world.host.root), clock=Impatient(), stop=stop)
        agent.run()
        agent.close()

    assert list(waits) == [600.0] * 3


def test_contact__file_is_the_owners_alone_and_holds_no_mark_at_rest(world: World):
    world.once()

    path = contacts.path_in(world.home)

    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["mark"] is None


def test_process__two_at_once__do_nothing_more(world: World, server: Server):
    world.once()
    copy = copy_of(world)
    agents = [one.process() for one in (world, copy)]
    try:
        for agent in agents:
            agent.start()
        wait_until(lambda: server.copies)
        server.offer(SCRIPT)
        wait_until(lambda: all("quarantined" in Path(agent.log).read_text() for agent in agents))
    finally:
        for agent in agents:
            agent.stop()

    assert world.lines("effects") == []
