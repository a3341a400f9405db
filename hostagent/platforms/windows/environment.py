"""What children are told of the machine."""

import os
from pathlib import Path

# Windows' own: its programs do not start, or look in the wrong places, without them.
_NAMES = (
    "ALLUSERSPROFILE",
    "APPDATA",
    "COMMONPROGRAMFILES",
    "COMMONPROGRAMFILES(X86)",
    "COMMONPROGRAMW6432",
    "COMPUTERNAME",
    "COMSPEC",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "PROGRAMW6432",
    "PUBLIC",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "USERDOMAIN",
    "USERNAME",
    "USERPROFILE",
    "WINDIR",
)
SYSTEM = Path(os.environ["SYSTEMROOT"]) / "System32"
ROOT = Path(os.environ.get("SYSTEMDRIVE", "C:") + "\\")
_PATH = (SYSTEM, SYSTEM.parent, SYSTEM / "Wbem", SYSTEM / "WindowsPowerShell" / "v1.0")


def environment() -> dict[str, str]:
    """For every child: what is Windows' own of ours, and its own folders as the path."""
    kept = {name: os.environ[name] for name in _NAMES if name in os.environ}
    return kept | {"PATH": os.pathsep.join(map(str, _PATH))}
