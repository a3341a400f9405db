"""Install Software: fetch a file, check it, and install it by a script or by itself."""

from collections.abc import Mapping
from typing import Any

from actions import scripts, telling
from actions.kinds import ActionKind, InstallMethod
from actions.requiring import need_params
from core.shapes import Report, Values

KIND = ActionKind.INSTALL_SOFTWARE
PARAMS = ("download_url", "file_checksum", "install_method")


def check(action: Values, params: Values, report: Report) -> None:
    """The file, its digest and how it is installed. A script is required by method 0, and may be there with 1."""
    need_params(PARAMS, params, report)
    if params.get("install_method") == InstallMethod.SCRIPT:
        scripts.need("script", action, report)
    else:
        scripts.need_type("script", action, report)
    scripts.need_type("detection_script", action, report)
    for field in scripts.FIELDS:
        scripts.refuse_built_in(field, action, report)


def answer(action: Mapping[str, Any]) -> dict[str, Any]:
    """Both scripts' paths and types. Files are fetched by https and nothing else, which is protocol 0."""
    names = ("script", "scriptType", "detectionScript", "detectionScriptType")
    return {name: action[name] for name in names} | {"downloadProtocol": 0}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """What to fetch and how to go on. The scripts stand apart, lest an older agent run one without the file."""
    params = action["params"]
    by_script = params["installMethod"] == InstallMethod.SCRIPT
    return {
        "install": {
            "url": params["downloadURL"],
            "sha256": params["fileChecksum"],
            "method": "script" if by_script else "installer",
            "detection": telling.script_or_none(action, "detectionScript"),
            "script": telling.script_or_none(action, "script"),
        }
    }
