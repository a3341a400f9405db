"""What an action's body may say, and where it is told what is wrong."""

from typing import Any

import pytest

import actions
from actions import Action, ScriptPath
from actions.kinds import BuiltIn, InstallMethod, RegistryValueType, VersionMatch
from core.shapes import check, parse
from tests.actions.bodies import (
    CHECKSUM,
    EVERY,
    encoded,
    install_software,
    make_cache,
    reboot,
    registry_key,
    run_script,
    uninstall_software,
)

CUSTOMER = "7f1e8c1c-0000-4000-8000-00000000000a"
ACTION = "7f1e8c1c-0000-4000-8000-00000000000b"


def wrong(body: dict[str, Any]) -> dict[str, str]:
    """Field → code of all that is wrong with a body."""
    _, problems = check(Action, body)
    return {one.field: one.code for one in problems}


@pytest.mark.parametrize("body", EVERY)
def test_action__good_body_of_each_kind__has_no_problems(body: Any) -> None:
    assert wrong(body()) == {}


MISTAKES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({}, {"action": "required", "params.actionItem": "required"}),
    (run_script() | {"action": "Dance"}, {"action": "invalid"}),
    (run_script() | {"params": 5}, {"params": "invalid"}),
    (run_script(actionItem=...), {"params.actionItem": "required"}),
    (run_script(actionItem=""), {"params.actionItem": "required"}),
    (run_script(actionItem="x" * 257), {"params.actionItem": "invalid"}),
    (run_script(timeout=0), {"params.timeout": "invalid"}),
    (run_script(timeout=-1), {"params.timeout": "invalid"}),
    (run_script(timeout=86_401), {"params.timeout": "invalid"}),
    (run_script(tmeout=1), {"params.tmeout": "unknown_key"}),
    (run_script() | {"actionItem": "another"}, {"actionItem": "excludes"}),
    (run_script() | {"script": None}, {"script": "required"}),
    (run_script() | {"script": ""}, {"script": "required"}),
    (run_script() | {"script": "%%"}, {"script": "invalid"}),
    (run_script() | {"script": "ZWNobw"}, {"script": "invalid"}),
    (run_script() | {"script": "../../etc/passwd"}, {"script": "invalid"}),
    (run_script() | {"script": "default/MakeTea/maketea"}, {"script": "invalid"}),
    (run_script() | {"script": "-" * 36 + f"/{ACTION}/Script"}, {"script": "invalid"}),
    (run_script() | {"script": encoded("x" * (512 * 1024 + 1))}, {"script": "invalid"}),
    (run_script() | {"scriptType": None}, {"scriptType": "required"}),
    (run_script() | {"scriptType": "py"}, {"scriptType": "invalid"}),
    (run_script() | {"detectionScript": encoded("x")}, {"detectionScript": "excludes"}),
    (run_script(installMethod=1), {"params.installMethod": "excludes"}),
    (run_script(regKey=encoded("HKLM\\a"), regKeyAddNew=True),
     {"params.regKey": "excludes", "params.regKeyAddNew": "excludes"}),
    (run_script(defaultScriptType="MakeCoffee"), {"params.defaultScriptType": "invalid"}),
    (run_script(defaultScriptType="MakeCache"), {"script": "excludes"}),
    (make_cache() | {"scriptType": "ps"}, {"scriptType": "invalid"}),
    (install_software(installMethod=7), {"params.installMethod": "invalid"}),
    (install_software(downloadURL=..., fileChecksum=None, installMethod=""),
     {"params.downloadURL": "required", "params.fileChecksum": "required", "params.installMethod": "required"}),
    # A mistake in one param does not hide what lacks beside it.
    (install_software(downloadURL="ftp://x", fileChecksum=..., installMethod=0, timeout="soon"),
     {"params.downloadURL": "invalid", "params.fileChecksum": "required", "params.timeout": "invalid",
      "script": "required"}),
    (install_software(downloadURL="https://"), {"params.downloadURL": "invalid"}),
    (install_software(downloadURL="https://a b/c"), {"params.downloadURL": "invalid"}),
    (install_software(downloadURL="https://[::1/x"), {"params.downloadURL": "invalid"}),
    (install_software(downloadURL="https://a:99999/x"), {"params.downloadURL": "invalid"}),
    (install_software(downloadURL="https://me:secret@a/x"), {"params.downloadURL": "invalid"}),
    (install_software(fileChecksum=CHECKSUM[:-1]), {"params.fileChecksum": "invalid"}),
    (install_software(fileChecksum=CHECKSUM[:-1] + "g"), {"params.fileChecksum": "invalid"}),
    (install_software() | {"script": encoded("x")}, {"scriptType": "required"}),
    (install_software() | {"detectionScript": encoded("x")}, {"detectionScriptType": "required"}),
    (install_software() | {"detectionScript": "default/MakeCache/makecache", "detectionScriptType": "sh"},
     {"detectionScript": "invalid"}),
    (install_software(defaultScriptType="MakeCache"), {"params.defaultScriptType": "excludes"}),
    (install_software() | {"defaultScriptType": "MakeCache"}, {"defaultScriptType": "excludes"}),
    (registry_key(regKey=..., regValue=None, regValueType=""),
     {"params.regKey": "required", "params.regValue": "required", "params.regValueType": "required"}),
    (registry_key(regKey=encoded("SOFTWARE\\a")), {"params.regKey": "invalid"}),
    (registry_key(regKey="HKLM\\a"), {"params.regKey": "invalid"}),
    (registry_key(regKey="SABLAEwATQBcAGEA"), {"params.regKey": "invalid"}),  # UTF-16
    (registry_key(regKey="/w=="), {"params.regKey": "invalid"}),
    (registry_key(regValue=encoded("one")), {"params.regValue": "invalid"}),
    (registry_key(regValue=""), {"params.regValue": "invalid"}),
    (registry_key(regValueType="REG_LINK"), {"params.regValueType": "invalid"}),
    (registry_key(regKeyAddNew="maybe"), {"params.regKeyAddNew": "invalid"}),
    (registry_key() | {"script": encoded("x"), "scriptType": "ps"}, {"script": "excludes"}),
    (uninstall_software(unInstallRegistryKey=..., unInstallSoftwareDisplayName=""),
     {"params.unInstallRegistryKey": "required"}),
    (uninstall_software(unInstallRegistryKey=encoded("a\\\\b")), {"params.unInstallRegistryKey": "invalid"}),
    (uninstall_software(unInstallSoftwareVersion=..., unInstallSoftwareVersionMatch="Less Than"),
     {"params.unInstallSoftwareVersion": "required"}),
    (uninstall_software(unInstallSoftwareVersionMatch="Resembles"),
     {"params.unInstallSoftwareVersionMatch": "invalid"}),
    (reboot() | {"script": encoded("x")}, {"script": "excludes"}),
    (reboot(actionItem=...), {"params.actionItem": "required"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), MISTAKES)
def test_action__with_mistakes__tells_each_at_its_place(body: dict[str, Any], expected: dict[str, str]) -> None:
    assert wrong(body) == expected


def test_action__keys_that_only_the_server_sets__are_ignored() -> None:
    own = {"actionType": 5, "actionLinkedToJob": "x", "downloadProtocol": 9, "actionId": "nobody's"}
    body = run_script(remediationScope={"a": 1}) | own

    assert wrong(body) == {}


@pytest.mark.parametrize("body", [run_script(), reboot(), registry_key(), uninstall_software()])
def test_action__every_key_sent_empty__says_nothing(body: dict[str, Any]) -> None:
    params = ("downloadURL", "installMethod", "regValueType", "unInstallSoftwareVersion", "defaultScriptType")
    empty = {key: "" for key in params if key not in body["params"]} | {"regKeyAddNew": False}

    blank = {"detectionScript": "", "detectionScriptType": None, "defaultScriptType": None}
    assert wrong(body | blank | {"params": empty | body["params"]}) == {}


def test_action__words_in_any_spelling__come_back_in_one() -> None:
    sent = registry_key(regValueType="reg-dword", regKeyAddNew="TRUE", timeout="60") | {"action": "change_registry_key"}
    installer = install_software(installMethod="0", fileChecksum=CHECKSUM.upper()) | {
        "script": "eA==",
        "scriptType": "PS",
    }
    removed = uninstall_software(unInstallSoftwareVersionMatch="less_than_or_equals")

    assert parse(Action, sent).params.reg_value_type is RegistryValueType.DWORD
    assert actions.stored_params(parse(Action, sent))["regKeyAddNew"] is True
    assert parse(Action, sent).params.timeout == 60
    assert parse(Action, installer).params.install_method is InstallMethod.SCRIPT
    assert parse(Action, installer).params.file_checksum == CHECKSUM
    assert parse(Action, removed).params.un_install_software_version_match is VersionMatch.LESS_THAN_OR_EQUALS


@pytest.mark.parametrize(("part", "field"), [("Script", "script"), ("DetectionScript", "detection_script")])
def test_action__script_path__names_a_stored_script(part: str, field: str) -> None:
    path = f" {CUSTOMER}/{ACTION.upper()}/{part} "

    found = parse(Action, run_script() | {"script": path}).script

    assert isinstance(found, ScriptPath)
    assert (str(found.customer_id), str(found.action_id), found.field) == (CUSTOMER, ACTION, field)


@pytest.mark.parametrize(
    "body",
    [
        make_cache(),
        make_cache(defaultScriptType=...) | {"defaultScriptType": "make_cache"},
        make_cache(defaultScriptType=...) | {"script": "default/MakeCache/makecache"},
        make_cache() | {"script": "default/MakeCache/makecache", "scriptType": "sh"},
        make_cache() | {"script": None},
    ],
)
def test_action__make_cache_in_each_of_its_places__is_the_same(body: dict[str, Any]) -> None:
    action = parse(Action, body)

    assert actions.stored_params(action)["defaultScriptType"] == BuiltIn.MAKE_CACHE
    assert actions.stored_script(action, "script") is None


def test_stored_params__are_those_of_the_kind_with_defaults() -> None:
    assert actions.stored_params(parse(Action, run_script(regKeyAddNew=False))) == {
        "actionItem": "an item",
        "timeout": 180,
    }
    assert actions.stored_params(parse(Action, registry_key(regKeyAddNew=...)))["regKeyAddNew"] is False
    nothing = uninstall_software(unInstallSoftwareVersion="", unInstallSoftwareVersionMatch=...)
    assert actions.stored_params(parse(Action, nothing)) == {
        "actionItem": "an item",
        "timeout": 180,
        "unInstallRegistryKey": encoded(r"HKLM\SOFTWARE\Uninstall\Viewer"),
        "unInstallSoftwareDisplayName": "Viewer",
        "unInstallSoftwareVersion": "",
        "unInstallSoftwareVersionMatch": None,
    }
