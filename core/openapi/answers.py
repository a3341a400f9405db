"""The base of what is answered, and what every refusal is."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    """Base of what is answered: exactly these keys, camelCase, all of them always there."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel, validate_by_name=True)


class ErrorProblem(Answer):
    """One thing that is wrong with what was sent."""

    field: str = Field(
        description="Where it stands, such as `postDeployActions[0].params.actionItem`; empty for the whole body."
    )
    code: str = Field(description="A word for programs, such as `required`, `unknown_key`, `invalid` or `excludes`.")
    message: str = Field(description="What would be right.")


class ErrorCode(Answer):
    """Code and message once more, where clients of this API family look for them."""

    error_code: str
    message: str


def _error_apart(schema: dict[str, Any]) -> None:
    """`_error` as a pattern of names: generated clients would call it `error`, which is another key's name."""
    schema["patternProperties"] = {"^_error$": schema["properties"].pop("_error")}


class Error(Answer):
    """Every answer that is not 2xx. `errors` names all problems of what was sent, not the first alone. `_error` holds
    the error code and the message once more, where clients of this API family look for them.
    """

    model_config = ConfigDict(
        alias_generator=lambda name: "_error" if name == "error_again" else to_camel(name),
        json_schema_extra=_error_apart,
    )

    status: int = Field(description="The HTTP status once more.")
    error: str = Field(description="Its phrase.")
    error_code: str = Field(description="What kind of mistake; each answer that refuses lists its codes.")
    message: str = Field(description="One sentence: the first problem.")
    error_again: ErrorCode
    errors: list[ErrorProblem]
    request_id: str = Field(description="Quote it when you ask about this answer.")
