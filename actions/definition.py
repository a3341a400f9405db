"""An action as clients send it."""

import base64
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BeforeValidator, Field

from actions import make_cache
from actions.every import KINDS
from actions.kinds import ActionKind, BuiltIn, ScriptType
from actions.params import LONGEST_ITEM, ActionParams, wire
from actions.scripts import Script, ScriptPath
from core.errors import EXCLUDES, MISSING
from core.shapes import NotSet, ReadOnly, Report, Shape, Text, Values, choice

# What may stand beside `action` as well as in params.
_IN_BOTH = ("action_item", "default_script_type")
# Params that are answered also where they were not sent.
_ALWAYS_SHOWN = {wire(name) for module in KINDS.values() for name in getattr(module, "DEFAULTS", ())}
_KINDS_OF = {name: module.KIND for module in KINDS.values() for name in module.PARAMS}


def _known_id(value: object) -> UUID | None:
    """An id that only the server gives: what cannot be one is nobody's, and ignored."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _params(action: Values, report: Report) -> Values:
    """Its params; where no object stands in their place, which is told already, all of them count as in error."""
    nothing = Values(ActionParams, {}, () if action.sound("params") else ActionParams.model_fields)
    return report.inner("params") or nothing


def _places_agree(action: Values, report: Report) -> None:
    params = _params(action, report)
    for name in _IN_BOTH:
        here, there = action.get(name), params.get(name)
        if here is not None and there is not None and here != there:
            message = f"says something else than params.{wire(name)}; send one of the two"
            report.add(name, "excludes", message, EXCLUDES)


def _has_an_item(action: Values, report: Report) -> None:
    params = _params(action, report)
    named = params.get("action_item") or action.get("action_item")
    if not named and params.sound("action_item") and action.sound("action_item"):
        report.add("params.actionItem", "required", "is required: what the action is called", MISSING)


def _kind_has_what_it_needs(action: Values, report: Report) -> None:
    kind = KINDS.get(action.get("action", ""))
    if kind is None:
        return
    params = _params(action, report)
    _refuse_others(kind, action, params, report)
    kind.check(action, params, report)


def _refuse_others(kind: Any, action: Values, params: Values, report: Report) -> None:
    """Params of other kinds, unless they say nothing: some clients send every key."""
    for name, owner in _KINDS_OF.items():
        if name in kind.PARAMS:
            continue
        message = f"is only for {owner}; leave it out"
        if params.get(name) not in (None, "", b"", False):
            report.add(f"params.{wire(name)}", "excludes", message, EXCLUDES)
        if name in _IN_BOTH and action.get(name) is not None:
            report.add(name, "excludes", message, EXCLUDES)


class Action(Shape):
    """A pre- or post-action."""

    shape_rules: ClassVar = (_places_agree, _has_an_item, _kind_has_what_it_needs)
    ignored_keys: ClassVar = frozenset({"downloadProtocol"})

    action: Annotated[ActionKind, choice(ActionKind), Field(description="What to do.")]
    params: Annotated[
        ActionParams, Field(default_factory=ActionParams, description="What it needs to know, by its kind.")
    ]
    action_item: Annotated[
        Text | None, NotSet, Field(max_length=LONGEST_ITEM, description="Stands in params; is also read here.")
    ] = None
    default_script_type: Annotated[
        BuiltIn | None, choice(BuiltIn), Field(description="Stands in params; is also read here.")
    ] = None
    script: Annotated[
        Script | None,
        Field(
            description="In Base64, at most 512 KiB decoded; or the path of a stored one that you may read. Required "
            "by Run Script without defaultScriptType, and by Install Software with installMethod 0.",
        ),
    ] = None
    script_type: Annotated[
        ScriptType | None,
        choice(ScriptType),
        Field(description="What the script is written for: ps on Windows, sh on Linux. Required with a script."),
    ] = None
    detection_script: Annotated[
        Script | None,
        Field(
            description="Of Install Software, in the same forms: where it exits with 0 there is nothing to do, and the "
            "file is not fetched."
        ),
    ] = None
    detection_script_type: Annotated[
        ScriptType | None, choice(ScriptType), Field(description="What the detection script is written for.")
    ] = None
    action_id: Annotated[
        Any, BeforeValidator(_known_id), Field(description="Kept on PUT and PATCH where the job has such an action.")
    ] = None
    action_type: Annotated[str | None, ReadOnly] = None
    action_linked_to_job: Annotated[bool | None, ReadOnly] = None


def built_in(action: Action) -> BuiltIn | None:
    """The script of the server's that it asks for, by name or by path."""
    named = action.params.default_script_type or action.default_script_type
    return named or (action.script if isinstance(action.script, BuiltIn) else None)


def stored_params(action: Action) -> dict[str, Any]:
    """Its params as they are stored and answered: those of its kind that were sent, and defaults."""
    params, kind = action.params, KINDS[action.action]
    defaults: Mapping[str, Any] = getattr(kind, "DEFAULTS", {})
    own = {wire(name): _plain(getattr(params, name), defaults.get(name)) for name in kind.PARAMS}
    if (script := built_in(action)) is not None:
        own["defaultScriptType"] = script.value
    item = params.action_item or action.action_item
    shown = {key: one for key, one in own.items() if one is not None or key in _ALWAYS_SHOWN}
    return {"actionItem": item, **shown, "timeout": params.timeout}


def _plain(value: object, default: object) -> Any:
    """As JSON has it."""
    if value is None:
        return default
    if isinstance(value, Enum):
        return value.value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def stored_script(action: Action, field: str) -> bytes | ScriptPath | None:
    """Its `script` or `detection_script`: bytes, the path of a stored one, or None where none of its own was sent."""
    script = getattr(action, field)
    return None if isinstance(script, BuiltIn) or built_in(action) else script


def script_type(action: Action, field: str, *, platform_has: ScriptType) -> ScriptType | None:
    """The type of its `script` or `detection_script`. A restart has one too, without having a script."""
    if field == "script" and built_in(action):
        return make_cache.SCRIPT_TYPE
    sent: ScriptType | None = getattr(action, f"{field}_type")
    if field == "script" and action.action == ActionKind.SYSTEM_REBOOT:
        return sent or platform_has
    return sent
