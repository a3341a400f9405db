"""Loaded by schemathesis: prepares the document and each request, counts, and judges what a schema cannot."""

import atexit
import copy
import json
import os
import sys
import threading
import urllib.parse
import urllib.request
import uuid
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import schemathesis
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

from fuzz import refusals
from fuzz.lenient import Meaning

_METHODS = ("get", "put", "post", "patch", "delete")
# Pages of thousands of full rows would be most of what a run spends its time on; the bounds themselves are still tried.
_USUAL_PAGE = 20
_document: dict[str, Any] = {}
_counts: Counter[tuple[str, str]] = Counter()
_excused: Counter[tuple[str, str]] = Counter()
_lock = threading.Lock()


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Keep the document as it is; take out the answer that would allow any status."""
    _document.update(copy.deepcopy(raw_schema))
    for item in raw_schema["paths"].values():
        for method in _METHODS:
            item.get(method, {}).get("responses", {}).pop("default", None)


@schemathesis.hook
def map_query(context: Any, query: dict[str, Any]) -> dict[str, Any]:
    """Pages of the usual size, in orders and places that there are, most of the time."""
    if not query:
        return query
    made = dict(query)
    size = made.get("pageSize")
    if isinstance(size, int) and not isinstance(size, bool) and _USUAL_PAGE < size < 10_000:
        made["pageSize"] = size % _USUAL_PAGE + 1
    # By the content, so that the same seed asks the same things.
    if zlib.crc32(repr(sorted(query)).encode() + repr(query).encode()) % 8:
        for name in ("searchAfter", "sort", "sortOrder", "attributes", "groupBy"):
            if isinstance(made.get(name), str | list):
                del made[name]
    return made


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Leave what the house needs: what is changed or deleted, and the session that is ended, is made for it."""
    operation_id = _operation(case).get("operationId")
    if operation_id == "signOut" and case.headers.get("Authorization") == f"Bearer {os.environ['FUZZ_TOKEN']}":
        case.headers["Authorization"] = f"Bearer {_fresh_token()}"
    if case.method.upper() in {"PUT", "PATCH", "DELETE"} and case.path_parameters:
        for name, make in _FRESH.items():
            if case.path_parameters.get(name) in _KEPT:
                case.path_parameters[name] = make()
        if operation_id == "deleteAsset" and case.path_parameters.get("asset_id") in _KEPT:
            case.path_parameters["asset_id"] = str(uuid.uuid4())
    if isinstance(case.body, dict) and case.query:
        # Lists by POST take either.
        case.query = {name: value for name, value in case.query.items() if name not in case.body}
    if operation_id == "deleteJobs" and isinstance(case.body, dict) and isinstance(case.body.get("ids"), list):
        case.body["ids"] = [_fresh_job() if str(one) in _KEPT else one for one in case.body["ids"]]


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count."""
    with _lock:
        _counts[case.operation.label, str(response.status_code)] += 1


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """False where the service was right, and the schema could not know."""
    if isinstance(failure, RejectedPositiveData):
        excused = response.status_code == 400 and refusals.are_right(_json(response))
        if response.status_code == 400 and not excused:
            print(f"\n{case.operation.label}: {refusals.wrong_ones(_json(response))}", file=sys.stderr)
    elif isinstance(failure, AcceptedNegativeData):
        excused = _means_something(case, response)
    else:
        return True
    if excused:
        with _lock:
            _excused[case.operation.label, type(failure).__name__] += 1
    return not excused


@schemathesis.check
def error_codes_are_documented(ctx: Any, response: Any, case: Any) -> None:
    """A refusal says its status, and one of the error codes that the document lists for it."""
    if response.status_code < 400:
        return
    listed = _operation(case).get("responses", {}).get(str(response.status_code), {})
    codes = Meaning(_document).resolved(listed).get("x-error-codes")
    body = _json(response)
    if codes is None or not isinstance(body, dict):
        return
    if body.get("status") != response.status_code or body.get("errorCode") not in codes:
        raise AssertionError(
            f"{response.status_code} with {body.get('status')} and {body.get('errorCode')}: not in {codes}"
        )


# --- what a request means ---------------------------------------------------------------------------------------------


def _means_something(case: Any, response: Any) -> bool:
    """Whether a request is valid in all parts once it is read as the service reads; or is refused inside the answer."""
    operation = _operation(case)
    if _is_refused_inside(operation, _json(response)):
        return True
    meaning = Meaning(_document)
    return _query_is_meant(operation, meaning, response.request.url) and _body_is_meant(operation, meaning, case)


def _is_refused_inside(operation: dict[str, Any], answer: Any) -> bool:
    """Two operations say in a good answer what is wrong with what was sent."""
    if operation.get("operationId") == "validateJob":
        return isinstance(answer, dict) and answer.get("valid") is False and bool(answer.get("errors"))
    if operation.get("operationId") == "importCatalogue":
        return isinstance(answer, list) and any(one.get("errors") for one in answer)
    return False


def _query_is_meant(operation: dict[str, Any], meaning: Meaning, url: str) -> bool:
    declared = {one["name"]: one["schema"] for one in _parameters(operation, meaning) if one["in"] == "query"}
    names = {also: name for name, schema in declared.items() for also in schema.get("x-also-named", ())}
    sent = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query, keep_blank_values=True)
    if not declared:
        # Nothing is read there.
        return True
    for name, values in sent.items():
        schema = declared.get(names.get(name, name))
        if schema is None or len(set(values)) > 1:
            return False
        if values[0] not in ("", "null") and not _is_valid(schema, meaning.of(schema, values[0])):
            return False
    return True


def _body_is_meant(operation: dict[str, Any], meaning: Meaning, case: Any) -> bool:
    content = operation.get("requestBody", {}).get("content", {})
    if not content or case.body is None or type(case.body).__name__ == "NotSet":
        # An empty body is an object without keys, and so is null.
        schema = next(iter(content.values()))["schema"] if content else {}
        return _is_valid(schema, {}) if content else True
    schema = content.get(case.media_type, next(iter(content.values())))["schema"]
    if isinstance(case.body, bytes):
        # What is no JSON at all is no body that anybody means.
        return False
    return _is_valid(schema, meaning.of(schema, case.body))


def _is_valid(schema: dict[str, Any], value: Any) -> bool:
    whole = {**schema, "components": _document["components"]}
    return bool(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value))


def _operation(case: Any) -> dict[str, Any]:
    found: dict[str, Any] = _document["paths"][case.operation.path].get(case.operation.method.lower(), {})
    return found


def _parameters(operation: dict[str, Any], meaning: Meaning) -> list[dict[str, Any]]:
    return [dict(meaning.resolved(one)) for one in operation.get("parameters", ())]


def _json(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _fresh_token() -> str:
    form = urllib.parse.urlencode({"username": os.environ["FUZZ_USER"], "password": os.environ["FUZZ_PASSWORD"]})
    return _sent("/auth", form.encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def _fresh_job() -> str:
    body = {"name": "fresh", "type": "Install", "platform": "Linux", "scheduleType": "On-demand"}
    return str(json.loads(_post("/pm/v1/deploymentjob", body))["id"])


def _fresh_tag() -> str:
    return str(json.loads(_post("/pm/v1/tags", {"name": f"fresh {uuid.uuid4()}"}))["id"])


def _fresh_url() -> int:
    url = f"https://patches.example.com/{uuid.uuid4()}"
    return int(json.loads(_post("/pm/v1/custompatchurls", {"url": url}))["id"])


_FRESH: dict[str, Callable[[], Any]] = {"job_id": _fresh_job, "tag_id": _fresh_tag, "custom_patch_url_id": _fresh_url}
_KEPT = {one for one in os.environ.get("FUZZ_KEPT", "").split(",") if one}


def _post(path: str, body: object) -> str:
    token = {"Authorization": f"Bearer {os.environ['FUZZ_TOKEN']}", "Content-Type": "application/json"}
    return _sent(path, json.dumps(body).encode(), token)


def _sent(path: str, body: bytes, headers: dict[str, str]) -> str:
    request = urllib.request.Request(f"{os.environ['FUZZ_URL']}{path}", body, headers)  # noqa: S310 - this run's service
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return str(answer.read().decode())


@atexit.register
def _write_counts() -> None:
    where = os.environ.get("FUZZ_COUNTS")
    if where:
        Path(where).write_text(json.dumps({"calls": _listed(_counts), "excused": _listed(_excused)}))


def _listed(counts: Counter[tuple[str, str]]) -> list[list[Any]]:
    return [[*key, number] for key, number in sorted(counts.items())]
