"""JSON documents as pydantic models: what is read of them must be of the right type, and all else is passed over."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from inventory.importers.sources import MAX_DOCUMENT, Source, Unreadable

_MOST_MISTAKES = 3


class Document(BaseModel):
    """Base of what stands in a document."""

    model_config = ConfigDict(extra="ignore")


D = TypeVar("D", bound=Document)


def _present(value: object) -> object:
    return "" if value is None else value


# Text, where null is as good as none.
Words = Annotated[str, BeforeValidator(_present)]


def read_document(source: Source, kind: type[D]) -> D:
    """The document. Raises Unreadable with the first mistakes in it."""
    with source.open(MAX_DOCUMENT) as stream:
        text = stream.read()
    try:
        return kind.model_validate_json(text)
    except ValidationError as wrong:
        raise Unreadable(_mistakes(wrong)) from wrong


def _mistakes(wrong: ValidationError) -> str:
    each = wrong.errors(include_url=False, include_input=False, include_context=False)
    told = [f"{'.'.join(str(part) for part in one['loc']) or 'document'}: {one['msg']}" for one in each]
    more = f", and {len(told) - _MOST_MISTAKES} more" if len(told) > _MOST_MISTAKES else ""
    return "; ".join(told[:_MOST_MISTAKES]) + more
