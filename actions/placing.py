"""Which actions have a place in a job of which platform, and before or after the patches."""

from collections.abc import Iterator

from actions.every import KINDS
from actions.kinds import LINUX, POST, PRE, SCRIPT_TYPE_OF, BuiltIn
from core.shapes import Values

_LISTS = {PRE: "preDeployActions", POST: "postDeployActions"}


def misplaced(action: Values, params: Values | None, *, platform: str | None, stage: str) -> Iterator[tuple[str, str]]:
    """(path within the action, what is wrong there) of all that does not fit. `platform` is None where not known.

    Takes what could be read of the action, which may be in error elsewhere.
    """
    kind = KINDS.get(action.get("action", ""))
    if kind is None:
        return
    only_stage, only_platform = getattr(kind, "STAGE", stage), getattr(kind, "PLATFORM", platform)
    if only_stage != stage:
        yield "action", f"{kind.KIND} is only for {_LISTS[only_stage]}"
    elif platform is not None and only_platform != platform:
        yield "action", f"{kind.KIND} is only for platform {only_platform}"
    else:
        yield from _scripts(action, params, platform=platform, stage=stage)


def _scripts(action: Values, params: Values | None, *, platform: str | None, stage: str) -> Iterator[tuple[str, str]]:
    where, built_in = _built_in(action, params)
    if built_in is not None:
        if stage != PRE:
            yield where, f"{built_in} is only for {_LISTS[PRE]}"
        elif platform not in (None, LINUX):
            yield where, f"{built_in} is only for platform {LINUX}"
        return
    for field, name in (("script_type", "scriptType"), ("detection_script_type", "detectionScriptType")):
        sent = action.get(field)
        if platform is not None and sent is not None and sent != SCRIPT_TYPE_OF[platform]:
            yield name, f"must be {SCRIPT_TYPE_OF[platform]} for platform {platform}"


def _built_in(action: Values, params: Values | None) -> tuple[str, BuiltIn | None]:
    if params is not None and params.get("default_script_type"):
        return "params.defaultScriptType", params.get("default_script_type")
    if action.get("default_script_type"):
        return "defaultScriptType", action.get("default_script_type")
    script = action.get("script")
    return "script", script if isinstance(script, BuiltIn) else None
