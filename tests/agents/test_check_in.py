"""POST /agent/v1/check-in: idling costs no SQL; work is leased, signed and handed out."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import hints, services
from agents.manifests import canonical
from agents.models import Manifest, SigningKey
from core.customer_context import acting_for
from deployments import services as deployments
from deployments.models import HostTask, Step
from inventory.models import Asset
from tests import factories
from tests.agents.endpoints import Endpoint, endpoint, now, whole_story, work
from tests.factories import Person
from tests.tenants import worlds
from tests.tenants.roles import WEB, acting_as


@pytest.fixture
def ada(committed: None) -> Person:
    """The administrator of a customer that has its signing key, all committed: the signer has its own connection."""
    person = factories.person(customer=factories.customer("Acme"))
    worlds.signing_key(person.customer)
    return person


@pytest.fixture(autouse=True)
def _scanned_just_now(host: Endpoint) -> None:
    with acting_for(host.asset.customer_id):
        Asset.objects.update(scanned_at=timezone.now())


def queries(host: Endpoint) -> int:
    """How many statements a check-in costs, BEGIN and COMMIT among them."""
    with CaptureQueriesContext(connection) as captured:
        assert host.check_in().status_code == 200
    return len(captured)


def test_idle__second_check_in__asks_no_sql_at_all(host: Endpoint) -> None:
    first = host.check_in().json()
    connections["default"].close()

    second = host.check_in().json()

    assert connections["default"].connection is None
    assert set(second) == {"pollSeconds", "scan", "manifest", "drop", "contact", "update"}
    assert (second["scan"], second["manifest"], second["drop"]) == (False, None, [])
    assert 0 < second["pollSeconds"] <= django_settings.AGENT_IDLE_POLL_SECONDS
    assert first["pollSeconds"] <= django_settings.AGENT_IDLE_POLL_SECONDS * 1.2


def test_idle__hint_ends__sql_is_asked_again(host: Endpoint, settings: Any) -> None:
    settings.AGENT_IDLE_POLL_SECONDS = 0.2
    host.check_in()

    assert queries(host) == 0
    time.sleep(0.25)
    assert queries(host) > 0


def test_idle__redis_is_flushed__sql_is_asked_again(host: Endpoint) -> None:
    host.check_in()

    hints.forget_all()

    assert queries(host) > 0


def test_idle__redis_is_away__sql_answers(host: Endpoint, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    hints._client.cache_clear()
    try:
        assert host.check_in().status_code == 200
        assert queries(host) > 0
    finally:
        hints._client.cache_clear()


def test_idle__run_starts__the_wake_drops_the_hint(ada: Person, host: Endpoint) -> None:
    host.check_in()
    (task,) = work(ada, host)
    assert queries(host) == 0

    with acting_for(ada.customer.pk):
        services.wake(run_id=task.run_id)

    assert queries(host) > 0
    assert now(task).state == "Leased"


def test_idle__work_begins_later__is_told_to_come_then(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    with acting_for(ada.customer.pk):
        HostTask.objects.update(start_at=timezone.now() + timedelta(seconds=20))

    answer = host.check_in().json()

    assert 19 <= answer["pollSeconds"] <= 20 * 1.2
    assert now(task).state == "Pending"


@pytest.mark.parametrize("age", [None, timedelta(days=1, seconds=5)])
def test_check_in__no_scan_of_today__asks_for_one(host: Endpoint, age: timedelta | None) -> None:
    with acting_for(host.asset.customer_id):
        Asset.objects.update(scanned_at=None if age is None else timezone.now() - age)

    assert [host.check_in().json()["scan"] for _ in range(2)] == [True, True]


def test_check_in__work_waits__is_leased_and_told_once_it_is_signed(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)

    with acting_as(WEB):
        unsigned = host.check_in().json()
    worlds.sign_all(ada.customer)
    signed = host.check_in().json()

    assert unsigned["manifest"] is None
    assert unsigned["pollSeconds"] <= django_settings.AGENT_BUSY_POLL_SECONDS * 1.2
    assert set(signed["manifest"]) == {"manifest", "keyId", "signature"}
    task = now(task)
    assert (task.state, task.attempt, task.fence) == ("Leased", 1, 1)
    assert task.lease_until is not None
    assert task.lease_until > timezone.now()


def test_manifest__as_answered__is_signed_and_bound_to_its_task(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host, preDeployActions=[factories.script()])
    host.check_in()
    worlds.sign_all(ada.customer)

    envelope = host.check_in().json()["manifest"]

    with acting_for(ada.customer.pk):
        key = SigningKey.objects.get()
        job_id = str(HostTask.objects.select_related("run__job").get().run.job.public_id)
    manifest = json.loads(envelope["manifest"])
    signature = base64.b64decode(envelope["signature"])
    public = Ed25519PublicKey.from_public_bytes(bytes(key.public_key))
    public.verify(signature, envelope["manifest"].encode())
    with pytest.raises(InvalidSignature):
        public.verify(signature, envelope["manifest"].replace('"fence":1', '"fence":2').encode())
    assert envelope["keyId"] == str(key.public_id)
    assert canonical(manifest) == envelope["manifest"]
    assert {
        name: manifest[name] for name in ("format", "agentId", "hostTaskId", "attempt", "fence", "runId", "jobId")
    } == {
        "format": 1,
        "agentId": str(host.agent.public_id),
        "hostTaskId": task.pk,
        "attempt": 1,
        "fence": 1,
        "runId": task.run_id,
        "jobId": job_id,
    }
    assert datetime.fromisoformat(manifest["notAfter"]) == task.deadline.replace(microsecond=0)
    assert [(step["number"], step["kind"]) for step in manifest["steps"]] == [(1, "action"), (2, "patch"), (3, "scan")]
    assert (manifest["steps"][1]["version"], manifest["steps"][1]["from"]) == ("2.0", "1.0")


def test_manifest__until_it_is_reported__is_the_same_again(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()
    worlds.sign_all(ada.customer)

    first, second = host.check_in().json(), host.check_in().json()
    held = host.check_in(task).json()

    assert first["manifest"] == second["manifest"] is not None
    assert (held["manifest"], held["drop"]) == (None, [])
    with acting_for(ada.customer.pk):
        assert (Manifest.objects.count(), Step.objects.count()) == (1, 2)


def test_sign__twice__leaves_the_first_signature(ada: Person, host: Endpoint) -> None:
    work(ada, host)
    host.check_in()
    worlds.sign_all(ada.customer)
    first = host.check_in().json()["manifest"]

    worlds.sign_all(ada.customer)
    worlds.signing_key(ada.customer)

    assert host.check_in().json()["manifest"] == first
    with acting_for(ada.customer.pk):
        assert SigningKey.objects.count() == 1


def test_check_in__two_tasks_wait__are_handed_out_one_after_the_other(ada: Person, host: Endpoint) -> None:
    (first,) = work(ada, host)
    second = worlds.running(ada, host.asset, preDeployActions=[factories.script()])
    host.check_in()

    with acting_for(ada.customer.pk):
        waiting = HostTask.objects.get(run=second)
    host.check_in(first)

    assert (now(first).state, now(waiting).state) == ("Leased", "Pending")
    host.report(first, whole_story())
    host.check_in()
    assert now(waiting).state == "Leased"


def test_check_in__six_at_once__leases_once(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    together = threading.Barrier(6)

    def one() -> int:
        try:
            with acting_as(WEB):
                together.wait(timeout=10)
                return int(host.check_in().status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        statuses = [future.result() for future in [threads.submit(one) for _ in range(6)]]

    assert statuses == [200] * 6
    assert (now(task).attempt, now(task).fence) == (1, 1)
    with acting_for(ada.customer.pk):
        assert Manifest.objects.count() == 1


def test_heartbeat__of_held_work__extends_the_lease(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()
    with acting_for(ada.customer.pk):
        HostTask.objects.update(lease_until=timezone.now() + timedelta(seconds=1))

    host.check_in(task)

    lease = now(task).lease_until
    assert lease is not None
    assert lease > timezone.now() + timedelta(seconds=django_settings.HOST_LEASE_SECONDS - 5)


def test_heartbeat__after_the_lease_ran_out__brings_the_lost_back(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()
    deployments.sweep(at=timezone.now() + timedelta(seconds=django_settings.HOST_LEASE_SECONDS + 1))
    lost = now(task).state

    answer = host.check_in(task).json()

    assert lost == "Lost"
    assert answer["drop"] == []
    assert now(task).state == "Running"


@pytest.mark.parametrize(("attempt", "fence"), [(2, 1), (1, 2)])
def test_heartbeat__of_another_attempt__is_dropped(ada: Person, host: Endpoint, attempt: int, fence: int) -> None:
    (task,) = work(ada, host)
    host.check_in()

    assert host.check_in(task, attempt=attempt, fence=fence).json()["drop"] == [task.pk]


def test_heartbeat__of_ended_work__is_dropped(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()
    deployments.sweep(at=now(task).deadline + timedelta(seconds=django_settings.HOST_LEASE_SECONDS + 1))

    answer = host.check_in(task).json()

    assert now(task).state == "TimedOut"
    assert answer["drop"] == [task.pk]
    assert answer["manifest"] is None


def test_heartbeat__of_another_agents_work__is_dropped_and_changes_nothing(ada: Person, host: Endpoint) -> None:
    (task,) = work(ada, host)
    host.check_in()
    before = now(task).lease_until

    answer = endpoint(ada).check_in(task).json()

    assert answer["drop"] == [task.pk]
    assert now(task).lease_until == before


@pytest.mark.parametrize("held", [[{"hostTaskId": 0, "attempt": 1, "fence": 1}], [{"hostTaskId": 1}], [7], "all"])
def test_check_in__body_is_wrong__is_400(host: Endpoint, held: Any) -> None:
    assert host.send("check-in", {"agentVersion": "0.1.0", "tasks": held}).status_code == 400


def test_check_in__task_number_beyond_any__is_dropped(host: Endpoint) -> None:
    task = {"hostTaskId": 2**63, "attempt": 1, "fence": 1}

    answer = host.send("check-in", {"agentVersion": "0.1.0", "tasks": [task]})

    assert answer.status_code in {200, 400}
