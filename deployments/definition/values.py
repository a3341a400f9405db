"""Readers of single values that several fields of a job share, and the marks that its fields may carry."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetJsonSchemaHandler
from pydantic_core import core_schema

from core.shapes import NotSet, Text
from deployments.models.choices import TimeoutUnit
from inventory.models import Platform
from scheduling import local_time, recurrence, zones

MAX_IDS = 10_000
# Lengths of time are reckoned in these: whole numbers of any size, where a timedelta has an end.
MINUTES_IN = {TimeoutUnit.HOURS: 60, TimeoutUnit.MINUTES: 1}
_UNSET: tuple[object, ...] = (None, "", "null", [])


@dataclass(frozen=True)
class OnlyOn:
    """Marks a field that has a meaning on one platform: on the other it may only hold its default."""

    platform: Platform


class _NotYet(BeforeValidator):
    """Keeps its field out of the document: nothing can be said by it."""

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "readOnly": True}


def not_yet(*harmless: object) -> BeforeValidator:
    """Accepts only null, nothing, and the `harmless` values that change nothing; the value becomes None."""

    def check(value: object) -> None:
        if value not in _UNSET and not any(_same(value, one) for one in harmless):
            words = [str(one) for one in harmless if not isinstance(one, Mapping)]
            instead = f" or send {' or '.join(words)}" if words else ""
            raise ValueError(f"is not supported yet; leave it out{instead}")

    return _NotYet(check)


def _same(value: object, harmless: object) -> bool:
    """Whether a value says what `harmless` says, in any spelling."""
    if isinstance(value, str | bool | int | float) and isinstance(harmless, str | bool | int):
        return _spelling(value) == _spelling(harmless) or (harmless is False and _spelling(value) == "0")
    return type(value) is type(harmless) and value == harmless


def _spelling(value: object) -> str:
    text = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip().casefold()
    # A hyphen before a figure is a minus.
    return re.sub(r"[-_]", "", text) if text[:1].isalpha() else text


def within_reckoning(at: datetime) -> datetime:
    """Raises ValueError outside of the years that schedules are reckoned in."""
    if not recurrence.FIRST_YEAR <= at.year <= recurrence.LAST_YEAR:
        raise ValueError(f"must be in the years {recurrence.FIRST_YEAR} to {recurrence.LAST_YEAR}")
    return at


def _local_time(value: str | None) -> str | None:
    return None if value is None else within_reckoning(local_time.parse(value)).isoformat(timespec="seconds")


def _zone(value: str) -> str:
    name = zones.canonical_name(value)
    if name is None:
        raise ValueError("must be an IANA time zone, such as Europe/Berlin or UTC")
    return name


# A wall-clock time as text; read in any of the spellings of scheduling.local_time, kept as ISO 8601 without an offset.
LocalTime = Annotated[Text | None, NotSet, AfterValidator(_local_time)]
# An IANA name in its accepted spelling.
Zone = Annotated[Text, NotSet, AfterValidator(_zone)]
