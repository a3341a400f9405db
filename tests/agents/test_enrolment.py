"""POST /agent/v1/enrol."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connections
from django.utils import timezone

from agents.models import Agent, SigningKey
from core.customer_context import acting_for
from core.models import Event
from inventory.models import Asset
from tenants import services as tenants
from tenants.models import ActivationKey
from tests import factories
from tests.agents.endpoints import Endpoint, now, post, work
from tests.factories import Person
from tests.tenants import worlds
from tests.tenants.roles import WEB, acting_as

MACHINE = {"name": "web-1", "platform": "Linux", "osIdentifier": "0123456789abcdef", "packageManager": "apt"}


@pytest.fixture
def ada(committed: None) -> Person:
    """The administrator of a customer that has its signing key, all committed: the signer has its own connection."""
    person = factories.person(customer=factories.customer("Acme"))
    worlds.signing_key(person.customer)
    return person


@pytest.fixture
def key(ada: Person) -> str:
    """An activation key of Acme's."""
    with acting_for(ada.customer.pk):
        return tenants.create_activation_key(customer_id=ada.customer.pk, name="machines")


def enrol(key: str, **machine: Any) -> Any:
    """Ask for an identity."""
    return post("enrol", {"activationKey": key, "agentVersion": "0.1.0", "bootId": "b", "machine": MACHINE | machine})


def test_enrol__with_a_live_key__answers_an_identity_and_the_key_to_pin(ada: Person, key: str) -> None:
    with acting_as(WEB):
        answer = enrol(key)

    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {"assetId", "agentId", "credential", "manifestKeys", "releaseKeys", "pollSeconds"}
    with acting_for(ada.customer.pk):
        agent = Agent.objects.select_related("asset").get()
        signing_key = SigningKey.objects.get()
        assert Event.objects.filter(kind="agent.enrolled", asset_id=agent.asset_id).count() == 1
    assert (body["assetId"], body["agentId"]) == (str(agent.asset.public_id), str(agent.public_id))
    assert body["credential"] not in agent.credential_digest
    (pinned,) = body["manifestKeys"]
    assert pinned["keyId"] == str(signing_key.public_id)
    Ed25519PublicKey.from_public_bytes(base64.b64decode(pinned["publicKey"]))


@pytest.mark.parametrize("change", ["unknown", "expired", "revoked", "expires this moment"])
def test_enrol__key_does_not_count__is_403(ada: Person, key: str, change: str) -> None:
    past = timezone.now() - timedelta(seconds=1)
    changes = {
        "expired": {"expires_at": past},
        "expires this moment": {"expires_at": past},
        "revoked": {"revoked_at": past},
    }
    with acting_for(ada.customer.pk):
        ActivationKey.objects.update(**changes.get(change, {"name": "the same"}))

    answer = enrol("ak_unknown" if change == "unknown" else key)

    assert answer.status_code == 403
    assert answer.json()["errorCode"] == "1922"
    with acting_for(ada.customer.pk):
        assert not Asset.objects.exists()


def test_enrol__before_the_signing_key_exists__is_503_with_retry_after(committed: None) -> None:
    customer = factories.customer("New")
    with acting_for(customer.pk):
        key = tenants.create_activation_key(customer_id=customer.pk, name="first")

    answer = enrol(key)

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    with acting_for(customer.pk):
        assert not Asset.objects.exists()


def test_enrol__same_machine_again__keeps_the_asset_and_ends_the_old_agent(ada: Person, key: str) -> None:
    first = enrol(key).json()
    old = {"Authorization": f"Agent {first['credential']}"}
    before = post("check-in", {"agentVersion": "0.1.0"}, **old)

    second = enrol(key, name="web-1 reinstalled").json()

    assert before.status_code == 200
    assert second["assetId"] == first["assetId"]
    assert second["agentId"] != first["agentId"]
    assert post("check-in", {"agentVersion": "0.1.0"}, **old).status_code == 401
    with acting_for(ada.customer.pk):
        assert Asset.objects.get().name == "web-1 reinstalled"


def test_enrol__old_agent_was_told_to_idle__its_credential_is_401_all_the_same(ada: Person, key: str) -> None:
    first = enrol(key).json()
    old = {"Authorization": f"Agent {first['credential']}"}
    with acting_for(ada.customer.pk):
        Asset.objects.update(scanned_at=timezone.now())
    # The second of these is answered from the hint that the first leaves behind.
    assert [post("check-in", {"agentVersion": "0.1.0"}, **old).status_code for _ in range(2)] == [200, 200]

    enrol(key)

    assert post("check-in", {"agentVersion": "0.1.0"}, **old).status_code == 401


def test_enrol__while_the_old_agent_held_work__fails_that_work(ada: Person, key: str, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()

    answer = enrol(key, osIdentifier=host.asset.os_identifier)

    assert answer.status_code == 201
    task = now(task)
    assert (task.state, task.reason) == ("Failed", "agent_reinstalled")


def test_enrol__machine_without_an_identifier__is_a_new_asset_each_time(ada: Person, key: str) -> None:
    one, other = (enrol(key, osIdentifier=None).json() for _ in range(2))

    assert one["assetId"] != other["assetId"]


def test_enrol__same_identifier_at_another_customer__is_another_asset(ada: Person, key: str, host: Endpoint) -> None:
    rival = factories.customer("Rival")
    factories.asset(rival)

    answer = enrol(key, osIdentifier="machine of the rival")

    assert answer.status_code == 201
    with acting_for(rival.pk):
        assert Asset.objects.count() == 1


def test_enrol__same_machine_four_times_at_once__is_one_asset_with_one_agent(ada: Person, key: str) -> None:
    together = threading.Barrier(4)

    def one() -> int:
        try:
            together.wait(timeout=10)
            return int(enrol(key).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        statuses = [future.result() for future in [threads.submit(one) for _ in range(4)]]

    assert statuses == [201] * 4
    with acting_for(ada.customer.pk):
        assert Asset.objects.count() == 1
        assert Agent.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"agentVersion": "1", "machine": MACHINE}, "activationKey"),
        ({"activationKey": "k", "agentVersion": "1", "machine": {"platform": "Linux"}}, "machine.name"),
        ({"activationKey": "k", "agentVersion": "1", "machine": MACHINE | {"platform": "BeOS"}}, "machine.platform"),
        ({"activationKey": "k", "agentVersion": "1", "machine": MACHINE, "root": True}, "root"),
    ],
)
def test_enrol__body_is_wrong__says_what(db: None, body: dict[str, Any], field: str) -> None:
    answer = post("enrol", body)

    assert answer.status_code == 400
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("what", ["check-in", "reports", "scan"])
@pytest.mark.parametrize("header", ["", "Agent", "Agent ", "Agent ag_unknown", "Bearer ag_unknown", "Agent ü"])
def test_agent__without_a_known_credential__is_401(db: None, what: str, header: str) -> None:
    answer = post(what, {"agentVersion": "0.1.0"}, Authorization=header)

    assert answer.status_code == 401
    assert answer.json()["errorCode"] == "1910"


def test_agent__with_a_persons_token__is_401(ada: Person) -> None:
    token = ada.headers["Authorization"].split()[1]

    assert post("check-in", {"agentVersion": "1"}, Authorization=f"Agent {token}").status_code == 401


def test_person__with_an_agents_credential__is_401(ada: Person, host: Endpoint) -> None:
    credential = host.headers["Authorization"].split()[1]

    assert ada.client.get("/pm/v1/tags", headers={"Authorization": f"Bearer {credential}"}).status_code == 401
    assert ada.client.get("/pm/v1/tags", headers=host.headers).status_code == 401
