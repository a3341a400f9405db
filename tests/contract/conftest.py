"""The house that the tests of the contract live in, and the document that describes the API to clients."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from django.db import connections

from core.customer_context import enter
from tests import factories
from tests.conftest import _empty
from tests.contract import house as houses
from tests.contract.house import House
from tests.contract.schema import Document


@pytest.fixture(scope="module")
def furnished(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    """A house with committed rows, one for all tests of a module: furnishing takes longer than most of them."""
    with django_db_blocker.unblock():
        built = houses.build(factories.person(customer=factories.customer("Acme"), username="ada"))
        connections.close_all()
    yield built
    with django_db_blocker.unblock():
        connections.close_all()
        _empty()


@pytest.fixture
def house(furnished: House, db: None) -> House:
    """The house in the test's own transaction, which nobody sees afterwards."""
    enter(furnished.ada.customer.pk)
    return replace(furnished, ids=dict(furnished.ids))


@pytest.fixture
def document(db: None) -> Document:
    """What the service says of itself."""
    return _document()


@cache
def _document() -> Document:
    return Document()
