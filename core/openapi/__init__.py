"""What the API's document says beyond the code: answers as models, errors, parameters, headers, links.

Nothing here is run for a request. An app's `api/answers.py` declares what its views answer, and, where a view carries
no annotation of its own, says it by a subclass of `ViewDocument`; `load` finds these modules. What holds for every
operation (how it may refuse, request ids, links) is said once, in `finishing`.
"""

from core.openapi.answers import Answer, Error, ErrorCode, ErrorProblem
from core.openapi.describing import (
    IDEMPOTENCY_KEY,
    AuthenticationScheme,
    ViewDocument,
    describe,
    describe_list,
    errors,
    header,
    load,
    query,
)
from core.openapi.finishing import finish
from core.openapi.requests import ShapeSchema

__all__ = [
    "IDEMPOTENCY_KEY",
    "Answer",
    "AuthenticationScheme",
    "Error",
    "ErrorCode",
    "ErrorProblem",
    "ShapeSchema",
    "ViewDocument",
    "describe",
    "describe_list",
    "errors",
    "finish",
    "header",
    "load",
    "query",
]
