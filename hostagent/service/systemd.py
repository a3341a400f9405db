"""A unit of systemd's: written, enabled, started; and stopped, disabled, removed."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hostagent.errors import AgentError
from hostagent.files import write_atomically

NAME = "hostagent.service"
_TEMPLATE = Path(__file__).parent / NAME
_SOURCES = Path(__file__).parents[2]


@dataclass(frozen=True)
class Places:
    """What the unit is about. `prefix` stands for `/`; where it is another folder, systemd itself is not told."""

    home: Path
    prefix: Path = Path("/")
    log_bytes: int = 1_000_000
    log_files: int = 3

    @property
    def unit(self) -> Path:
        """Where the unit goes."""
        return self.prefix / "etc/systemd/system" / NAME

    @property
    def is_real(self) -> bool:
        """Whether this is the machine itself."""
        return self.prefix.resolve() == Path("/")


def is_here() -> bool:
    """Whether systemd looks after this machine."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def install(places: Places) -> Path:
    """Write the unit, enable it and start it; where it is. AgentError where systemd cannot be told."""
    if places.is_real and not is_here():
        raise AgentError("systemd does not look after this machine; start `hostagent launch` by what does")
    places.unit.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(places.unit, text(places).encode())
    places.unit.chmod(0o644)
    if places.is_real:
        _systemctl("daemon-reload")
        _systemctl("enable", "--now", NAME)
    return places.unit


def remove(places: Places) -> bool:
    """Stop and forget the unit; whether there was one."""
    if not places.unit.exists():
        return False
    if places.is_real and is_here():
        _systemctl("disable", "--now", NAME)
    places.unit.unlink()
    if places.is_real and is_here():
        _systemctl("daemon-reload")
    return True


def status() -> tuple[bool, bool]:
    """Whether it is installed, and whether it runs."""
    installed = _says("is-enabled", NAME)
    return installed, _says("is-active", NAME)


def text(places: Places) -> str:
    """The unit."""
    values = {
        "PYTHON": sys.executable,
        "HOME": str(places.home.resolve()),
        "SOURCES": str(_SOURCES),
        "LOG_BYTES": str(places.log_bytes),
        "LOG_FILES": str(places.log_files),
    }
    unit = _TEMPLATE.read_text()
    for name, value in values.items():
        if any(sign in value for sign in " \t\n\"'\\%$"):
            raise AgentError(f"{value!r} has a blank or a sign in it that a unit cannot have: use another path")
        unit = unit.replace(f"@{name}@", value)
    return unit


def _says(verb: str, unit: str) -> bool:
    return subprocess.run(["systemctl", "--quiet", verb, unit], capture_output=True, check=False).returncode == 0


def _systemctl(*arguments: str) -> None:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise AgentError(f"systemctl {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
