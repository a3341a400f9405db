"""Copies of an agent are noticed and stopped; a lost answer, a late repetition, a restored server are none."""

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from agents import hints
from agents.contacts import Held, Sent, Verdict, after, judge
from agents.models import Agent
from core.customer_context import acting_for
from core.models import Event
from deployments import services as deployments
from deployments.models import HostTask
from inventory.models import Asset
from tests import factories
from tests.agents.endpoints import Endpoint, endpoint, now, work
from tests.factories import Person
from tests.tenants import worlds
from tests.tenants.roles import WEB, acting_as


@dataclass
class Folder:
    """What an agent has on disk, and what it does with it."""

    sequence: int = 0
    token: str = ""
    mark: str = ""
    made: list[str] = field(default_factory=list)

    def request(self) -> Sent:
        """The mark is on disk before the request is on its way."""
        self.mark = self.mark or f"mark-{random.getrandbits(64):016x}"
        return Sent(self.sequence, self.token, self.mark)

    def read(self, sequence: int, token: str) -> None:
        """An answer has arrived."""
        self.sequence, self.token, self.mark = sequence, token, ""


@dataclass
class Database:
    """The server's row."""

    held: Held = Held(0, None)  # noqa: RUF009 - frozen

    def answer(self, sent: Sent) -> tuple[int, str] | None:
        """The contact, or None for what looks like a copy."""
        verdict = judge(self.held, sent)
        if verdict is Verdict.FOLLOWED:
            return None
        if verdict is not Verdict.ANSWER_LOST:
            self.held = after(self.held, sent)
        return self.held.sequence, self.held.token or ""


FAULTS = st.lists(st.sampled_from(["fine", "answer lost", "request lost", "twice", "held up", "restored"]), max_size=60)


@given(FAULTS)
def test_judge__one_agent_whatever_is_lost_or_comes_again__is_never_a_copy(faults: list[str]) -> None:
    folder, server, backup = Folder(), Database(), Database()

    for number, fault in enumerate(faults):
        if number % 7 == 0:
            backup = Database(server.held)
        if fault == "restored":
            server = Database(backup.held)
        sent = folder.request()
        if fault == "request lost":
            continue
        answer = server.answer(sent)
        assert answer is not None, fault
        if fault == "twice":
            assert server.answer(sent) == answer
        if fault != "answer lost":
            folder.read(*answer)


@given(FAULTS, st.integers(0, 59), st.lists(st.booleans(), min_size=20, max_size=20))
def test_judge__the_folder_was_copied__is_noticed_whenever_and_whoever_asks(
    faults: list[str], copied: int, turns: list[bool]
) -> None:
    folder, server = Folder(), Database()
    for fault in faults[:copied]:
        answer = server.answer(folder.request())
        if fault != "answer lost" and answer is not None:
            folder.read(*answer)
    both = (folder, replace(folder))

    noticed, asked = False, set()
    for second in turns:
        asked.add(second)
        answer = server.answer(both[second].request())
        noticed = noticed or answer is None
        if answer is not None:
            both[second].read(*answer)

    # Who never asks, or asks no more, is not there. At the worst both begin with the same mark: then the third notices.
    changes = sum(one != other for one, other in pairwise(turns))
    assert noticed or changes < 3


@given(st.integers(1, 20), st.integers(1, 20))
def test_judge__folder_restored_from_a_snapshot__is_noticed_at_once(before: int, since: int) -> None:
    folder, server = Folder(), Database()
    for _ in range(before):
        folder.read(*(server.answer(folder.request()) or pytest.fail("an honest agent")))
    snapshot = replace(folder)
    for _ in range(since):
        folder.read(*(server.answer(folder.request()) or pytest.fail("an honest agent")))

    assert server.answer(snapshot.request()) is None


class Program:
    """An agent with its folder, over HTTP."""

    def __init__(self, host: Endpoint, folder: Folder | None = None) -> None:
        self.host, self.folder = host, folder or Folder()

    def ask(self, *held: HostTask, lose: bool = False, prove: str = "", sent: Sent | None = None) -> Any:
        """Check in, and read the answer unless it gets lost."""
        sent = sent or self.folder.request()
        tasks = [{"hostTaskId": task.pk, "attempt": 1, "fence": 1} for task in held]
        contact = {"sequence": sent.sequence, "token": sent.token, "mark": sent.mark, "proof": prove}
        body = {"bootId": "b", "agentVersion": "0.2.0", "tasks": tasks, "contact": contact}
        answer = self.host.send("check-in", body)
        if answer.status_code == 200 and not lose and (given := answer.json()["contact"]):
            self.folder.read(given["sequence"], given["token"])
        return answer

    def insist(self) -> Any:
        """Check in, and prove itself when that is asked for."""
        refused = self.ask()
        return self.ask(prove=refused.json()["prove"]) if refused.status_code == 409 else refused

    def copy(self) -> "Program":
        """Another program with the same folder."""
        return Program(self.host, replace(self.folder))


@pytest.fixture
def ada(committed: None) -> Person:
    """The administrator of a customer that has its signing key, all committed."""
    person = factories.person(customer=factories.customer("Acme"), username="ada")
    worlds.signing_key(person.customer)
    return person


@pytest.fixture
def program(host: Endpoint) -> Program:
    """An agent that has checked in once, whose machine was scanned just now."""
    with acting_for(host.asset.customer_id):
        Asset.objects.update(scanned_at=timezone.now())
    made = Program(host)
    assert made.ask().status_code == 200
    return made


def agent_now(host: Endpoint) -> Agent:
    with acting_for(host.asset.customer_id):
        return Agent.objects.get(pk=host.agent.pk)


def kinds(host: Endpoint) -> list[str]:
    with acting_for(host.asset.customer_id):
        return list(Event.objects.filter(kind__startswith="agent.").order_by("pk").values_list("kind", flat=True))


def test_check_in__idle_with_the_last_token__asks_no_sql(program: Program) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = program.ask().json()

    assert len(captured) == 0
    assert answer["contact"] is None


def test_check_in__idle_with_another_token__is_judged_by_the_database(program: Program) -> None:
    copy = program.copy()
    copy.folder.token = "another"

    assert copy.ask().status_code == 409


def test_check_in__answer_lost_again_and_again__is_answered_the_same_and_no_copy(ada: Person, program: Program) -> None:
    work(ada, program.host)
    forget(program)
    lost = [program.ask(lose=True).json()["contact"] for _ in range(4)]

    heard = program.ask().json()["contact"]

    assert [*lost[1:], heard] == [lost[0]] * 4
    assert agent_now(program.host).status == "Active"
    assert program.ask().status_code == 200


def test_check_in__answer_was_lost__hands_out_work_only_to_who_has_heard(ada: Person, program: Program) -> None:
    (task,) = work(ada, program.host)
    forget(program)
    program.ask(lose=True)
    worlds.sign_all(ada.customer)

    again = program.ask().json()
    heard = program.ask().json()

    assert now(task).state == "Leased"
    assert again["manifest"] is None
    assert heard["manifest"] is not None


def test_check_in__an_old_request_comes_late__is_refused_and_nobody_is_stopped(ada: Person, program: Program) -> None:
    work(ada, program.host)
    forget(program)
    late = program.folder.request()
    program.ask()
    program.ask()
    program.ask()

    answers = [program.ask(sent=late) for _ in range(3)]

    assert [one.status_code for one in answers] == [409] * 3
    assert (answers[0].json()["errorCode"], agent_now(program.host).status) == ("1920", "Active")
    assert program.ask().status_code == 200


def test_check_in__two_copies__both_are_stopped(ada: Person, program: Program) -> None:
    copy = program.copy()
    (task,) = work(ada, program.host)
    forget(program)
    program.ask()
    worlds.sign_all(ada.customer)

    noticed = copy.insist()
    told = [one.ask() for one in (program, copy)]
    reported = program.host.report(task, [{"sequence": 1, "at": "2026-11-10T09:00:00Z", "kind": "accepted"}])

    assert [(one.status_code, one.json()["errorCode"]) for one in (noticed, *told, reported)] == [(403, "1923")] * 4
    agent = agent_now(program.host)
    assert agent.status == "Quarantined"
    assert "followed already" in agent.quarantine_reason
    assert kinds(program.host) == ["agent.quarantined"]
    assert now(task).state == "Leased"


def test_check_in__a_wrong_proof__stops_nobody(program: Program) -> None:
    copy = program.copy()
    forget(program)
    program.ask()

    refused = copy.ask(prove="0" * 64)

    assert refused.status_code == 409
    assert agent_now(program.host).status == "Active"


def test_check_in__idle_copies__are_noticed_once_the_hint_has_ended(program: Program, settings: Any) -> None:
    copy = program.copy()
    hidden = copy.ask()
    forget(program)
    program.ask()

    assert hidden.status_code == 200
    assert copy.insist().status_code == 403
    assert program.ask().status_code == 403


def test_check_in__our_database_was_restored__goes_on_and_says_so(program: Program) -> None:
    with acting_for(program.host.asset.customer_id):
        backup = Agent.objects.filter(pk=program.host.agent.pk).values(
            "contact_sequence", "contact_token", "previous_token", "previous_mark"
        )[0]
    for _ in range(3):
        forget(program)
        program.ask()
    with acting_for(program.host.asset.customer_id):
        Agent.objects.filter(pk=program.host.agent.pk).update(**backup)
    forget(program)
    before = program.folder.sequence

    answer = program.ask()

    assert answer.status_code == 200
    assert program.folder.sequence == before + 1
    assert kinds(program.host) == ["agent.resynchronised"]


def test_check_in__agent_without_tokens__works_as_ever(host: Endpoint) -> None:
    assert [host.check_in().status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("contact", [{"sequence": 1}, {"sequence": -1, "mark": "m" * 16}, {"sequence": 1, "mark": "m"}])
def test_check_in__contact_is_wrong__is_400(host: Endpoint, contact: Any) -> None:
    answer = host.send("check-in", {"agentVersion": "0.2.0", "contact": contact})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("contact.")


def test_release__one_copy_goes_on__and_the_other_is_noticed_anew(ada: Person, program: Program) -> None:
    copy = program.copy()
    (task,) = work(ada, program.host)
    forget(program)
    program.ask()
    copy.insist()

    released = ada.post(f"agent/{program.host.agent.public_id}/release")
    goes_on = program.ask(task)
    other = copy.insist()

    assert (released.status_code, released.json()["status"]) == (200, "Active")
    assert goes_on.status_code == 200
    assert now(task).state == "Leased"
    assert other.status_code == 403
    assert kinds(program.host) == ["agent.quarantined", "agent.released", "agent.quarantined"]


def test_release__the_copy_does_not_hold_the_work__which_has_failed_and_is_not_repeated(
    ada: Person, program: Program
) -> None:
    copy = program.copy()
    (task,) = work(ada, program.host)
    forget(program)
    program.ask()
    worlds.sign_all(ada.customer)
    copy.insist()
    ada.post(f"agent/{program.host.agent.public_id}/release")

    answer = copy.ask().json()

    assert answer["manifest"] is None
    assert (now(task).state, now(task).reason) == ("Failed", "agent_reinstalled")


def test_release__not_quarantined__conflicts(ada: Person, host: Endpoint) -> None:
    assert ada.post(f"agent/{host.agent.public_id}/release").status_code == 409


def test_revoke__ends_credential_and_work_at_once__also_where_a_hint_is_kept(ada: Person, program: Program) -> None:
    other = endpoint(ada)
    (task,) = work(ada, program.host)
    program.ask()

    answer = ada.post(f"agent/{program.host.agent.public_id}/revoke")
    again = ada.post(f"agent/{program.host.agent.public_id}/revoke")

    assert (answer.status_code, answer.json()["status"]) == (200, "Revoked")
    assert again.json() == answer.json()
    assert program.ask().status_code == 401
    assert other.check_in().status_code == 200
    assert now(task).state != "Leased"
    assert kinds(program.host) == ["agent.revoked"]


def test_re_answer__work_that_was_reported_on__is_not_handed_out_again(ada: Person, program: Program) -> None:
    (task,) = work(ada, program.host)
    forget(program)
    program.ask()
    worlds.sign_all(ada.customer)
    program.ask()
    program.host.report(task, [{"sequence": 1, "at": "2026-11-10T09:00:00Z", "kind": "accepted"}])

    answer = program.ask().json()

    assert answer["manifest"] is None
    deployments.sweep(at=timezone.now() + timedelta(hours=1))
    assert now(task).state == "Lost"


def test_check_in__as_the_webs_role__watches_stops_and_decides(ada: Person, program: Program) -> None:
    copy = program.copy()
    forget(program)

    with acting_as(WEB):
        answers = [program.ask(), copy.insist(), program.ask()]
        released = ada.post(f"agent/{program.host.agent.public_id}/release")
        answers.append(program.ask())
        revoked = ada.post(f"agent/{program.host.agent.public_id}/revoke")

    assert [one.status_code for one in answers] == [200, 403, 403, 200]
    assert (released.json()["status"], revoked.json()["status"]) == ("Active", "Revoked")


def forget(program: Program) -> None:
    """The hint has ended."""
    hints.forget(asset_ids=[program.host.asset.pk])
