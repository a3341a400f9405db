"""The file that installs a patch, as an import tells of it."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from core.errors import MISSING
from core.shapes import Report, Text, Values
from inventory.models import Installer

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAMES = ("download_url", "file_checksum", "installer", "installer_arguments")


def _url(value: str) -> str:
    """An https address of a file; a name and password in it would be told to every machine."""
    url = value.strip()
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        sound = False
    if url and (not sound or re.search(r"[\s\x00-\x1f\x7f]", url)):
        raise ValueError(
            "must be an https address without user and password, such as https://downloads.example.com/viewer.msi"
        )
    return url


def _checksum(value: str) -> str:
    digits = value.strip().lower()
    if digits and not _SHA256.fullmatch(digits):
        raise ValueError("must be the SHA-256 of the file, 64 hex digits")
    return digits


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of text")
    return value.strip()


FileUrl = Annotated[Text, AfterValidator(_url), Field(max_length=2000)]
Checksum = Annotated[
    Text, AfterValidator(_checksum), WithJsonSchema({"type": "string", "pattern": "^([0-9A-Fa-f]{64})?$"})
]
Arguments = Annotated[Text, AfterValidator(_one_line), Field(max_length=1000)]


def installer_is_whole(values: Values, report: Report) -> None:
    """A file is told with its digest, and of which kind it is, unless its name says so."""
    if not values.sound(*_NAMES):
        return
    if not values.get("download_url"):
        for name in _NAMES[1:]:
            if values.get(name):
                report.add(name, "invalid", "needs downloadURL beside it: it tells of that file")
        return
    if not values.get("file_checksum"):
        report.add("file_checksum", "required", "is required with downloadURL: agents run no other file", MISSING)
    if not kind_of(values.get("download_url"), values.get("installer")):
        message = "is required where the name in downloadURL does not end in .msi, .exe or .msu"
        report.add("installer", "required", message, MISSING)


def kind_of(url: str, told: Installer | None) -> str:
    """What kind of file it is: as told, or by its name; empty where neither says."""
    suffix = urlsplit(url).path.rpartition(".")[2].lower()
    return told or (suffix if suffix in Installer.values else "")
