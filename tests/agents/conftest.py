"""A customer with one machine. Its rows go with the test's transaction, unless a module commits them."""

import pytest

from tests.agents.endpoints import Endpoint, endpoint
from tests.factories import Person


@pytest.fixture
def host(ada: Person) -> Endpoint:
    """One machine of Acme's."""
    return endpoint(ada)
