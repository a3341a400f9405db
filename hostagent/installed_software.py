"""What stands below Windows' Uninstall keys, and how one of it is found and removed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hostagent import figures
from hostagent.windows_steps import UninstallStep

_OTHER_VIEW = r"\SOFTWARE\WOW6432NODE" + "\\"
_PRODUCT_CODE = re.compile(r"\{[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_INNO = re.compile(r"unins[0-9]{3}\.exe", re.IGNORECASE)
_NSIS = re.compile(r"(au_|un|uninst|uninstall[^\\]*)\.exe", re.IGNORECASE)
_PROGRAM = re.compile(
    r'\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>.*?\.(?:exe|cmd|bat|com))(?=\s|$)|(?P<word>\S+))(?P<rest>.*)', re.I | re.S
)


@dataclass(frozen=True)
class Software:
    """One piece of installed software. `key` is its own key in full; `architecture` is `x64` or `x86` by its view."""

    key: str
    name: str
    version: str
    architecture: str
    quiet_uninstall: str = ""
    uninstall: str = ""
    by_windows_installer: bool = False

    @property
    def product_code(self) -> str | None:
        """Of software that Windows Installer looks after."""
        last = self.key.rpartition("\\")[2]
        return last if self.by_windows_installer and _PRODUCT_CODE.fullmatch(last) else None


def fits(software: Software, wanted: UninstallStep) -> bool:
    """Whether this is what is to be removed: by its key and its name, where they are told, and by its version."""
    by_key = wanted.key is None or _folded(wanted.key) == _folded(software.key)
    by_name = wanted.display_name is None or _squeezed(wanted.display_name) == _squeezed(software.name)
    return by_key and by_name and version_fits(software.version, wanted.version, wanted.version_match)


def version_fits(there: str, wanted: str | None, match: str | None) -> bool:
    """Whether a version is one of those meant. KeyError for a word that is none of the protocol's."""
    return not wanted or _MATCHES[match or "Equals"](there.strip(), wanted.strip())


def silent_uninstall(software: Software) -> str | None:
    """The command line that removes it without a question; None where nobody knows one."""
    if software.product_code:
        return f"msiexec.exe /x {software.product_code} /qn /norestart"
    if software.quiet_uninstall.strip():
        return _quoted(software.quiet_uninstall)
    return _silenced(software.uninstall)


def program(command_line: str) -> tuple[str, str]:
    """(the program, all that follows it) of a command line, whose program may hold blanks without being quoted."""
    found = _PROGRAM.fullmatch(command_line)
    if found is None:
        return "", ""
    return found["quoted"] or found["bare"] or found["word"], found["rest"].strip()


def _silenced(command_line: str) -> str | None:
    """By the options of the makers of installers that can be told from their programs' names."""
    path, rest = program(command_line)
    name = path.rpartition("\\")[2]
    if name.casefold() in ("msiexec.exe", "msiexec") and (code := _PRODUCT_CODE.search(rest)):
        return f"msiexec.exe /x {code[0]} /qn /norestart"
    if _INNO.fullmatch(name):
        return f'"{path}" {rest} /VERYSILENT /SUPPRESSMSGBOXES /NORESTART'.replace("  ", " ")
    if _NSIS.fullmatch(name):
        return f'"{path}" {rest} /S'.replace("  ", " ")
    return None


def _quoted(command_line: str) -> str:
    path, rest = program(command_line)
    return f'"{path}" {rest}'.strip()


def _folded(key: str) -> str:
    r"""Both views of a key are one: `…\WOW6432Node\Microsoft` is where 32-bit programs see `…\Microsoft`."""
    return key.strip().strip("\\").upper().replace(_OTHER_VIEW, "\\SOFTWARE\\")


def _squeezed(name: str) -> str:
    return " ".join(name.split()).casefold()


_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda there, wanted: figures.compare(there, wanted) == 0,
    "Not Equals": lambda there, wanted: figures.compare(there, wanted) != 0,
    "Less Than": lambda there, wanted: figures.compare(there, wanted) < 0,
    "Less Than Or Equals": lambda there, wanted: figures.compare(there, wanted) <= 0,
    "Greater Than": lambda there, wanted: figures.compare(there, wanted) > 0,
    "Greater Than Or Equals": lambda there, wanted: figures.compare(there, wanted) >= 0,
    "Contains": lambda there, wanted: wanted.casefold() in there.casefold(),
    "Starts With": lambda there, wanted: there.casefold().startswith(wanted.casefold()),
}
