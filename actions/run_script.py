"""Run Script: a script of the customer's own, before or after the patches."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from actions.kinds import ActionKind

KIND = ActionKind.RUN_SCRIPT


def tell(action: Mapping[str, Any]) -> dict[str, Any]:
    """What the endpoint needs beside the common part: the script in Base64, its type, and the digest it must match."""
    script = base64.b64decode(action["script"])
    return {
        "scriptType": action["scriptType"],
        "script": action["script"],
        "sha256": hashlib.sha256(script).hexdigest(),
    }
