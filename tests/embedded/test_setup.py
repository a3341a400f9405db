"""scripts/setup: quick when there is nothing to do, clear when it cannot help."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from embedded.files import ROOT


@pytest.fixture
def clone(tmp_path) -> Path:
    """A bare clone, as far as the script is concerned."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "setup", tmp_path / "scripts")
    (tmp_path / "requirements-dev.lock").write_text("")
    return tmp_path


def set_up(clone: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "scripts" / "setup"],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_setup__all_done__is_quick_and_silent(clone):
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    digest = hashlib.sha256((clone / "requirements-dev.lock").read_bytes()).hexdigest()
    (clone / ".venv" / ".made-from").write_text(f"{digest}\n")
    began = time.monotonic()

    done = set_up(clone)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 2


def test_setup__empty_lock__makes_an_environment_once(clone):
    done = set_up(clone, PYTHON=sys.executable)

    assert "done: .venv" in done.stderr
    assert (clone / ".venv" / "bin" / "python").exists()
    assert set_up(clone).stderr == ""
