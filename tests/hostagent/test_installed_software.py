"""Which software is meant, and how it is removed without a question."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostagent import figures
from hostagent.installed_software import Software, fits, program, silent_uninstall, version_fits
from hostagent.windows_steps import UninstallStep
from inventory.versions import version_key
from tests.properties import FACTOR

UNINSTALL = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
CODE = "{11111111-2222-4333-8444-000000000100}"
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}([a-z]{1,2})?", fullmatch=True)


def software(**told: object) -> Software:
    base: dict[str, object] = {"key": f"{UNINSTALL}\\Viewer", "name": "Viewer", "version": "2.0", "architecture": "x64"}
    return Software(**base | told)  # type: ignore[arg-type]


def wanted(**told: str) -> UninstallStep:
    nothing: dict[str, object] = dict.fromkeys(("key", "display_name", "version", "version_match"))
    return UninstallStep(**{"number": 1, "stage": "pre", "timeout": 60, **nothing, **told})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"display_name": "VIEWER"}, True),
        ({"display_name": " Viewer "}, True),
        ({"display_name": "View"}, False),
        ({"key": f"{UNINSTALL}\\viewer"}, True),
        ({"key": f"{UNINSTALL}\\viewer\\"}, True),
        ({"key": UNINSTALL.replace("SOFTWARE", r"Software\Wow6432Node") + "\\Viewer"}, True),
        ({"key": UNINSTALL.replace("LOCAL_MACHINE", "CURRENT_USER") + "\\Viewer"}, False),
        ({"key": f"{UNINSTALL}\\Viewer", "display_name": "Editor"}, False),
        ({"display_name": "Viewer", "version": "2", "version_match": "Equals"}, True),
        ({"display_name": "Viewer", "version": "3", "version_match": "Equals"}, False),
    ],
)
def test_fits__key_name_and_version__must_all_be_right(told: dict[str, str], expected: bool) -> None:
    assert fits(software(), wanted(**told)) is expected


@pytest.mark.parametrize(
    ("match", "below", "same", "above"),
    [
        ("Equals", False, True, False),
        ("Not Equals", True, False, True),
        ("Less Than", True, False, False),
        ("Less Than Or Equals", True, True, False),
        ("Greater Than", False, False, True),
        ("Greater Than Or Equals", False, True, True),
    ],
)
def test_version_fits__figures__compare_as_numbers(match: str, below: bool, same: bool, above: bool) -> None:
    assert [version_fits(there, "1.10", match) for there in ("1.9", "1.10.0", "1.11")] == [below, same, above]


@pytest.mark.parametrize(
    ("match", "wanted_version", "expected"),
    [("Contains", "0.1", True), ("Contains", "9", False), ("Starts With", "10.", True), ("Starts With", "0", False)],
)
def test_version_fits__text__is_looked_for(match: str, wanted_version: str, expected: bool) -> None:
    assert version_fits("10.0.1 Beta", wanted_version, match) is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            {"key": f"{UNINSTALL}\\{CODE}", "by_windows_installer": True, "quiet_uninstall": "evil.exe"},
            f"msiexec.exe /x {CODE} /qn /norestart",
        ),
        ({"uninstall": f"MsiExec.exe /I{CODE}"}, f"msiexec.exe /x {CODE} /qn /norestart"),
        (
            {"quiet_uninstall": r"C:\Program Files\Viewer\gone.exe /quiet"},
            r'"C:\Program Files\Viewer\gone.exe" /quiet',
        ),
        (
            {"uninstall": r'"C:\Program Files\Viewer\unins000.exe"'},
            r'"C:\Program Files\Viewer\unins000.exe" /VERYSILENT /SUPPRESSMSGBOXES /NORESTART',
        ),
        ({"uninstall": r"C:\Program Files\Viewer\uninstall.exe"}, r'"C:\Program Files\Viewer\uninstall.exe" /S'),
        ({"uninstall": r"C:\Viewer\remove.exe --all"}, None),
        ({}, None),
    ],
)
def test_silent_uninstall__each_maker__is_asked_in_its_own_way(told: dict[str, object], expected: str | None) -> None:
    assert silent_uninstall(software(**told)) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r'"C:\a b\c.exe" /x "y z"', (r"C:\a b\c.exe", '/x "y z"')),
        (r"C:\a b\c.exe /x", (r"C:\a b\c.exe", "/x")),
        (r"C:\a.b\c.exe", (r"C:\a.b\c.exe", "")),
        ("rundll32 a,b", ("rundll32", "a,b")),
        ("", ("", "")),
    ],
)
def test_program__blanks_without_quotes__are_still_its_path(line: str, expected: tuple[str, str]) -> None:
    assert program(line) == expected


@given(VERSIONS, VERSIONS)
@settings(max_examples=200 * FACTOR, deadline=None)
def test_figures__any_two_versions__sort_as_the_catalogue_sorts_them(first: str, second: str) -> None:
    one, other = version_key("windows", first), version_key("windows", second)
    assert one is not None
    assert other is not None

    assert figures.compare(first, second) == (one > other) - (one < other)


@pytest.mark.parametrize(
    ("older", "newer"), [("1.9", "1.10"), ("1", "1.0.1"), ("1.0", "1.0a"), ("2.0b", "2.1"), ("", "0.1")]
)
def test_figures__known_pairs__are_in_order(older: str, newer: str) -> None:
    assert figures.compare(older, newer) == -1
    assert figures.compare(newer, older) == 1
    assert figures.compare(f"{older}.0.0", older) == 0 if older else True
