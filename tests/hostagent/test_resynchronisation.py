"""An agent whose server knows less than it did, or more than the agent: a restored backup, a newer version."""

import json
from typing import Any

from hostagent.journal import Journal
from tests.hostagent.conftest import World
from tests.hostagent.server import Server, patch_step, scan_step, script_step

TOUCH = script_step(1, "echo ran >> $PATCH_ROOT/effects")
STEPS = [TOUCH, script_step(2, "echo two >> $PATCH_ROOT/effects"), scan_step(3)]


def test_restored_server__has_lost_half_of_the_reports__gets_them_again(world: World, server: Server):
    server.offer(*STEPS)
    backup: dict[str, Any] = {}

    def restore_before_the_end(reached: str) -> None:
        told = server.reports.get((1, 1), [])
        if not backup and len(told) >= 3:
            backup.update(reports=list(told[:2]), contact=server.contact)
        # The last report is in the journal and not yet told: now we are as we were long ago.
        if reached == "journal:report:after" and "scanned" in server.kinds() and "contact" in backup:
            server.reports[1, 1], server.contact = backup["reports"], backup.pop("contact")

    world.once(checkpoint=restore_before_the_end)

    assert [one["sequence"] for one in server.reports[1, 1]] == list(range(1, len(server.reports[1, 1]) + 1))
    assert server.kinds()[-1] == "finished"
    assert world.lines("effects") == ["ran", "two"]
    assert server.copies == []


def test_restored_server__never_heard_of_the_attempt__it_is_forgotten_and_never_run_again(world: World, server: Server):
    server.offer(*STEPS)
    world.once()
    server.reports.clear()
    server.offer(*STEPS)

    world.once()

    assert world.lines("effects") == ["ran", "two"]
    assert [one["reason"] for one in server.refusals] == ["old_attempt"]


def test_restored_server__knows_no_task_that_is_half_done__no_further_step_begins(world: World, server: Server):
    server.offer(*STEPS)

    def unknown(reached: str) -> None:
        if world.lines("effects") == ["ran"]:
            server.stale.add((1, 1))

    world.once(checkpoint=unknown)

    journal = Journal(world.home / "journal.jsonl")
    assert journal.tasks == []
    assert journal.highest_attempt(1) == 1
    journal.close()
    assert world.lines("effects") in (["ran"], ["ran", "two"])


def test_restored_server__is_many_contacts_behind__is_followed(world: World, server: Server):
    world.once()
    backup = server.contact
    for _ in range(3):
        world.once()
    server.contact = backup

    world.once()

    assert server.copies == []
    assert server.contact.sequence > backup.sequence + 3


def test_newer_server__says_what_we_do_not_know__it_is_passed_over(world: World, server: Server):
    answer = server.answer

    def chatty(path: str, authorisation: str | None, body: dict[str, Any]) -> Any:
        status, headers, said = answer(path, authorisation, body)
        if status == 200 and isinstance(said.get("contact"), dict):
            said["contact"]["colour"] = "green"
        return status, headers, said | {"novelty": {"of": ["another", "version"]}}

    server.answer = chatty
    steps = [{**one, "novelty": 1} for one in (TOUCH, patch_step(2, "acme-app", "2.0"), scan_step(3))]
    server.offer(*steps, novelty={"x": 1}, conduct={"novelty": True})

    world.once()

    assert server.reasons() == ["done"] * 3
    assert world.version() == "2.0"


def test_older_server__knows_of_no_contact__is_asked_all_the_same(world: World, server: Server):
    answer = server.answer

    def short(path: str, authorisation: str | None, body: dict[str, Any]) -> Any:
        status, headers, said = answer(path, authorisation, body)
        said.pop("contact", None)
        return status, headers, said

    server.answer = short
    server._follow = lambda sent: None
    server.offer(TOUCH)

    world.once()
    world.once()

    assert server.reasons() == ["done"]
    assert json.loads((world.home / "contact.json").read_text())["token"] == ""
