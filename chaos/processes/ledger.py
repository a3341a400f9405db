"""What really happened on the hosts, told by the steps themselves to a file that is outside of every database."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The agent names a script's file after its host task, attempt and step: that is all that the line needs. One write to
# a file that is open to append, so lines of many hosts never mix; on disk before the script goes on.
_SCRIPT = """\
label=$(basename "$0" .sh)
echo "$label $(basename "$PATCH_ROOT") $$" >> "{ledger}" || exit 7
sync "{ledger}"
sleep {seconds}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One effect: a script has begun on a host."""

    task: int
    attempt: int
    number: int
    host: str


def script(name: str, *, ledger: Path, seconds: float) -> dict[str, Any]:
    """An action of a job that writes one line and then takes so long."""
    text = _SCRIPT.format(ledger=ledger, seconds=f"{seconds:.2f}")
    encoded = base64.b64encode(text.encode()).decode()
    return {"action": "Run Script", "params": {"actionItem": name}, "script": encoded, "scriptType": "sh"}


def read(path: Path) -> Iterator[Line]:
    """All lines. ValueError where one is not whole."""
    for text in path.read_text().splitlines():
        label, host, _ = text.split()
        task, attempt, number = map(int, label.split("-"))
        yield Line(task, attempt, number, host)
