"""Uninstall Software: find software by its registry key or its name, and run its own uninstaller."""

from collections.abc import Mapping
from typing import Any

from actions import registry, scripts, telling
from actions.kinds import WINDOWS, ActionKind, VersionMatch
from core.errors import MISSING
from core.shapes import Report, Values

KIND = ActionKind.UNINSTALL_SOFTWARE
PLATFORM = WINDOWS
PARAMS = (
    "un_install_registry_key",
    "un_install_software_display_name",
    "un_install_software_version",
    "un_install_software_version_match",
)
DEFAULTS: Mapping[str, Any] = dict.fromkeys(PARAMS)
_NAMES = PARAMS[:2]


def check(action: Values, params: Values, report: Report) -> None:
    """Something must say which software it is."""
    for field in scripts.FIELDS:
        scripts.refuse(field, action, report, kind=KIND)
    if params.sound(*_NAMES) and not any(params.get(name) for name in _NAMES):
        message = "is required where unInstallSoftwareDisplayName does not say which software it is"
        report.add("params.unInstallRegistryKey", "required", message, MISSING)
    if (key := params.get("un_install_registry_key")) is not None:
        _check_key(key, report)
    if params.get("un_install_software_version_match") and not params.get("un_install_software_version"):
        _check_version(params, report)


def _check_key(key: bytes, report: Report) -> None:
    try:
        registry.key_or_below_machine(key.decode())
    except ValueError as wrong:
        report.add("params.unInstallRegistryKey", "invalid", f"once decoded, {wrong}")


def _check_version(params: Values, report: Report) -> None:
    """`Equals` nothing is any version, as clients send it that fill in every key; any other match needs one."""
    needed = params.get("un_install_software_version_match") != VersionMatch.EQUALS
    if needed and params.sound("un_install_software_version"):
        message = "is required with unInstallSoftwareVersionMatch"
        report.add("params.unInstallSoftwareVersion", "required", message, MISSING)


def answer(action: Mapping[str, Any]) -> dict[str, Any]:
    """No script keys."""
    return {}


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """Decoded; null is no condition."""
    params = action["params"]
    key, version = params.get("unInstallRegistryKey"), params.get("unInstallSoftwareVersion")
    match = params.get("unInstallSoftwareVersionMatch") or VersionMatch.EQUALS
    return {
        "uninstall": {
            "key": registry.key_or_below_machine(telling.text(key)) if key else None,
            "displayName": params.get("unInstallSoftwareDisplayName") or None,
            "version": version or None,
            "versionMatch": match if version else None,
        }
    }
