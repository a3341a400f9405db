"""Somebody sits at the machine and puts the work off; then a patch fails, and succeeds the second time."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from demo.hosts import Agent, installed_version, make_host
from demo.mailbox import Mailbox
from demo.repositories import AptRepository, Build, apt_available
from embedded.service import Running
from tests.journeys.tools import NEW, OLD, Customer, until

pytestmark = pytest.mark.service

APP = "acme-desk"
DESK = "desk-1"
# What a minute of the job's lasts on this machine, in seconds.
MINUTE = 0.5


@pytest.fixture(scope="module")
def person(place: Path) -> Path:
    """The folder that plays the person at the desk."""
    folder = place / "person"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def desk(place: Path, running: Running, mailbox: Mailbox, person: Path) -> Iterator[Customer]:
    """A customer with one machine that somebody sits at."""
    if not apt_available():
        pytest.skip("needs dpkg-deb, apt-get and dpkg-query")
    customer = Customer.create(running, mailbox, name="Hooli", admin="gavin")
    repository = AptRepository(place / "desk-apt")
    repository.publish(Build(APP, OLD))
    host = make_host(place / "hosts" / DESK, name=DESK, repository=repository, installed=[f"{APP}={OLD}"])
    repository.publish(Build(APP, NEW, fails_once=True))
    options = ["--person", str(person), "--minute", str(MINUTE)]
    with Agent(host, place / "agents" / DESK, options=options) as agent:
        agent.enrol(running.base_url, customer.activation_key)
        agent.start()
        customer.machines[DESK] = agent
        customer.wait_scanned()
        yield customer


def test_person__defers_three_times__then_it_goes_ahead_and_the_second_try_succeeds(desk: Customer, person: Path):
    (person / "answers").write_text("defer\ndefer\ndefer\n")
    machine = desk.machines[DESK]
    rollout = desk.roll_out(
        APP,
        [DESK],
        preDeployment={
            "userMessage": "Updates",
            "description": "Please save your work.",
            "deferment": {"count": 3, "interval": 2, "intervalUnit": "MINUTES"},
        },
        duringDeployment="Please wait.",
        postDeployment={"onComplete": "Thank you."},
        reattemptFailedPatches={"noOfReattempts": 2, "exponentialBackoffInterval": 1},
    )
    until("the first deferment", lambda: "answered" in (person / "shown.jsonl").read_text())
    # It goes on where it was, also after it was killed while it waited.
    machine.kill()
    assert rollout.scripted(machine.host) == []
    machine.start()

    rollout.check_ended()

    detail = rollout.detail(machine)
    assert [(one["kind"], one["about"], one["answer"], one["deferralsLeft"]) for one in detail["said"]] == [
        ("asked", "before", None, 3),
        ("answered", "before", "defer", None),
        ("asked", "before", None, 2),
        ("answered", "before", "defer", None),
        ("asked", "before", None, 1),
        ("answered", "before", "defer", None),
        ("shown", "before", None, None),
        ("shown", "during", None, None),
        ("step_tried", None, None, None),
        ("waiting", "retry", None, None),
        ("shown", "completed", None, None),
    ]
    granted = [one for one in detail["said"] if one["answer"] == "defer"]
    assert all(later["dateTime"] >= earlier["untilDateTime"] for earlier, later in pairwise(granted))
    assert [(step["kind"], step["state"], step["tries"]) for step in detail["steps"]] == [
        ("action", "Succeeded", 1),
        ("patch", "Succeeded", 2),
        ("action", "Succeeded", 1),
        ("scan", "Succeeded", 1),
    ]
    assert detail["steps"][1]["fromVersion"] == OLD
    assert installed_version(machine.host, APP) == NEW
    assert rollout.configured(machine.host) == [NEW, NEW]
    assert rollout.scripted(machine.host) == ["before Install", "after Install"]
    shown = [json.loads(line) for line in (person / "shown.jsonl").read_text().splitlines()]
    assert [line["title"] for line in shown if line["event"] == "shown"] == ["Updates", "Please wait.", "Thank you."]
