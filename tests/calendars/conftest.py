"""A server to fetch calendars from."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.calendars.servers import Server, says, serving


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    """On loopback, which may be called here, and nowhere else in the service."""
    settings.OUTGOING_ALLOW_HOSTS = {"127.0.0.1"}
    with serving(says(b"")) as one:
        yield one
