"""The house that the tests of the contract live in, and the document that describes the API to clients."""

from functools import cache

import pytest

from tests.contract import house as houses
from tests.contract.house import House
from tests.contract.schema import Document
from tests.factories import Person


@pytest.fixture
def house(ada: Person) -> House:
    """A furnished one, in the test's transaction."""
    return houses.build(ada)


@pytest.fixture
def document(db: None) -> Document:
    """What the service says of itself."""
    return _document()


@cache
def _document() -> Document:
    return Document()
