"""How a view says what it takes and answers."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.module_loading import autodiscover_modules
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view

from core.openapi.answers import Error
from core.openapi.refusals import REFUSALS
from core.openapi.requests import json_schema_of
from core.paging import SEARCH_AFTER
from core.shapes import Shape


def errors(*statuses: int) -> dict[Any, OpenApiResponse]:
    """Refusals of an operation that do not follow from what it takes, for `responses`."""
    return {
        (status, "application/json"): OpenApiResponse(Error, description=REFUSALS[status].says) for status in statuses
    }


def describe(
    operation_id: str,
    *,
    request: Any = None,
    answer: Any = None,
    status: int = 200,
    says: str = "",
    refuses: Sequence[int] = (),
    responses: Mapping[Any, Any] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    examples: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """`extend_schema` as all our operations use it.

    `request` is the body's shape and `answer` what the good answer holds, or these by content type. What an operation
    refuses because of what it takes is added to every one (see `refusals.of`); `refuses` are the statuses beyond that,
    and `responses` adds other answers. `examples` are bodies that can be sent, by a sentence about each.
    """
    bodies = {(status, kind): one for kind, one in answer.items()} if isinstance(answer, Mapping) else {status: answer}
    good = {key: OpenApiResponse(one, description=says or "Done.") for key, one in bodies.items()}
    return extend_schema(
        operation_id=operation_id,
        request=request,
        parameters=list(parameters),
        responses={**good, **errors(*sorted(set(refuses))), **(responses or {})},
        examples=[OpenApiExample(name, value=body, request_only=True) for name, body in (examples or {}).items()],
        **more,
    )


def describe_list(operation_id: str, *, rows: Any, parameters: type[Shape], **more: Any) -> Any:
    """The same for a list: its query parameters, and the headers that pages carry."""
    return describe(
        operation_id, answer=rows, says="One page.", parameters=[*query(parameters), *_PAGE_HEADERS], **more
    )


def query(shape: type[Shape]) -> list[OpenApiParameter]:
    """The parameters that a shape reads from the query string."""
    schema = json_schema_of(shape)
    known = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return [
        OpenApiParameter(
            name=name,
            type=_plain(one, known),
            location=OpenApiParameter.QUERY,
            required=name in required,
            description=one.get("description", ""),
            # Lists as comma text; repeated parameters are read, too.
            explode=False if _plain(one, known).get("type") == "array" else None,
        )
        for name, one in schema["properties"].items()
    ]


def header(name: str, description: str, *, type: Any = str, status: int | list[int] = 200) -> OpenApiParameter:
    """A header of an answer, or of those of several good statuses."""
    statuses = status if isinstance(status, list) else [status]
    return OpenApiParameter(
        name=name, type=type, location=OpenApiParameter.HEADER, description=description, response=statuses
    )


def _plain(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's own schema: no null, since a query string has none, and no references."""
    members = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    merged = {**schema, **(members[0] if len(members) == 1 else {})}
    if "$ref" in merged:
        merged = {**merged, **known[merged["$ref"].rpartition("/")[2]]}
    if "items" in merged:
        merged = {**merged, "items": _plain(merged["items"], known)}
    left_out = {"anyOf", "$ref", "title", "description"} | ({"default"} if merged.get("default", 0) is None else set())
    return {name: value for name, value in merged.items() if name not in left_out}


_PAGE_HEADERS = (
    header("X-Total-Count", "How many rows there are in all.", type=int),
    header("Link", "RFC 8288: first, prev, next and last page, where there are such."),
    header(SEARCH_AFTER, "Where the next page begins: send it as `searchAfter`. Absent when no row was answered."),
)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    OpenApiParameter.HEADER,
    description="Your own key for this request, at most 255 characters. Sent again with the same body within 24 hours, "
    "it gets the first answer again and nothing is made twice; with another body it is refused with 409.",
)


# They have no types, of which mypy would complain in every class below.
_ViewExtension: Any = OpenApiViewExtension
AuthenticationScheme: Any = OpenApiAuthenticationExtension


class ViewDocument(_ViewExtension):
    """Base: what a view's operations are, said apart from the view. `target_class` names it."""

    operations: ClassVar[Mapping[str, Any]] = {}
    # Where the view judges its caller itself: the authenticator whose scheme the document shows.
    authenticators: ClassVar[Sequence[type]] = ()

    def view_replacement(self) -> Any:
        """The view as the document sees it."""
        shown: Any = type(self.target_class.__name__, (self.target_class,), {"__doc__": self.target_class.__doc__})
        if self.authenticators:
            shown.authentication_classes = tuple(self.authenticators)
        return extend_schema_view(**self.operations)(shown)


def load() -> None:
    """Import every app's `api/answers.py`."""
    autodiscover_modules("api.answers")
