"""What the endpoint is told of an action, and what clients see of it."""

import base64
import hashlib
import json
from typing import Any

import pytest

import actions
from actions import Action, make_cache
from actions.kinds import SCRIPT_TYPE_OF, ActionKind
from core.shapes import parse
from tests.actions import bodies
from tests.actions.bodies import CHECKSUM, encoded

ID = "7f1e8c1c-0000-4000-8000-000000000000"
SCRIPT = "echo hällo\n".encode()
COMMON = {"kind": "action", "actionId": ID, "name": "an item", "timeout": 180}


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def stored(body: dict[str, Any], *, stage: str = "predeploy", platform: str = "Windows") -> dict[str, Any]:
    """As a run's snapshot holds what was sent."""
    action = parse(Action, body)
    frozen = {"actionId": ID, "stage": stage, "action": str(action.action), "params": actions.stored_params(action)}
    for field, name in (("script", "script"), ("detection_script", "detectionScript")):
        script = actions.stored_script(action, field)
        assert script is None or isinstance(script, bytes)
        frozen[name] = base64.b64encode(script or b"").decode()
        frozen[f"{name}Type"] = actions.script_type(action, field, platform_has=SCRIPT_TYPE_OF[platform])
    # Through JSON, as the database keeps it.
    found: dict[str, Any] = json.loads(json.dumps(frozen))
    return found


def told(body: dict[str, Any], **where: str) -> dict[str, Any]:
    return actions.tell(stored(body, **where))


@pytest.mark.parametrize(("stage", "said"), [("predeploy", "pre"), ("postdeploy", "post")])
def test_tell__run_script__is_all_that_the_agent_needs(stage: str, said: str) -> None:
    script = base64.b64encode(SCRIPT).decode()

    step = told(bodies.run_script("sh", timeout=30) | {"script": script}, stage=stage)

    own = {"scriptType": "sh", "script": script, "sha256": digest(SCRIPT)}
    assert step == COMMON | {"action": "Run Script", "stage": said, "timeout": 30} | own


def test_tell__make_cache__is_a_script_like_any_other() -> None:
    step = told(bodies.make_cache(), platform="Linux")

    script = base64.b64decode(step["script"])
    assert step.keys() == told(bodies.run_script("sh")).keys()
    assert (script, step["scriptType"], step["sha256"]) == (make_cache.SCRIPT, "sh", digest(make_cache.SCRIPT))


def test_tell__install_software__has_the_file_and_both_scripts_with_digests() -> None:
    scripts = {
        "script": encoded("install"),
        "scriptType": "ps",
        "detectionScript": encoded("look"),
        "detectionScriptType": "ps",
    }

    step = told(bodies.install_software(installMethod=0) | scripts)

    assert step == COMMON | {
        "action": "Install Software",
        "stage": "pre",
        "install": {
            "url": "https://downloads.example.com/x.msi",
            "sha256": CHECKSUM,
            "method": "script",
            "detection": {"scriptType": "ps", "script": encoded("look"), "sha256": digest(b"look")},
            "script": {"scriptType": "ps", "script": encoded("install"), "sha256": digest(b"install")},
        },
    }


def test_tell__installer_alone__has_no_scripts() -> None:
    install = told(bodies.install_software() | {"script": "", "scriptType": "ps"})["install"]

    assert (install["method"], install["detection"], install["script"]) == ("installer", None, None)


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        ("REG_DWORD", "0x10", "16"),
        ("REG_QWORD", str(2**64 - 1), str(2**64 - 1)),
        ("REG_BINARY", "0A ff", "0aff"),
        ("REG_MULTI_SZ", "one\ntwo", ["one", "two"]),
        ("REG_SZ", "héllo", "héllo"),
        ("REG_EXPAND_SZ", "%PATH%", "%PATH%"),
    ],
)
def test_tell__registry_key__is_decoded(kind: str, sent: str, value: object) -> None:
    step = told(bodies.registry_key(regValueType=kind, regValue=encoded(sent), regKeyAddNew=...))

    assert step == COMMON | {
        "action": "Change Registry Key",
        "stage": "pre",
        "registry": {
            "key": r"HKEY_LOCAL_MACHINE\SOFTWARE\Example",
            "valueName": "an item",
            "type": kind,
            "value": value,
            "createKey": False,
        },
    }


def test_tell__uninstall_software__is_decoded() -> None:
    assert told(bodies.uninstall_software(unInstallSoftwareVersionMatch="Greater Than"))["uninstall"] == {
        "key": r"HKEY_LOCAL_MACHINE\SOFTWARE\Uninstall\Viewer",
        "displayName": "Viewer",
        "version": "1.2.3",
        "versionMatch": "Greater Than",
    }


def test_tell__uninstall_software_of_any_version__has_no_such_condition() -> None:
    body = bodies.uninstall_software(unInstallRegistryKey=..., unInstallSoftwareVersion="")

    assert told(body)["uninstall"] == {"key": None, "displayName": "Viewer", "version": None, "versionMatch": None}


def test_tell__reboot__has_nothing_to_run() -> None:
    step = told(bodies.reboot())

    assert step == COMMON | {"action": "System Reboot", "stage": "pre", "reboot": {}}


@pytest.mark.parametrize(
    "body", [bodies.install_software, bodies.registry_key, bodies.uninstall_software, bodies.reboot]
)
def test_tell__what_is_no_run_script__has_no_script_that_an_older_agent_would_run(body: Any) -> None:
    step = told(body() | ({"script": encoded("x"), "scriptType": "ps"} if body is bodies.install_software else {}))

    assert "script" not in step


def test_kinds__each_that_a_client_may_name__can_be_told() -> None:
    assert actions.KINDS.keys() == set(ActionKind)


@pytest.mark.parametrize("platform", ["Windows", "Linux"])
def test_answer__remediation_scope__is_there_on_linux(platform: str) -> None:
    shown = stored(bodies.run_script()) | {"actionType": "predeploy"}

    params = actions.answer(shown, platform=platform)["params"]

    scope = {"remediationScope": False} if platform == "Linux" else {}
    assert params == {"actionItem": "an item", "timeout": 180} | scope
