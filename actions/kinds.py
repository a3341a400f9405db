"""The words for actions and scripts, as they are on the wire."""

from enum import IntEnum, StrEnum


class ActionKind(StrEnum):
    """What an action does."""

    RUN_SCRIPT = "Run Script"
    INSTALL_SOFTWARE = "Install Software"
    CHANGE_REGISTRY_KEY = "Change Registry Key"
    UNINSTALL_SOFTWARE = "Uninstall Software"
    SYSTEM_REBOOT = "System Reboot"


class ScriptType(StrEnum):
    """What a script is written for: PowerShell on Windows, the shell on Linux."""

    PS = "ps"
    SH = "sh"


class BuiltIn(StrEnum):
    """Scripts that the server brings."""

    MAKE_CACHE = "MakeCache"


class InstallMethod(IntEnum):
    """What installs a file that was fetched: a script of the customer's, or the file itself."""

    SCRIPT = 0
    INSTALLER = 1


class RegistryValueType(StrEnum):
    """The types of registry values that can be set."""

    SZ = "REG_SZ"
    EXPAND_SZ = "REG_EXPAND_SZ"
    MULTI_SZ = "REG_MULTI_SZ"
    DWORD = "REG_DWORD"
    QWORD = "REG_QWORD"
    BINARY = "REG_BINARY"


class VersionMatch(StrEnum):
    """How the version of installed software compares with the one that is named, for it to be uninstalled."""

    EQUALS = "Equals"
    NOT_EQUALS = "Not Equals"
    LESS_THAN = "Less Than"
    LESS_THAN_OR_EQUALS = "Less Than Or Equals"
    GREATER_THAN = "Greater Than"
    GREATER_THAN_OR_EQUALS = "Greater Than Or Equals"
    CONTAINS = "Contains"
    STARTS_WITH = "Starts With"


WINDOWS, LINUX = "Windows", "Linux"
PRE, POST = "predeploy", "postdeploy"
# Platform → what its scripts are written for.
SCRIPT_TYPE_OF = {WINDOWS: ScriptType.PS, LINUX: ScriptType.SH}
