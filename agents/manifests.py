"""The manifest as text: the very bytes that are signed."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(manifest: Mapping[str, Any]) -> str:
    """Canonical JSON: keys sorted, no blanks, no floats. The same manifest is always the same text."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
