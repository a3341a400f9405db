"""Scripts as clients send them, and how answers name stored ones."""

import re
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, TypeAdapter, ValidationError, WithJsonSchema

from actions.kinds import BuiltIn
from core.errors import EXCLUDES, MISSING
from core.shapes import Base64Text, Report, Values

MAX_SCRIPT_BYTES = 512 * 1024
# Field of an action that holds a script → its key on the wire, and the last part of its path.
FIELDS = {"script": "script", "detection_script": "detectionScript"}
_PARTS = {"script": "Script", "detection_script": "DetectionScript"}
_FIELD_AT = {part: field for field, part in _PARTS.items()}
_PATH = re.compile(r"(?P<customer>[0-9a-fA-F-]{36})/(?P<action>[0-9a-fA-F-]{36})/(?P<part>Script|DetectionScript)")
_BASE64: TypeAdapter[bytes] = TypeAdapter(Base64Text)
_BUILT_IN_PATHS = {BuiltIn.MAKE_CACHE: "default/MakeCache/makecache"}
_WRONG_PATH = "is not the path of a stored script; send the script in Base64"


@dataclass(frozen=True, slots=True)
class ScriptPath:
    """A stored script. `field` is the action's field that holds it: `script` or `detection_script`."""

    customer_id: UUID
    action_id: UUID
    field: str


def path_of(customer_id: UUID, action_id: UUID, field: str) -> str:
    """How answers name a stored script: `<customerId>/<actionId>/Script`."""
    return f"{customer_id}/{action_id}/{_PARTS[field]}"


def built_in_path(name: str) -> str:
    """How answers name a script that the server brings."""
    return _BUILT_IN_PATHS[BuiltIn(name)]


def _read(value: object) -> bytes | ScriptPath | BuiltIn:
    if isinstance(value, str):
        word = value.strip()
        if found := _PATH.fullmatch(word):
            return _stored(found)
        for name, path in _BUILT_IN_PATHS.items():
            if word == path:
                return name
    return _bytes(value)


def _stored(found: "re.Match[str]") -> ScriptPath:
    try:
        return ScriptPath(UUID(found["customer"]), UUID(found["action"]), _FIELD_AT[found["part"]])
    except ValueError:
        raise ValueError(_WRONG_PATH) from None


def _bytes(value: object) -> bytes:
    try:
        script = _BASE64.validate_python(value)
    except ValidationError:
        raise ValueError("must be a script in Base64 (RFC 4648, with padding), or the path of a stored one") from None
    if len(script) > MAX_SCRIPT_BYTES:
        raise ValueError(f"must be at most {MAX_SCRIPT_BYTES} bytes when decoded, but is {len(script)}")
    return script


# bytes, possibly none; a ScriptPath; or a BuiltIn.
Script = Annotated[Any, BeforeValidator(_read), WithJsonSchema({"type": "string", "contentEncoding": "base64"})]


def need(field: str, action: Values, report: Report) -> None:
    """The action needs this script, with its type."""
    if action.sound(field) and not action.get(field):
        report.add(field, "required", "is required: the script in Base64", MISSING)
    else:
        need_type(field, action, report)


def need_type(field: str, action: Values, report: Report) -> None:
    """A script that is given needs its type."""
    name = f"{field}_type"
    if (action.get(field) or not action.sound(field)) and action.sound(name) and action.get(name) is None:
        report.add(name, "required", "is required with a script: ps or sh", MISSING)


def refuse(field: str, action: Values, report: Report, *, kind: str) -> None:
    """Actions of this kind have no such script. A type without a script says nothing."""
    if action.get(field):
        report.add(field, "excludes", f"{kind} has none; leave it out", EXCLUDES)


def refuse_built_in(field: str, action: Values, report: Report) -> None:
    """Only Run Script takes a script of the server's."""
    if isinstance(action.get(field), BuiltIn):
        report.add(field, "invalid", "must be a script of your own: the built-in ones are for Run Script")
