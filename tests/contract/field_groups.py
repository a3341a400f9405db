"""Lines for fields that come in groups: messages in each of their places, and actions of each kind."""

from collections.abc import Iterator
from typing import Any

from tests.contract.house import (
    CHECKSUM,
    change_registry_key,
    install_software,
    less,
    reboot,
    run_script,
    text,
    uninstall_software,
)
from tests.contract.observers import (
    Body,
    Observer,
    kept_script,
    manifest,
    refusal,
)
from tests.contract.rows import Row, row

SPREAD = {"timeout": 10, "timeoutUnit": "HOURS"}


def messages() -> Iterator[tuple[str, Row]]:
    """Texts, deferments and flags of the three stages; what stands in `postDeployment` also at the top of the body."""
    yield from _message("preDeployment", (), deferred=True)
    yield from _message("duringDeployment", ())
    for path in (("postDeployment",), ()):
        yield from _message("rebootOption", path, deferred=True)
        yield from _message("rebootCountdown", path)
        yield from _message("onComplete", path)
        for part, pair in {"interval": (5, 6), "intervalUnit": ("MINUTES", "HOURS")}.items():
            yield _inside((*path, "rebootCountdown"), part, pair, userMessage="Hello", interval=5)
        for part in ("suppressReboots", "rebootHonorOnUserLogin"):
            yield _inside(path, part, (True, False))
        yield _inside((*path, "onComplete"), "alwaysShowCompletedPrompt", (True, False), userMessage="Hello")
    yield "alwaysShowCompletedPrompt", row(manifest, "alwaysShowCompletedPrompt", True, False, onComplete="Hello")


def _message(name: str, path: tuple[str, ...], deferred: bool = False) -> Iterator[tuple[str, Row]]:
    yield _inside((*path, name), "userMessage", ("Hello", "Bye"))
    yield _inside((*path, name), "description", ("Hello", "Bye"), userMessage="Hello")
    pairs = {"count": (1, 2), "interval": (5, 6), "intervalUnit": ("MINUTES", "HOURS")} if deferred else {}
    for part, pair in pairs.items():
        deferment = {"count": 1, "interval": 5, "intervalUnit": "HOURS"}
        one, other = ({"userMessage": "Hello", "deferment": deferment | {part: value}} for value in pair)
        yield (
            ".".join((*path, name, "deferment", part)),
            Row(manifest, nested((*path, name), one), nested((*path, name), other)),
        )


def _inside(path: tuple[str, ...], part: str, pair: tuple[Any, Any], **beside: Any) -> tuple[str, Row]:
    one, other = (nested(path, beside | {part: value}) for value in pair)
    return ".".join((*path, part)), Row(manifest, one, other)


def nested(path: tuple[str, ...], body: Body) -> Body:
    """The body inside of objects, the first of the path outermost."""
    for key in reversed(path):
        body = {key: body}
    return body


def actions() -> Iterator[tuple[str, Row]]:
    """Fields of an action, before and after the patches."""
    registry, removal, viewer = change_registry_key(), uninstall_software(), install_software()
    by_script = install_software(installMethod=0) | {"script": text("x"), "scriptType": "ps"}
    detected = viewer | {"detectionScript": text("one"), "detectionScriptType": "ps"}
    pairs: dict[str, tuple[Observer, Body, Body]] = {
        "action": (manifest, run_script(), viewer),
        "script": (manifest, run_script(), run_script(script=text("echo other"))),
        "scriptType": (refusal, run_script("ps"), run_script("sh")),
        "detectionScript": (manifest, detected, detected | {"detectionScript": text("two")}),
        "detectionScriptType": (refusal, detected, detected | {"detectionScriptType": "sh"}),
        "actionItem": (
            manifest,
            less(run_script(), "actionItem") | {"actionItem": "one"},
            less(run_script(), "actionItem") | {"actionItem": "two"},
        ),
        "params.timeout": (manifest, run_script(params={"timeout": 60}), run_script(params={"timeout": 61})),
        "params.installMethod": (manifest, by_script, viewer),
    }
    texts = {
        "actionItem": (run_script(), {"actionItem": "another"}),
        "downloadURL": (viewer, {"downloadURL": "https://downloads.example.com/other.msi"}),
        "fileChecksum": (viewer, {"fileChecksum": CHECKSUM[::-1]}),
        "regKey": (registry, {"regKey": text(r"HKLM\SOFTWARE\Other")}),
        "regValue": (registry, {"regValue": text("2")}),
        "regValueType": (registry, {"regValueType": "REG_SZ"}),
        "regKeyAddNew": (registry, {"regKeyAddNew": False}),
        "unInstallRegistryKey": (removal, {"unInstallRegistryKey": text(r"HKLM\SOFTWARE\Other")}),
        "unInstallSoftwareDisplayName": (removal, {"unInstallSoftwareDisplayName": "Other"}),
        "unInstallSoftwareVersion": (removal, {"unInstallSoftwareVersion": "9"}),
        "unInstallSoftwareVersionMatch": (removal, {"unInstallSoftwareVersionMatch": "Starts With"}),
    }
    for name, (action, params) in texts.items():
        pairs[f"params.{name}"] = (manifest, action, action | {"params": action["params"] | params})
    for stage in ("preDeployActions", "postDeployActions"):
        for part, (look, one, other) in pairs.items():
            yield f"{stage}[].{part}", Row(look, {stage: [one]}, {stage: [other]})
        yield (
            f"{stage}[].actionId",
            Row(kept_script, {"keepsActionId": True}, {"keepsActionId": False}, base={stage: [run_script()]}),
        )
        cache = {"action": "Run Script", "params": {"actionItem": "cache"}, "script": ""}
        for part, built_in in {
            "defaultScriptType": cache | {"defaultScriptType": "MakeCache"},
            "params.defaultScriptType": cache | {"params": {"actionItem": "cache", "defaultScriptType": "MakeCache"}},
        }.items():
            # After the patches there is none: the value is refused there.
            look = manifest if stage == "preDeployActions" else refusal
            yield f"{stage}[].{part}", Row(look, {stage: [built_in]}, {stage: [run_script("sh")]}, "Linux")
    yield (
        "preDeployActions[].action",
        Row(manifest, {"preDeployActions": [reboot()]}, {"preDeployActions": [run_script()]}),
    )
