"""How a refusal is looked at: which fields it names, by which code, and that it has the form of every error."""

from typing import Any

from tests.contract.house import House

ERROR_KEYS = {"status", "error", "errorCode", "message", "_error", "errors", "requestId"}

Body = dict[str, Any]


def problems(house: House, body: Body) -> dict[str, str]:
    """The fields that the refusal of a body names, and the code of each; the answer's form is checked besides."""
    answer = house.ada.post("deploymentjob", body)
    assert answer.status_code == 400, answer.json()
    found = answer.json()
    assert found.keys() == ERROR_KEYS
    assert (found["status"], found["error"]) == (400, "Bad Request")
    assert found["_error"] == {"errorCode": found["errorCode"], "message": found["message"]}
    assert all(one["field"] and one["code"] and one["message"] for one in found["errors"])
    assert house.ada.get("deploymentjobs").headers["X-Total-Count"] == "0"
    return {one["field"]: one["code"] for one in found["errors"]}


def error_code(house: House, body: Body) -> str:
    """The error code of the whole refusal, which is its first problem's."""
    code: str = house.ada.post("deploymentjob", body).json()["errorCode"]
    return code


def refused(house: House, body: Body, fields: set[str], code: str) -> None:
    """Assert that a body is refused for exactly these fields, with this code."""
    assert set(problems(house, body)) == fields
    assert error_code(house, body) == code


def fields_of(answer: Any) -> set[str]:
    """The fields that a refused request names."""
    assert answer.status_code == 400, answer.json()
    return {one["field"] for one in answer.json()["errors"]}
