"""What Windows' Update Agent answers, read; it is not asked here."""

import json

import pytest

from hostagent import update_agent

SAID = json.dumps(
    [
        {
            "title": "2026-10 Cumulative Update (KB5031356)",
            "kbs": ["5031356"],
            "severity": "Critical",
            "cves": ["CVE-2026-1"],
            "bulletins": [],
            "categories": ["Security Updates", "Windows 11"],
            "reboot": 1,
        },
        {
            "title": "Definition",
            "kbs": [],
            "severity": None,
            "cves": [],
            "bulletins": [],
            "categories": [],
            "reboot": 0,
        },
        {"title": "Tool", "kbs": ["890830"], "severity": "Odd", "cves": None, "bulletins": None, "categories": None},
    ]
)


def test_missing__what_has_a_kb__is_told_as_updates() -> None:
    first, second = update_agent.missing(SAID)

    assert (first["package"], first["fromVersion"], first["toVersion"]) == ("KB5031356", "0", "1")
    assert (first["severity"], first["cves"], first["category"]) == ("Critical", ["CVE-2026-1"], "Security Updates")
    assert first["rebootRequired"] is True
    assert (second["package"], second["severity"], second["cves"], second["rebootRequired"]) == (
        "KB890830",
        None,
        [],
        False,
    )


@pytest.mark.parametrize("said", ["no JSON", '{"a": 1}'])
def test_missing__not_understood__raises(said: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        update_agent.missing(said)


def test_installed__other_words__are_no_kbs() -> None:
    assert update_agent.installed("KB5031356 File KB1 kb5031357 KB890830") == {"KB5031356", "KB890830"}


@pytest.mark.parametrize("kb", ["KB5031356'; Remove-Item", "5031356", "KB", ""])
def test_number_of__anything_else__never_becomes_part_of_a_script(kb: str) -> None:
    with pytest.raises(ValueError, match="no KB number"):
        update_agent.number_of(kb)
