"""How an operation may refuse: which status, with which error codes, in which words.

Whether a status belongs to an operation follows from what the operation takes; only what depends on its state is said
beside the view, by `refuses`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from core import errors

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One status. `name` is its component's; `codes` are the error codes that it may carry, with what each means."""

    name: str
    says: str
    codes: Mapping[str, str]
    example: str
    problem: tuple[str, str] | None = None
    headers: tuple[str, ...] = ()


_MALFORMED = {
    errors.UNKNOWN_KEY: "a key or parameter that nobody knows",
    errors.MISSING: "something required is missing",
    errors.TOO_LARGE: "nested too deep",
    errors.INVALID: "a value that cannot mean anything",
    errors.EXCLUDES: "values that exclude each other",
    errors.PAGED_TOO_FAR: "a page by number past record 10,000; go on with `searchAfter`",
}
_RATE_LIMIT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Window-Sec", "X-RateLimit-ToWait-Sec")

REFUSALS: Mapping[int, Refusal] = {
    400: Refusal(
        "BadRequest",
        "What was sent cannot be meant.",
        _MALFORMED,
        "name: is required.",
        ("required", "is required"),
    ),
    401: Refusal(
        "NotSignedIn",
        "Not signed in, or no longer.",
        {errors.NOT_SIGNED_IN: "no token, a wrong or an expired one"},
        "JWT expired",
        headers=("WWW-Authenticate",),
    ),
    403: Refusal(
        "NotPermitted",
        "Not permitted.",
        {
            errors.QUARANTINED: "to an agent alone: it is quarantined",
            errors.NOT_PERMITTED: "your role or key may not",
        },
        "not permitted",
    ),
    404: Refusal(
        "NotFound",
        "Not here. Another customer's id cannot be told from one that never existed.",
        {errors.NOT_FOUND: "nothing of yours has this id"},
        "not found",
    ),
    406: Refusal(
        "NotAcceptable",
        "In none of the formats that `Accept` names.",
        {errors.INVALID: "ask for application/json"},
        "no format that Accept names is available; application/json is",
    ),
    409: Refusal(
        "Conflict",
        "Not in the present state; or the `Idempotency-Key` was used with another body.",
        {errors.CONFLICT: "refused in this state"},
        "Non-recurring jobs cannot be disabled once enabled by user",
    ),
    412: Refusal(
        "PreconditionFailed",
        "Changed since it was read.",
        {errors.PRECONDITION_FAILED: "`If-Match` names another version"},
        "it was changed since you read it; read it again",
    ),
    413: Refusal(
        "TooLarge",
        "Too many bytes.",
        {errors.TOO_LARGE: "the body is larger than is accepted"},
        "The body may have at most 2097152 bytes.",
    ),
    414: Refusal("UriTooLong", "The address is longer than 64 KB; send the list in a body.", {}, ""),
    415: Refusal(
        "UnsupportedContentType",
        "In a format that is not read here.",
        {errors.WRONG_CONTENT_TYPE: "send application/json"},
        "send application/json",
    ),
    429: Refusal(
        "TooManyRequests",
        "Too many requests.",
        {errors.TOO_MANY_REQUESTS: "wait as long as `Retry-After` says"},
        "too many requests; wait before the next one",
        headers=("Retry-After", *_RATE_LIMIT),
    ),
    503: Refusal(
        "Unavailable",
        "Something that this needs does not answer at present.",
        {errors.INTERNAL: "try again"},
        "temporarily unavailable; try again",
        headers=("Retry-After",),
    ),
}

# What may befall any request, and no operation more than another.
OTHERS = Refusal(
    "Refused",
    "Any other refusal. 405: another method, `Allow` has those that are; 411: a body without a Content-Length; "
    "429: too many requests, with `Retry-After`; 500: a mistake of ours; 503: try again after `Retry-After`.",
    {
        errors.WRONG_METHOD: "wrong method (405)",
        errors.INVALID: "a body of unknown length (411)",
        errors.TOO_MANY_REQUESTS: "too many requests (429)",
        errors.INTERNAL: "internal, or unavailable (500, 503)",
    },
    "internal error; quote the requestId when you report it",
)

HEADERS: Mapping[str, tuple[str, str]] = {
    "X-Request-ID": ("string", "The id that was sent, or one that was made: it stands in the logs."),
    "WWW-Authenticate": ("string", "The scheme to sign in by: `Bearer`."),
    "Retry-After": ("integer", "Seconds to wait."),
    "X-RateLimit-Limit": ("integer", "Requests in one window."),
    "X-RateLimit-Remaining": ("integer", "Of these, how many are left."),
    "X-RateLimit-Window-Sec": ("integer", "The window's length in seconds."),
    "X-RateLimit-ToWait-Sec": ("integer", "Seconds until the next one may come."),
}

# The others depend on the answer; of WWW-Authenticate, on what is asked for.
ALWAYS_THERE = frozenset({"X-Request-ID", "ETag", "Location", "X-Total-Count", "Link", "Retry-After"})


def of(method: str, operation: Document) -> Iterator[int]:
    """The statuses by which an operation can refuse because of what it is and takes."""
    parameters = operation.get("parameters", ())
    headers = {one["name"] for one in parameters if one["in"] == "header"}
    yield from (400, 401, 406)
    if method != "get" and {"session": []} in operation.get("security", ()):
        # At least because a browser's session lacks the CSRF token.
        yield 403
    if any(one["in"] == "path" for one in parameters):
        yield 404
    if "Idempotency-Key" in headers:
        yield 409
    if "If-Match" in headers:
        yield 412
    if "requestBody" in operation:
        yield from (413, 415)
    if any(one["in"] == "query" and one["schema"].get("type") == "array" for one in parameters):
        # Of all parameters only lists can fill more than 64 KB.
        yield 414


def component(refusal: Refusal, status: int | None) -> Document:
    """The response component of one refusal."""
    if not refusal.codes:
        # The server in front of the service answers it, without a body.
        return {"description": refusal.says}
    codes = "; ".join(f"`{code}` {meaning}" for code, meaning in refusal.codes.items())
    return {
        "description": f"{refusal.says} Error codes: {codes}.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*refusal.headers, "X-Request-ID")},
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": _example(refusal, status or 500),
            }
        },
        "x-error-codes": list(refusal.codes),
    }


def _example(refusal: Refusal, status: int) -> Document:
    code = errors.MISSING if refusal.problem else list(refusal.codes)[-1]
    problems = [errors.Problem("name", *refusal.problem)] if refusal.problem else []
    body = errors.error_body(
        status=status,
        error_code=code,
        message=refusal.example,
        problems=problems,
        request_id="6f1b3c5e0d9a4b7f8e2d1c0b9a8f7e6d",
    )
    assert body["error"] == HTTPStatus(status).phrase  # noqa: S101 - an example that lies would be worse than none
    return body
