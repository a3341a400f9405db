"""What a failed step printed, boiled down to what is the same on every host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.causes import MAX_LENGTH, cause_of

DPKG = """\
Setting up acme-app (2.0) ...
dpkg: error processing package acme-app (--configure):
 installed acme-app package post-installation script subprocess returned error exit status 1
E: Sub-process /usr/bin/dpkg returned an error code (1)
"""
PYTHON = """\
Traceback (most recent call last):
  File "/opt/acme/failed.py", line 3, in <module>
FileNotFoundError: [Errno 2] No such file or directory: '/etc/acme/x.conf'
"""


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("", ""),
        ("\n  \n", ""),
        ("one\ntwo 2\n", "two <n>"),
        (DPKG, "dpkg: error processing package acme-app (--configure):"),
        (PYTHON, "FileNotFoundError: [Errno <n>] No such file or directory: '…/x.conf'"),
        ("\x1b[31mcannot write\x1b[0m\tC:\\Temp\\a b.log\x07", "cannot write …/a b.log"),
        (
            "2026-11-22T10:00:00Z 10.1.2.3:80 failed: https://10.1.2.3/x?y=1 deadbeef01",
            "<time> <address> failed: <url> <id>",
        ),
        ("W: 7 of 9", "W: <n> of <n>"),
    ],
)
def test_cause__of_an_output__is_the_line_that_tells_most(output: str, cause: str) -> None:
    assert cause_of(output) == cause


@given(
    numbers=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)),
    folders=st.tuples(*(st.lists(st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True), min_size=1, max_size=4),) * 2),
)
def test_cause__on_two_hosts_with_paths_and_numbers_of_their_own__is_the_same(
    numbers: tuple[int, int], folders: tuple[list[str], list[str]]
) -> None:
    first, second = (
        cause_of(f"ok\nerror {number}: cannot open /{'/'.join(folder)}/app.conf ({number} bytes)\nbye")
        for number, folder in zip(numbers, folders, strict=True)
    )

    assert first == second == "error <n>: cannot open …/app.conf (<n> bytes)"


@given(st.text(max_size=2_000))
def test_cause__of_anything__is_one_short_line_that_stays_as_it_is(output: str) -> None:
    cause = cause_of(output)

    assert len(cause) <= MAX_LENGTH
    assert cause.isprintable() or not any(ord(character) < 32 for character in cause)
    assert not any(character.isdigit() and character.isascii() for character in cause)
    assert cause == cause.strip()
