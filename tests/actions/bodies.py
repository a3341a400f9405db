"""Actions as clients send them, one good body for each kind."""

import base64
from typing import Any

CHECKSUM = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def encoded(text: str) -> str:
    """Base64 of UTF-8."""
    return base64.b64encode(text.encode()).decode()


def _body(action: str, own: dict[str, Any], params: dict[str, Any], **more: Any) -> dict[str, Any]:
    merged = {"actionItem": "an item"} | own | params
    return {"action": action, "params": {key: value for key, value in merged.items() if value is not ...}} | more


def run_script(script_type: str = "ps", **params: Any) -> dict[str, Any]:
    """`...` for a param takes it away, here and below."""
    return _body("Run Script", {}, params, script=encoded("echo hello"), scriptType=script_type)


def make_cache(**params: Any) -> dict[str, Any]:
    return _body("Run Script", {"defaultScriptType": "MakeCache"}, params, script="")


def install_software(**params: Any) -> dict[str, Any]:
    own = {"downloadURL": "https://downloads.example.com/x.msi", "fileChecksum": CHECKSUM, "installMethod": 1}
    return _body("Install Software", own, params)


def registry_key(**params: Any) -> dict[str, Any]:
    own = {
        "regKey": encoded(r"HKLM\SOFTWARE\Example"),
        "regValue": encoded("1"),
        "regValueType": "REG_DWORD",
        "regKeyAddNew": True,
    }
    return _body("Change Registry Key", own, params)


def uninstall_software(**params: Any) -> dict[str, Any]:
    own = {
        "unInstallRegistryKey": encoded(r"HKLM\SOFTWARE\Uninstall\Viewer"),
        "unInstallSoftwareDisplayName": "Viewer",
        "unInstallSoftwareVersion": "1.2.3",
        "unInstallSoftwareVersionMatch": "Equals",
    }
    return _body("Uninstall Software", own, params)


def reboot(**params: Any) -> dict[str, Any]:
    return _body("System Reboot", {}, params, script="", scriptType="ps")


EVERY = (run_script, make_cache, install_software, registry_key, uninstall_software, reboot)
