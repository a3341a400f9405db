"""Waiting for a service that may be away just then."""

import http.client
import time
from collections.abc import Callable
from typing import TypeVar

from demo.rest import Refused
from embedded.errors import EmbeddedError

T = TypeVar("T")
# What a service answers, or does not, while something of it is down.
AWAY = (OSError, http.client.HTTPException, EmbeddedError)


class TooLong(RuntimeError):
    """Something did not come."""


def until(what: str, look: Callable[[], T | None], *, seconds: float) -> T:
    """What `look` gives as soon as that is true. Raises TooLong."""
    end = time.monotonic() + seconds
    trouble: object = None
    while time.monotonic() < end:
        try:
            if found := look():
                return found
            trouble = None
        except AWAY as away:
            trouble = away
        except Refused as refused:
            if refused.answer.status < 500:
                raise
            trouble = refused
        time.sleep(0.1)
    raise TooLong(f"waited {seconds:.0f} s for {what} ({trouble})")
