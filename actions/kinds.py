"""The words for actions and scripts, as they are on the wire."""

from enum import StrEnum


class ActionKind(StrEnum):
    """What an action does."""

    RUN_SCRIPT = "Run Script"


class ScriptType(StrEnum):
    """What a script is written for."""

    SH = "sh"
