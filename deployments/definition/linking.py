"""A job that follows another: whose patches it gets, and when it may start."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from core.shapes import Shape, WholeNumber, choice

MAX_RULES = 10
MAX_CHAINED_ACTIONS = 50


class ChainField(StrEnum):
    """What of the parent a rule looks at."""

    POST_ACTION = "postDeployAction"


class ChainCondition(StrEnum):
    """What must have become of it."""

    SUCCEEDED = "Post Actions were successfully executed"


def _listed(value: object) -> object:
    """A list, or comma text."""
    items = [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise ValueError("must be ids of the parent's post-actions, or their numbers from 1, as a list")
    return items


def _once(ids: list[UUID | int]) -> list[UUID | int]:
    return list(dict.fromkeys(ids))


def _action_id(value: object) -> UUID | int:
    if isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) >= 1:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and 1 <= len(value) <= 9 and int(value) >= 1:
        return int(value)
    try:
        return UUID(value) if isinstance(value, str) else UUID(bytes=b"")
    except ValueError:
        raise ValueError("must be the id of one of the parent's post-actions, or its number from 1") from None


class ChainedJobRule(Shape):
    """Lets the job start when enough hosts of the parent's run did these post-actions, verified."""

    ignored_keys: ClassVar = frozenset({"id"})

    field: Annotated[ChainField, choice(ChainField), Field(description="What of the parent counts.")] = (
        ChainField.POST_ACTION
    )
    action_ids: Annotated[
        list[Annotated[Any, BeforeValidator(_action_id)]],
        BeforeValidator(_listed),
        AfterValidator(_once),
        WithJsonSchema(
            {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_CHAINED_ACTIONS,
                "items": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "integer", "minimum": 1}]},
            }
        ),
        Field(
            min_length=1,
            max_length=MAX_CHAINED_ACTIONS,
            description="Post-actions of the parent: their ids, or their numbers counted from 1.",
        ),
    ]
    threshold: Annotated[
        WholeNumber, Field(ge=1, le=100, description="Percent of the parent run's hosts that must have done them.")
    ]
    condition: Annotated[ChainCondition, choice(ChainCondition)] = ChainCondition.SUCCEEDED
