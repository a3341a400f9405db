"""What the API's document says beyond the code: answers as models, errors, parameters, headers.

Nothing here is run for a request. An app's `api/answers.py` declares what its views answer, and, where a view carries
no annotation of its own, says it by a subclass of `ViewDocument`; `load` finds these modules.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.module_loading import autodiscover_modules
from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiViewExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from core.paging import SEARCH_AFTER
from core.shapes import Shape


class Answer(BaseModel):
    """Base of what is answered: exactly these keys, camelCase, all of them always there."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True)


class ErrorProblem(Answer):
    """One thing that is wrong with what was sent."""

    field: str
    code: str
    message: str


class ErrorCode(Answer):
    """Code and message once more, where clients of this API family look for them."""

    error_code: str
    message: str


class Error(Answer):
    """Every answer that is not 2xx. `errors` names all problems of what was sent, not the first alone."""

    model_config = ConfigDict(
        alias_generator=lambda name: "_error" if name == "error_again" else to_camel(name),
    )

    status: int
    error: str
    error_code: str
    message: str
    error_again: ErrorCode
    errors: list[ErrorProblem]
    request_id: str


_ERRORS: Mapping[int, str] = {
    400: "What was sent cannot be meant.",
    401: "Not signed in, or no longer.",
    403: "Not permitted.",
    404: "Not here. Another customer's id cannot be told from one that never existed.",
    409: "Not in the present state.",
    412: "Changed since it was read.",
    413: "Too many bytes.",
    415: "Not JSON.",
    503: "Something that this needs does not answer at present.",
}


def errors(*statuses: int) -> dict[Any, OpenApiResponse]:
    """The refusals of an operation, for `responses`."""
    return {(status, "application/json"): OpenApiResponse(Error, description=_ERRORS[status]) for status in statuses}


def describe(
    operation_id: str,
    *,
    answer: Any = None,
    status: int = 200,
    says: str = "",
    refuses: Sequence[int] = (),
    responses: Mapping[Any, Any] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    **more: Any,
) -> Any:
    """`extend_schema` as all our operations use it.

    `answer` is what the good answer holds, or that by content type. Everything answers 400 and 401; `refuses` adds to
    these, and `responses` adds other answers.
    """
    bodies = {(status, kind): one for kind, one in answer.items()} if isinstance(answer, Mapping) else {status: answer}
    good = {key: OpenApiResponse(one, description=says or "Done.") for key, one in bodies.items()}
    return extend_schema(
        operation_id=operation_id,
        parameters=list(parameters),
        responses={**good, **errors(*sorted({400, 401, *refuses})), **(responses or {})},
        **more,
    )


def describe_list(operation_id: str, *, rows: Any, parameters: type[Shape], **more: Any) -> Any:
    """The same for a list: its query parameters, and the headers that pages carry."""
    return describe(
        operation_id, answer=rows, says="One page.", parameters=[*query(parameters), *_PAGE_HEADERS], **more
    )


def query(shape: type[Shape]) -> list[OpenApiParameter]:
    """The parameters that a shape reads from the query string."""
    schema = shape.model_json_schema()
    known = schema.get("$defs", {})
    required = set(schema.get("required", ()))
    return [
        OpenApiParameter(
            name=name,
            type=_plain(one, known),
            location=OpenApiParameter.QUERY,
            required=name in required,
            description=one.get("description", ""),
        )
        for name, one in schema["properties"].items()
    ]


def header(name: str, description: str, *, type: Any = str, status: int = 200) -> OpenApiParameter:
    """A header of an answer."""
    return OpenApiParameter(
        name=name, type=type, location=OpenApiParameter.HEADER, description=description, response=[status]
    )


def _plain(schema: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's own schema: no null, since a query string has none, and no references."""
    members = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    merged = {**schema, **(members[0] if len(members) == 1 else {})}
    if "$ref" in merged:
        merged = {**merged, **known[merged["$ref"].rpartition("/")[2]]}
    left_out = {"anyOf", "$ref", "title", "description"} | ({"default"} if merged.get("default", 0) is None else set())
    return {name: value for name, value in merged.items() if name not in left_out}


_PAGE_HEADERS = (
    header("X-Total-Count", "How many rows there are in all.", type=int),
    header("Link", "RFC 8288: first, prev, next and last page, where there are such."),
    header(SEARCH_AFTER, "Where the next page begins: send it as `searchAfter`. Absent when no row was answered."),
)


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Your own key for this request, at most 255 characters. Sent again with the same body within 24 hours, "
    "it gets the first answer again and nothing is made twice; with another body it is refused with 409.",
)


# They have no types, of which mypy would complain in every class below.
_ViewExtension: Any = OpenApiViewExtension
_PydanticExtension: Any = PydanticExtension
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


class ShapeSchema(_PydanticExtension):
    """Request bodies. Of a PATCH nothing is required, and what is absent has no default: it stays as it is."""

    target_class = Shape
    match_subclasses = True
    priority = 1

    def get_name(self, auto_schema: Any, direction: str) -> str:
        """The component's name."""
        # For a PATCH the library marks the class itself as partial, and would find it so for all later operations.
        if auto_schema.method != "PATCH" and "partial" in vars(self.target):
            del self.target.partial
        return str(super().get_name(auto_schema, direction))

    def map_serializer(self, auto_schema: Any, direction: str) -> Any:
        """The JSON schema."""
        schema: dict[str, Any] = super().map_serializer(auto_schema, direction)
        if direction == "request" and auto_schema.method == "PATCH":
            schema.pop("required", None)
            for one in schema.get("properties", {}).values():
                one.pop("default", None)
        return schema


def load() -> None:
    """Import every app's `api/answers.py`."""
    autodiscover_modules("api.answers")
