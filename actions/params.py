"""The params of all kinds of actions. Which of them a kind takes, its own module says."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from actions.kinds import BuiltIn, InstallMethod, RegistryValueType, VersionMatch
from core.shapes import Base64Text, Flag, NotSet, ReadOnly, Shape, Text, WholeNumber, choice

DEFAULT_TIMEOUT = 180
LONGEST_TIMEOUT = 86_400
LONGEST_ITEM = 256
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_LONGEST_URL = 2048
_LONGEST_KEY = 4096
_LONGEST_VALUE = 64 * 1024


def _url(value: str) -> str:
    """An https address with a host, without the name and password that would stand in every manifest."""
    url = value.strip()
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError("must be an https address, such as https://downloads.example.com/viewer.msi")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or a password")
    return url


def _checksum(value: str) -> str:
    if not _SHA256.fullmatch(value.strip()):
        raise ValueError("must be the SHA-256 of the file, 64 hex digits")
    return value.strip().lower()


_Checksum = Annotated[
    Text, AfterValidator(_checksum), WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"})
]


def _text_of(longest: int) -> AfterValidator:
    """Text in UTF-8 of at most so many bytes."""

    def check(value: bytes) -> bytes:
        if len(value) > longest:
            raise ValueError(f"must be at most {longest} bytes when decoded, but is {len(value)}")
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = "\0"
        if "\0" in text:
            raise ValueError("must be the Base64 of text in UTF-8, not in UTF-16")
        return value

    return AfterValidator(check)


_Key = Annotated[Base64Text, _text_of(_LONGEST_KEY)]
_Value = Annotated[Base64Text, _text_of(_LONGEST_VALUE)]


class ActionParams(Shape):
    """What one action needs to know. Each kind takes its own of these; the others are refused, with where they go."""

    action_item: Annotated[
        Text | None,
        NotSet,
        Field(
            max_length=LONGEST_ITEM,
            description="Required. What the action is called; of Change Registry Key the name of the value. May also "
            "stand beside `action`.",
        ),
    ] = None
    timeout: Annotated[
        WholeNumber,
        Field(ge=1, le=LONGEST_TIMEOUT, description="Seconds after which it is ended, with all it started."),
    ] = DEFAULT_TIMEOUT
    default_script_type: Annotated[
        BuiltIn | None,
        choice(BuiltIn),
        Field(
            description="Run Script on Linux, before the patches: a built-in script. May also stand beside `action`."
        ),
    ] = None
    download_url: Annotated[
        Text | None,
        NotSet,
        AfterValidator(_url),
        Field(alias="downloadURL", max_length=_LONGEST_URL, description="Install Software: https address of the file."),
    ] = None
    file_checksum: Annotated[
        _Checksum | None,
        NotSet,
        Field(description="Install Software: SHA-256 of the file, 64 hex digits."),
    ] = None
    install_method: Annotated[
        InstallMethod | None,
        choice(InstallMethod),
        Field(description="Install Software: 0 the script installs the file, 1 the file is an installer."),
    ] = None
    reg_key: Annotated[
        _Key | None, NotSet, Field(description=r"Change Registry Key: Base64 of a key such as HKLM\SOFTWARE\App.")
    ] = None
    reg_value: Annotated[
        _Value | None,
        Field(
            description="Change Registry Key: Base64 of the value as text. Numbers decimal or with 0x, REG_BINARY as "
            "hex digits, REG_MULTI_SZ as lines.",
        ),
    ] = None
    reg_value_type: Annotated[
        RegistryValueType | None, choice(RegistryValueType), Field(description="Change Registry Key: its type.")
    ] = None
    reg_key_add_new: Annotated[
        Flag | None,
        Field(description="Change Registry Key: make a key that is missing; else the action ends as Skipped there."),
    ] = None
    un_install_registry_key: Annotated[
        _Key | None,
        NotSet,
        Field(
            description="Uninstall Software: Base64 of the software's own key; without a hive it lies below "
            "HKEY_LOCAL_MACHINE. This or the display name is required.",
        ),
    ] = None
    un_install_software_display_name: Annotated[
        Text | None, Field(max_length=512, description="Uninstall Software: its DisplayName, in any case.")
    ] = None
    un_install_software_version: Annotated[
        Text | None, Field(max_length=128, description="Uninstall Software: only this DisplayVersion; else any.")
    ] = None
    un_install_software_version_match: Annotated[
        VersionMatch | None,
        choice(VersionMatch),
        Field(description="Uninstall Software: how the version compares; Equals where absent."),
    ] = None
    remediation_scope: Annotated[bool | None, ReadOnly] = None


def wire(name: str) -> str:
    """The key of a param on the wire."""
    return ActionParams.model_fields[name].alias or name
