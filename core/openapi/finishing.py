"""The last step in making the document: what holds for every operation, said once for all."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.openapi import refusals
from core.openapi.prose import GROUND_RULES
from core.openapi.refusals import ALWAYS_THERE, HEADERS, OTHERS, REFUSALS, Document, Refusal

_METHODS = ("get", "put", "post", "patch", "delete")
_REQUEST_ID: Document = {
    "in": "header",
    "name": "X-Request-ID",
    "schema": {"type": "string"},
    "description": "Your own id for this request: it comes back, and stands in the logs. One is made where it is "
    "absent, or not 1 to 128 letters, figures and `._-`.",
}
_DESCRIPTIONS = {
    "asset_id": "Id of an asset.",
    "job_id": "Id of a job, or your own `externalId` of it.",
    "number": "The run's `jobInstanceId`: runs of a job count from 1.",
    "patch_id": "Id of a patch.",
    "tag_id": "Id of a tag.",
}


def finish(result: Document, **_: Any) -> Document:
    """A hook of the generator, named in the settings."""
    result["info"]["description"] += f"\n\n{GROUND_RULES}"
    components = result.setdefault("components", {})
    for schema in components.get("schemas", {}).values():
        _tidy(schema)
    for _path, method, operation in operations(result):
        _finish_operation(method, operation)
    _link(result)
    _add_components(result)
    return result


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method, operation."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _finish_operation(method: str, operation: Document) -> None:
    parameters = operation.setdefault("parameters", [])
    for one in parameters:
        _tidy(one["schema"])
        if one["in"] == "path" and one["name"] in _DESCRIPTIONS:
            one.setdefault("description", _DESCRIPTIONS[one["name"]])
        if "x-also-named" in one["schema"]:
            one["description"] = _with_other_names(one.get("description", ""), one["schema"])
    _sum_up(operation)
    _loosen_body(operation)
    _finish_answers(operation["responses"], refusals.of(method, operation))
    parameters.append({"$ref": "#/components/parameters/RequestId"})


def _sum_up(operation: Document) -> None:
    """The first sentence of the description is the summary; alone, it need not be said twice."""
    first, _, rest = operation.get("description", "").partition("\n\n")
    sentence, _, more = first.partition(". ")
    operation["summary"] = sentence.removesuffix(".")
    operation["description"] = "\n\n".join(part for part in (more, rest) if part)
    if not operation["description"]:
        del operation["description"]


def _loosen_body(operation: Document) -> None:
    """What may stand in the query instead need not be in a body."""
    named = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
    body = operation.get("requestBody")
    if body and "ids" in named:
        body.pop("required", None)


def _finish_answers(answers: Document, refused: Iterable[int]) -> None:
    """All refusals, each by its one text, and the headers that all answers have."""
    in_text = any(not kind.endswith("json") for one in answers.values() for kind in one.get("content", ()))
    for refusal in refused:
        answers.setdefault(str(refusal), None)
    for status, answer in answers.items():
        if answer is None or (int(status) in REFUSALS and _is_plain_refusal(answer)):
            answers[status] = _refusal(REFUSALS[int(status)], int(status), in_text=in_text)
        else:
            headers = answer.setdefault("headers", {})
            for name in headers.keys() & ALWAYS_THERE:
                headers[name]["required"] = True
            headers["X-Request-ID"] = {"$ref": "#/components/headers/X-Request-ID"}
    in_order = dict(sorted(answers.items()))
    answers.clear()
    answers.update(in_order, default=_refusal(OTHERS, None, in_text=in_text))


def _refusal(refusal: Refusal, status: int | None, *, in_text: bool) -> Document:
    """A refusal is JSON whatever `Accept` says. Of what answers text, generated clients would ask for JSON if they saw
    it listed anywhere: there it stands under all formats.
    """
    if not in_text:
        return {"$ref": f"#/components/responses/{refusal.name}"}
    made = refusals.component(refusal, status)
    return made | {"content": {"*/*": made["content"]["application/json"]}}


def _is_plain_refusal(answer: Document) -> bool:
    schemas = [body["schema"] for body in answer.get("content", {}).values()]
    return schemas == [{"$ref": "#/components/schemas/Error"}]


def _add_components(document: Document) -> None:
    """Those that are used, so that none is left over."""
    components = document["components"]
    used = {
        one["$ref"].rpartition("/")[2]
        for _, _, operation in operations(document)
        for one in operation["responses"].values()
        if "$ref" in one
    }
    components["headers"] = {
        name: {"schema": {"type": kind}, "description": says, "required": name in ALWAYS_THERE}
        for name, (kind, says) in sorted(HEADERS.items())
    }
    components["parameters"] = {"RequestId": _REQUEST_ID}
    kinds: list[tuple[int | None, Refusal]] = [*REFUSALS.items(), (None, OTHERS)]
    components["responses"] = {one.name: refusals.component(one, status) for status, one in kinds if one.name in used}


# --- schemas ----------------------------------------------------------------------------------------------------------


def _tidy(schema: Any) -> None:
    """Without what says nothing: titles made of names, and null as the default of what may be null."""
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("title"), str):
        del schema["title"]
    if "default" in schema and schema["default"] is None:
        del schema["default"]
    if schema.get("type") == "integer" and not schema.keys() & {"maximum", "exclusiveMaximum", "enum", "const"}:
        schema["format"] = "int64"
    for one in _parts(schema):
        _tidy(one)
    for one in schema.get("properties", {}).values():
        if "x-also-named" in one:
            one["description"] = _with_other_names(one.get("description", ""), one)


def _parts(schema: Document) -> Iterator[Any]:
    yield from schema.get("properties", {}).values()
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from schema.get(name, ())
    for name in ("items", "additionalProperties", "not", "propertyNames"):
        yield schema.get(name)


def _with_other_names(description: str, schema: Mapping[str, Any]) -> str:
    names = " and ".join(f"`{name}`" for name in schema["x-also-named"])
    said = f"Also read as {names}."
    return description if said in description else f"{description} {said}".strip()


# --- links ------------------------------------------------------------------------------------------------------------


def _link(document: Document) -> None:
    """From what makes or lists something to what takes its id: an answer `Job` has the `job_id` of other paths."""
    takers = _takers(document)
    for path, _method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if not status.startswith("2"):
                continue
            name, many = _answered(document, answer)
            parameter = f"{_snake(name)}_id"
            if name and (status == "201" or many):
                source = f"$response.body#/{'0/' if many else ''}id"
                _add_links(answer, path, parameter, source, takers, read_only=many)
            if name == "RunOpened":
                _add_links(answer, path, "number", "$response.body#/jobInstanceId", takers, read_only=False)


def _takers(document: Document) -> dict[tuple[str, ...], list[tuple[str, str, str]]]:
    """Operations by the names in their paths: path, method, operation id."""
    found: dict[tuple[str, ...], list[tuple[str, str, str]]] = {}
    for path, method, operation in operations(document):
        names = tuple(re.findall(r"{(\w+)}", path))
        found.setdefault(names, []).append((path, method, operation["operationId"]))
    return found


def _answered(document: Document, answer: Document) -> tuple[str, bool]:
    """The name of the model with an id that an answer holds, and whether it is a list of it; empty for others."""
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    model = document["components"]["schemas"].get(name, {})
    many = model.get("type") == "array"
    if many:
        name = model.get("items", {}).get("$ref", "").rpartition("/")[2]
        model = document["components"]["schemas"].get(name, {})
    has_id = "id" in model.get("properties", {}) or name == "RunOpened"
    return (name, many) if has_id else ("", many)


def _add_links(
    answer: Document,
    path: str,
    parameter: str,
    source: str,
    takers: Mapping[tuple[str, ...], list[tuple[str, str, str]]],
    *,
    read_only: bool,
) -> None:
    """A link to each operation whose path needs this id, and else only ids that stood in this path."""
    known = re.findall(r"{(\w+)}", path)
    for names, those in takers.items():
        if parameter not in names or not set(names) <= {parameter, *known}:
            continue
        values = {name: f"$request.path.{name}" for name in names if name != parameter} | {parameter: source}
        for _, method, operation_id in those:
            if read_only and method != "get":
                continue
            links = answer.setdefault("links", {})
            links[operation_id] = {"operationId": operation_id, "parameters": values}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
