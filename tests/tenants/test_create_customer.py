"""`manage.py create_customer`."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from agents.models import SigningKey
from agents.tasks import create_signing_key
from core.customer_context import acting_for
from core.models import Event, Message
from tenants import services
from tenants.models import ActivationKey, Customer, Role, User
from tests import factories
from tests.agents.endpoints import post
from tests.tenants.roles import OWNER, SIGNER, acting_as, rows

PASSWORD = "correct horse battery"


def create(name: str = "Acme", admin: str = "ada", password: str = PASSWORD, **more: str) -> dict[str, Any]:
    """Run the command and read what it prints."""
    printed = io.StringIO()
    call_command("create_customer", name, admin=admin, password=password, stdout=printed, **more)
    return json.loads(printed.getvalue())


def the_customer() -> int:
    """The number of the newest customer: no role of ours could look it up without being in its context."""
    ((number,),) = rows(OWNER, "SELECT last_value FROM tenants_customer_id_seq")
    return int(number)


def enrol(key: str) -> Any:
    """A machine uses the key."""
    machine = {"name": "web-1", "platform": "Linux"}
    return post("enrol", {"activationKey": key, "agentVersion": "0.1.0", "machine": machine})


def test_create__prints_ids_and_key_as_json(committed: None) -> None:
    made = create(email="ada@example.com")

    assert set(made) == {"customerId", "name", "userId", "username", "activationKey"}
    with acting_for(the_customer()):
        customer, ada, key = Customer.objects.get(), User.objects.get(), ActivationKey.objects.get()
        assert Event.objects.get().kind == "customer.created"
        assert Message.objects.get().task == "agents.create_signing_key"
    assert (made["customerId"], made["name"]) == (str(customer.public_id), "Acme")
    assert (made["userId"], made["username"], ada.email) == (str(ada.public_id), "ada", "ada@example.com")
    assert ada.role == Role.ADMIN
    assert made["activationKey"] not in key.digest


def test_create__then_sign_in__works(committed: None) -> None:
    create()

    with transaction.atomic():
        user = services.authenticate(username="ada", password=PASSWORD)

    assert user.username == "ada"


def test_create__password_on_standard_input__is_read(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))

    create(password="-")

    with transaction.atomic():
        assert services.authenticate(username="ada", password=PASSWORD).username == "ada"


@pytest.mark.parametrize(("name", "admin"), [("Acme", "grace"), ("Rival", "ada"), ("Acme", "ada")])
def test_create__name_or_user_is_taken__makes_nothing(committed: None, name: str, admin: str) -> None:
    create()
    before = _everything()

    with pytest.raises(CommandError, match="exists already"):
        create(name, admin)

    assert _everything() == before


@pytest.mark.parametrize("password", ["short", "password1", ""])
def test_create__weak_password__makes_nothing(committed: None, password: str) -> None:
    with pytest.raises(CommandError, match="password"):
        create(password=password)

    assert not any(_everything().values())


def _everything() -> dict[str, int]:
    """How many rows there are, of all customers that a number was taken for."""
    counts = dict.fromkeys([Customer, User, ActivationKey, Event, Message], 0)
    for number in range(1, the_customer() + 1):
        with acting_for(number):
            for model in counts:
                counts[model] += model.objects.count()
    return {model.__name__: count for model, count in counts.items()}


def test_create__its_key__enrols_once_the_signer_has_made_the_signing_key(committed: None) -> None:
    key = create()["activationKey"]
    customer_id = the_customer()
    early = enrol(key)
    with acting_for(customer_id):
        message = Message.objects.get()

    with acting_as(SIGNER):
        create_signing_key(customer_id, message.pk)
        create_signing_key(customer_id, message.pk)

    assert (early.status_code, enrol(key).status_code) == (503, 201)
    with acting_for(customer_id):
        assert SigningKey.objects.count() == 1
        assert not Message.objects.exists()


def test_create__as_a_neighbour__shares_nothing(committed: None) -> None:
    create()

    made = create("Rival", "grace")

    with acting_for(the_customer()):
        assert User.objects.get().username == "grace"
        assert str(Customer.objects.get().public_id) == made["customerId"]


def test_create_user__of_a_taken_name_elsewhere__is_refused(committed: None) -> None:
    create()
    rival = factories.customer("Rival")

    with pytest.raises(IntegrityError), acting_for(rival.pk):
        services.create_user(customer_id=rival.pk, username="ada", password=PASSWORD, email="", role=Role.VIEWER)
