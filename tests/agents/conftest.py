"""Agents meet what others have committed: the signer writes with a connection of its own."""

import pytest

from tests import factories
from tests.agents.endpoints import Endpoint, endpoint
from tests.factories import Person
from tests.tenants import worlds


@pytest.fixture
def ada(committed: None) -> Person:
    """The administrator of a customer that has its signing key."""
    person = factories.person(customer=factories.customer("Acme"))
    worlds.signing_key(person.customer)
    return person


@pytest.fixture
def host(ada: Person) -> Endpoint:
    """One machine of hers."""
    return endpoint(ada)
