"""Which actions have a place where."""

from typing import Any

import pytest

from actions import Action, misplaced
from core.shapes import Report
from core.shapes.reading import _read_shape
from tests.actions.bodies import (
    encoded,
    install_software,
    make_cache,
    reboot,
    registry_key,
    run_script,
    uninstall_software,
)

WINDOWS, LINUX, PRE, POST = "Windows", "Linux", "predeploy", "postdeploy"
SH = {"script": encoded("x"), "scriptType": "sh"}
BOTH = {"detectionScript": encoded("x"), "detectionScriptType": "ps"}


@pytest.mark.parametrize(
    ("body", "platform", "stage", "places"),
    [
        (run_script("ps"), WINDOWS, PRE, []),
        (run_script("ps"), WINDOWS, POST, []),
        (run_script("ps"), LINUX, PRE, ["scriptType"]),
        (run_script("sh"), LINUX, POST, []),
        (run_script("sh"), WINDOWS, POST, ["scriptType"]),
        (run_script("sh"), None, POST, []),
        (make_cache(), LINUX, PRE, []),
        (make_cache(), LINUX, POST, ["params.defaultScriptType"]),
        (make_cache(), WINDOWS, PRE, ["params.defaultScriptType"]),
        (make_cache(defaultScriptType=...) | {"defaultScriptType": "MakeCache"}, WINDOWS, PRE, ["defaultScriptType"]),
        (make_cache(defaultScriptType=...) | {"script": "default/MakeCache/makecache"}, LINUX, POST, ["script"]),
        (install_software(), WINDOWS, POST, []),
        (install_software(), LINUX, PRE, []),
        (install_software() | SH | BOTH, LINUX, PRE, ["detectionScriptType"]),
        (install_software() | SH | BOTH, WINDOWS, PRE, ["scriptType"]),
        (registry_key(), WINDOWS, POST, []),
        (registry_key(), LINUX, POST, ["action"]),
        (registry_key(), None, POST, []),
        (uninstall_software(), WINDOWS, PRE, []),
        (uninstall_software(), LINUX, PRE, ["action"]),
        (reboot(), WINDOWS, PRE, []),
        (reboot(), WINDOWS, POST, ["action"]),
        (reboot(), None, POST, ["action"]),
        (reboot() | {"scriptType": "sh"}, LINUX, PRE, []),
        # What is in error elsewhere is looked at all the same.
        (reboot(timeout="soon", actionItem=...), WINDOWS, POST, ["action"]),
        (run_script("sh", timeout=0), WINDOWS, PRE, ["scriptType"]),
        ({"action": "Dance"}, WINDOWS, PRE, []),
    ],
)
def test_misplaced__names_what_has_no_place(body: Any, platform: str | None, stage: str, places: list[str]) -> None:
    report = Report()
    _read_shape(Action, body, "", report)
    action = report.inner("")
    assert action is not None

    found = list(misplaced(action, report.inner("params"), platform=platform, stage=stage))

    assert [place for place, _ in found] == places
    assert all(message for _, message in found)
