"""Whatever dies in the middle of a run: it ends right, and nothing was done twice or lost."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from demo.hosts import installed_version
from embedded.environment import values
from embedded.service import Running
from tests.journeys.conftest import APT
from tests.journeys.tools import NEW, OLD, Customer, Rollout, held_up, stopped, until

pytestmark = pytest.mark.service

PROCESSES = ["web", "worker", "signer", "beat", "relay", "postgres", "broker"]


def in_the_middle(rollout: Rollout) -> bool:
    """A package is being configured somewhere at this moment."""
    return bool(rollout.installing())


@pytest.mark.parametrize("name", PROCESSES)
def test_run__process_killed_in_the_middle__ends_right(acme: Customer, running: Running, name: str):
    rollout = acme.roll_out(f"acme-{name}", APT, held=True)
    rollout.wait_installing()

    killed = running.kill(name)

    assert in_the_middle(rollout)
    running.wait_restarted(name, instead_of=killed)
    rollout.check_ended()
    rollout.check_installed_once()


def test_run__agent_killed_while_a_package_is_configured__goes_on_from_its_journal(acme: Customer):
    rollout = acme.roll_out("acme-agent", APT, held=True)
    rollout.wait_installing()
    victim = next(agent for agent in rollout.machines if agent.host in rollout.installing())

    victim.kill()

    assert in_the_middle(rollout)
    victim.start()
    rollout.check_ended()
    rollout.check_installed_once()


def test_run__agent_killed_and_away_for_longer_than_its_lease__is_lost_and_then_succeeds(acme: Customer):
    rollout = acme.roll_out("acme-lost", APT[:2], held=True)
    rollout.wait_installing()
    victim = next(agent for agent in rollout.machines if agent.host in rollout.installing())

    victim.kill()

    rollout.wait_state(victim, "Lost")
    run = rollout.run()
    assert run is not None
    assert run["state"] == "Running"
    assert len(rollout.mails()) == 1
    victim.start()
    rollout.check_ended()
    rollout.check_installed_once()


def test_run__agent_killed_inside_a_script__fails_that_host_and_never_repeats_it(acme: Customer):
    rollout = acme.roll_out("acme-script", APT[:2], script_seconds=3)
    victim, other = rollout.machines
    until("the script", lambda: rollout.scripted(victim.host))

    victim.kill()

    assert rollout.scripted(victim.host) == ["before Install"]
    assert rollout.rows()[victim.host.name]["state"] in {"Leased", "Running"}
    victim.start()
    rollout.check_ended(**{victim.host.name.replace("-", "_"): "Failed"})
    assert [step["state"] for step in rollout.detail(victim)["steps"]] == [
        "Interrupted",
        "Skipped",
        "Skipped",
        "Succeeded",
    ]
    assert rollout.scripted(victim.host) == ["before Install"]
    assert installed_version(victim.host, rollout.package) == OLD
    assert installed_version(other.host, rollout.package) == NEW
    assert rollout.configured(other.host) == [NEW]
    assert rollout.scripted(other.host) == ["before Install", "after Install"]


def test_run__signer_killed_while_it_signs__ends_right(acme: Customer, running: Running):
    with held_up(running, "agents_signingsecret") as somebody_waits:
        rollout = acme.roll_out("acme-sign", APT)
        for agent in rollout.machines:
            rollout.wait_state(agent, "Leased")
        until("a signature that is being made", somebody_waits)
        signer = running.kill("signer")
        running.wait_restarted("signer", instead_of=signer)

    rollout.check_ended()
    rollout.check_installed_once()


def test_run__worker_killed_while_it_plans_the_last_mail__ends_right(acme: Customer, running: Running):
    rollout = acme.roll_out("acme-mail", APT[:2], held=True)
    rollout.wait_installing()
    with held_up(running, "notifications_delivery") as somebody_waits:
        until("the run's end", lambda: (run := rollout.run()) and run["state"] == "Completed")
        until("a mail that is being planned", somebody_waits)
        worker = running.kill("worker")
        running.wait_restarted("worker", instead_of=worker)

    rollout.check_ended()
    rollout.check_installed_once()


def test_run__broker_flushed_in_the_middle__ends_right(acme: Customer, running: Running):
    with broker_of(running) as broker:
        with stopped(running, "signer"):
            rollout = acme.roll_out("acme-flush", APT, held=True)
            for agent in rollout.machines:
                rollout.wait_state(agent, "Leased")
            until("messages that nobody has taken", lambda: broker.llen("sign"))
            broker.flushall()
        rollout.wait_installing()
        broker.flushall()
        assert in_the_middle(rollout)

    rollout.check_ended()
    rollout.check_installed_once()


@contextmanager
def broker_of(running: Running) -> Iterator[redis.Redis]:
    """A connection to the service's broker."""
    broker = redis.Redis.from_url(values(running.data_dir, ["broker"])["BROKER_URL"])
    try:
        yield broker
    finally:
        broker.close()
