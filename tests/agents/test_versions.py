"""Agents of other versions: what those in the field send is taken, and what a newer one adds is passed over."""

import json
from pathlib import Path
from typing import Any

import pytest

from agents.models import Agent
from agents.versions import KINDS, signs_of_life
from core.customer_context import acting_for
from core.digests import digest_of
from deployments.models import Step
from tenants.models import ActivationKey
from tests import factories
from tests.agents.endpoints import AT, Endpoint, endpoint, now, post, work
from tests.factories import Person
from tests.tenants import worlds

RECORDED = Path(__file__).parent / "recorded"
VERSIONS = sorted(folder.name for folder in RECORDED.iterdir())
NEWER = {"Agent-Protocol": "1.99"}


def recorded(version: str, name: str) -> Any:
    return json.loads((RECORDED / version / f"{name}.json").read_text())


def spoken(version: str) -> dict[str, str]:
    """1.0 did not say so."""
    return {} if version == "1.0" else {"Agent-Protocol": version}


@pytest.fixture
def ada(committed: None) -> Person:
    """The administrator of a customer that has its signing key, all committed."""
    person = factories.person(customer=factories.customer("Acme"))
    worlds.signing_key(person.customer)
    return person


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded__a_whole_life__is_taken(ada: Person, version: str) -> None:
    enrolled = post("enrol", recorded(version, "enrol") | {"activationKey": activation_key(ada)}, **spoken(version))
    assert enrolled.status_code == 201, enrolled.json()
    host = as_enrolled(ada, enrolled.json(), version)

    idle = host.send("check-in", recorded(version, "check-in"))
    scanned = host.send("scan", recorded(version, "scan"))
    (task,) = work(ada, host, preDeployActions=[factories.script()])
    started = host.send("check-in", following(recorded(version, "check-in"), idle))
    held = {"hostTaskId": task.pk, "attempt": 1, "fence": 1}
    busy = host.send("check-in", following(recorded(version, "check-in-busy"), started) | {"tasks": [held]})
    reported = host.send("reports", recorded(version, "reports") | held)

    assert [one.status_code for one in (idle, scanned, started, busy, reported)] == [200] * 5, reported.json()
    assert busy.json()["drop"] == []
    assert reported.json()["acceptedThrough"] == len(recorded(version, "reports")["reports"])
    assert (now(task).state, now(task).reason) == ("Succeeded", "verified")
    with acting_for(ada.customer.pk):
        assert Agent.objects.get().protocol == version


def test_newer_agent__keys_and_kinds_that_we_do_not_know__are_passed_over(ada: Person) -> None:
    host = endpoint(ada)
    host.headers |= NEWER
    (task,) = work(ada, host, preDeployActions=[factories.script()])
    asked = host.send("check-in", {"agentVersion": "9", "bootId": "b", "tasks": [], "mood": {"is": "good"}})
    reports = with_unknown(recorded(VERSIONS[-1], "reports")["reports"])

    answer = host.send("reports", {"hostTaskId": task.pk, "attempt": 1, "fence": 1, "reports": reports, "seal": 7})

    assert asked.status_code == 200
    assert (answer.status_code, answer.json()["acceptedThrough"]) == (200, len(reports))
    assert now(task).state == "Succeeded"
    with acting_for(ada.customer.pk):
        assert Step.objects.get(number=1).output == "before\n"


def with_unknown(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A report of an unknown kind after the first, and an unknown key in all."""
    odd = {"kind": "felt_tired", "at": reports[0]["at"], "how": {"much": 3}}
    told = [reports[0], odd, *reports[1:]]
    return [{**one, "sequence": number, "weather": ["fine"]} for number, one in enumerate(told, start=1)]


def test_newer_agent__every_kind_that_we_know__is_read_as_what_it_is() -> None:
    told = [{"sequence": 1, "at": AT, "kind": kind, "mood": "good"} for kind in sorted(KINDS)]

    assert {"accepted", "step_finished", "scanned", "refused"} < KINDS
    assert signs_of_life({"reports": told}) == {"reports": told}


def test_newer_agent__known_things_that_are_wrong__stay_wrong(ada: Person) -> None:
    host = endpoint(ada)
    host.headers |= NEWER

    answer = host.send("check-in", {"bootId": "b", "tasks": "all", "mood": "good"})

    assert answer.status_code == 400
    assert sorted(one["field"] for one in answer.json()["errors"]) == ["agentVersion", "tasks"]


@pytest.mark.parametrize("version", [{}, {"Agent-Protocol": "1.0"}, {"Agent-Protocol": "1.1"}])
def test_agent_of_our_version__key_that_nobody_knows__is_a_mistake(ada: Person, version: dict[str, str]) -> None:
    host = endpoint(ada)
    host.headers |= version

    assert host.send("check-in", {"agentVersion": "1", "mood": "good"}).json()["errorCode"] == "1901"
    assert host.send("scan", worlds.scan() | {"mood": "good"}).json()["errorCode"] == "1901"


@pytest.mark.parametrize(("version", "says"), [("2.0", "install the agent"), ("one", "must be like"), ("", "must be")])
def test_agent_of_another_world__is_told_so(ada: Person, version: str, says: str) -> None:
    host = endpoint(ada)

    answer = post("check-in", {"agentVersion": "1"}, **host.headers, **{"Agent-Protocol": version})

    assert answer.status_code == 400
    assert says in answer.json()["message"]


def test_answers__say_what_we_speak(ada: Person) -> None:
    assert endpoint(ada).check_in()["Agent-Protocol"] == VERSIONS[-1]
    assert post("check-in", {})["Agent-Protocol"] == VERSIONS[-1]


def activation_key(ada: Person) -> str:
    with acting_for(ada.customer.pk):
        ActivationKey.objects.create(customer_id=ada.customer.pk, name="field", digest=digest_of("field"))
    return "field"


def as_enrolled(ada: Person, answer: dict[str, str], version: str) -> Endpoint:
    with acting_for(ada.customer.pk):
        agent = Agent.objects.select_related("asset").get(public_id=answer["agentId"])
    headers = {"Authorization": f"Agent {answer['credential']}"} | spoken(version)
    return Endpoint(asset=agent.asset, agent=agent, headers=headers)


def following(body: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The next check-in after this answer, of an agent that knows of contacts."""
    if "contact" not in body or answer.json()["contact"] is None:
        return body
    return body | {"contact": {**answer.json()["contact"], "mark": body["contact"]["mark"]}}
