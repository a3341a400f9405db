"""/pm/v1/agents: administrators see which agents there are, and decide about them."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import services
from tenants.models import Role
from tests import factories
from tests.agents.endpoints import Endpoint, endpoint
from tests.factories import Person


@pytest.fixture
def copied(ada: Person) -> Endpoint:
    """A machine whose agent is quarantined."""
    made = endpoint(ada)
    services.quarantine(agent=made.agent, reason="two of one name", at=timezone.now())
    return made


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [one["id"] for one in answer.json()]


def test_list__shows_agents_newest_first(ada: Person, host: Endpoint, copied: Endpoint) -> None:
    answer = ada.get("agents")

    assert ids(answer) == [str(copied.agent.public_id), str(host.agent.public_id)]
    assert answer["X-Total-Count"] == "2"
    row = answer.json()[0]
    assert (row["status"], row["quarantineReason"], row["version"]) == ("Quarantined", "two of one name", "0.1.0")
    assert (row["assetId"], row["activationKey"]["name"]) == (str(copied.asset.public_id), "test")
    assert row["quarantinedOn"] is not None
    assert ada.get(f"agent/{row['id']}").json() == row


@pytest.mark.parametrize(
    "query",
    [
        "status=quarantined",
        "query=status:Quarantined",
        "query=quarantinedOn > 2020-01-01",
        "status=Quarantined,Revoked",
    ],
)
def test_list__filtered__shows_those(ada: Person, host: Endpoint, copied: Endpoint, query: str) -> None:
    assert ids(ada.get(f"agents?{query}")) == [str(copied.agent.public_id)]


def test_list__of_one_machine__shows_former_agents(ada: Person, host: Endpoint, copied: Endpoint) -> None:
    services.revoke(agent=host.agent, at=timezone.now())
    newer, _ = factories.agent(host.asset)

    answer = ada.get(f"agents?assetId={host.asset.public_id}")

    assert ids(answer) == [str(newer.public_id), str(host.agent.public_id)]
    assert [one["status"] for one in answer.json()] == ["Active", "Revoked"]


@pytest.mark.parametrize("query", ["status=asleep", "platform=BeOS", "assetId=7", "statuss=Active"])
def test_list__what_cannot_be_meant__is_refused(ada: Person, query: str) -> None:
    assert ada.get(f"agents?{query}").status_code == 400


def test_list__of_more_agents__takes_no_more_queries(ada: Person, host: Endpoint) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ada.get("agents").status_code == 200
        return len(captured)

    few = queries()
    for _ in range(3):
        endpoint(ada)

    assert queries() == few


@pytest.mark.parametrize("verb", ["release", "revoke"])
def test_decide__by_less_than_an_administrator__is_refused(ada: Person, copied: Endpoint, verb: str) -> None:
    bob = factories.person(customer=ada.customer, role=Role.APPROVER)

    answer = bob.post(f"agent/{copied.agent.public_id}/{verb}")

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "1922")
    assert ada.get(f"agent/{copied.agent.public_id}").json()["status"] == "Quarantined"


@pytest.mark.parametrize("verb", ["release", "revoke"])
def test_decide__about_anothers__is_404(copied: Endpoint, verb: str) -> None:
    assert factories.stranger().post(f"agent/{copied.agent.public_id}/{verb}").status_code == 404


def test_whoami__says_who__and_is_no_check_in(ada: Person, host: Endpoint) -> None:
    answer = host.send("whoami", {})

    assert answer.json() == {"agentId": str(host.agent.public_id), "assetId": str(host.asset.public_id)}
    assert ada.get(f"agent/{host.agent.public_id}").json()["lastContact"] == before(host)


def before(host: Endpoint) -> int | None:
    at = host.asset.last_contact_at
    return None if at is None else int(at.timestamp() * 1000)


def test_whoami__of_a_quarantined_agent__says_so(copied: Endpoint) -> None:
    answer = copied.send("whoami", {})

    assert (answer.status_code, answer.json()["errorCode"]) == (403, "1923")


def test_leave__ends_the_credential(ada: Person, host: Endpoint) -> None:
    left = host.send("leave", {})

    assert (left.status_code, left.json()) == (200, {"left": True})
    assert [host.send(what, {}).status_code for what in ("whoami", "leave")] == [401, 401]
    assert ada.get(f"agent/{host.agent.public_id}").json()["status"] == "Revoked"
