"""What is answered of actions and their scripts, for the API's document."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from actions.kinds import ActionKind, BuiltIn, InstallMethod, RegistryValueType, ScriptType, VersionMatch
from core.openapi import Answer
from deployments.models import Stage

_PATH = "The path that gives the script back, below `/pm/v1/scripts/`"


def _not_always(schema: dict[str, Any]) -> None:
    """The key may be absent, and then it has no value: a generated client must not put one there."""
    del schema["default"]


class AnsweredParams(Answer):
    """What every action knows. `remediationScope` is there on Linux."""

    action_item: str
    timeout: int
    remediation_scope: bool = Field(False, json_schema_extra=_not_always)


class ActionInAnswer(Answer):
    """What every action has."""

    action_id: UUID
    action_type: Stage
    action_linked_to_job: bool


class RunScriptParams(AnsweredParams):
    """`defaultScriptType` is there where the script is a built-in one."""

    default_script_type: BuiltIn = Field(BuiltIn.MAKE_CACHE, json_schema_extra=_not_always)


class RunScriptAction(ActionInAnswer):
    """Runs a script."""

    action: Literal[ActionKind.RUN_SCRIPT]
    params: RunScriptParams
    script: str = Field(description=f"{_PATH}.")
    script_type: ScriptType


class InstallSoftwareParams(AnsweredParams):
    """The file, and how it is installed."""

    download_url: str = Field(alias="downloadURL")
    file_checksum: str
    install_method: InstallMethod


class InstallSoftwareAction(ActionInAnswer):
    """Fetches a file and installs it."""

    action: Literal[ActionKind.INSTALL_SOFTWARE]
    params: InstallSoftwareParams
    script: str | None = Field(description=f"{_PATH}; null or empty as it was sent where there is none.")
    script_type: ScriptType | None
    detection_script: str | None = Field(description=f"{_PATH}; null or empty as it was sent where there is none.")
    detection_script_type: ScriptType | None
    download_protocol: int


class ChangeRegistryKeyParams(AnsweredParams):
    """Key and value, in Base64, and the value's type."""

    reg_key: str
    reg_value: str
    reg_value_type: RegistryValueType
    reg_key_add_new: bool


class ChangeRegistryKeyAction(ActionInAnswer):
    """Sets a registry value."""

    action: Literal[ActionKind.CHANGE_REGISTRY_KEY]
    params: ChangeRegistryKeyParams


class UninstallSoftwareParams(AnsweredParams):
    """Which software; null where it was not sent."""

    un_install_registry_key: str | None
    un_install_software_display_name: str | None
    un_install_software_version: str | None
    un_install_software_version_match: VersionMatch | None


class UninstallSoftwareAction(ActionInAnswer):
    """Uninstalls software."""

    action: Literal[ActionKind.UNINSTALL_SOFTWARE]
    params: UninstallSoftwareParams


class SystemRebootAction(ActionInAnswer):
    """Restarts the machine. Its script is empty."""

    action: Literal[ActionKind.SYSTEM_REBOOT]
    params: AnsweredParams
    script: str
    script_type: ScriptType


AnsweredAction = Annotated[
    RunScriptAction | InstallSoftwareAction | ChangeRegistryKeyAction | UninstallSoftwareAction | SystemRebootAction,
    Field(discriminator="action"),
]


class Script(Answer):
    """A script as it was sent, decoded."""

    script: str
    script_type: ScriptType
