"""What the reference routes answer, for the API's document."""

from typing import Any

from pydantic import Field, RootModel

from core.openapi import Answer


class Timezone(Answer):
    """A zone of the tz database, with its offset from UTC at the moment of the answer."""

    name: str
    utc_offset: str = Field(examples=["+01:00"])
    offset_seconds: int


class Timezones(RootModel[list[Timezone]]):
    """All of them."""


class EnumerationValue(Answer):
    """One word. `code` is the number that stands for it on the wire, where there is one."""

    value: str
    code: int | None
    description: str | None


class Enumerations(RootModel[dict[str, list[EnumerationValue]]]):
    """Values by the enumeration's name."""


class JobField(Answer):
    """One field. `fields` are those of the object, or of the objects of the list, that it takes."""

    name: str
    other_names: list[str]
    type: str
    allowed_values: list[Any] | None
    default: Any
    minimum: float | int | None
    maximum: float | int | None
    min_length: int | None
    max_length: int | None
    pattern: str | None
    description: str
    required: bool
    nullable: bool
    platform: str | None
    fields: list["JobField"] | None


class JobFields(RootModel[list[JobField]]):
    """All of them."""
