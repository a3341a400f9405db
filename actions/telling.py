"""Parts of manifest steps that several kinds share. What is stored is read from a run's snapshot."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any


def script(encoded: str, script_type: str) -> dict[str, Any]:
    """A script in Base64, its type, and the digest it must match."""
    return {
        "scriptType": script_type,
        "script": encoded,
        "sha256": hashlib.sha256(base64.b64decode(encoded)).hexdigest(),
    }


def script_or_none(action: Mapping[str, Any], field: str) -> dict[str, Any] | None:
    """The script of a snapshot's action, if it has one."""
    return script(action[field], action[f"{field}Type"]) if action.get(field) else None


def text(encoded: str | None) -> str:
    """A param that is text in Base64."""
    return base64.b64decode(encoded or "").decode()
