"""The built-in script, run by a real shell with stand-ins for the package managers."""

import os
import subprocess
from pathlib import Path

import pytest

from actions import make_cache


def _run(folder: Path, **programs: int) -> tuple[int, str]:
    """Exit code and what was called, with these programs on the PATH, each ending with its code."""
    for name, code in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f'#!/bin/sh\necho "{program.name} $*"\nexit {code}\n')
        program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", make_cache.SCRIPT.decode()],
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("program", "called"),
    [
        ("apt_get", "apt-get -q -o APT::Update::Error-Mode=any update\n"),
        ("dnf", "dnf -q -y --refresh makecache\n"),
        ("zypper", "zypper --non-interactive refresh --force\n"),
        ("yum", "yum -q -y clean expire-cache\nyum -q -y makecache\n"),
    ],
)
@pytest.mark.parametrize("code", [0, 100])
def test_make_cache__refreshes_and_ends_with_the_package_managers_code(
    tmp_path: Path, program: str, called: str, code: int
) -> None:
    ended, output = _run(tmp_path, **{program: code})

    assert ended == code
    assert output == called if code == 0 else called.startswith(output)


def test_make_cache__yum_beside_dnf__is_left_alone(tmp_path: Path) -> None:
    assert _run(tmp_path, dnf=0, yum=0) == (0, "dnf -q -y --refresh makecache\n")


def test_make_cache__no_package_manager__fails(tmp_path: Path) -> None:
    assert _run(tmp_path) == (127, "")
