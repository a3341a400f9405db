"""How a step ended."""

from dataclasses import dataclass
from typing import Any

# The state follows from the reason: docs/agent-protocol.md, "Report". What is not here is `failed`.
_STATES = {
    "done": "succeeded",
    "already_installed": "succeeded",
    "not_installed": "not_applicable",
    "nothing_to_roll_back": "not_applicable",
    "earlier_step_failed": "skipped",
    "window_over": "skipped",
    "dropped": "skipped",
    "no_such_key": "skipped",
    "interrupted": "interrupted",
}


@dataclass(frozen=True)
class Outcome:
    """A step's end. `seconds` is how long the child ran; versions are of the package before and after."""

    reason: str
    exit_code: int | None = None
    output: str = ""
    output_cut: bool = False
    from_version: str | None = None
    to_version: str | None = None
    seconds: float = 0.0

    @property
    def state(self) -> str:
        """`succeeded`, `failed`, `skipped`, `not_applicable` or `interrupted`."""
        return _STATES.get(self.reason, "failed")

    def fields(self) -> dict[str, Any]:
        """As a `step_finished` report carries it."""
        return {
            "state": self.state,
            "reason": self.reason,
            "exitCode": self.exit_code,
            "output": self.output,
            "outputCut": self.output_cut,
            "fromVersion": self.from_version,
            "toVersion": self.to_version,
            "seconds": round(self.seconds, 3),
        }


class Waiting:
    """Instead of an outcome: the step goes on in a later life of agent or machine, or when the person lets it."""


WAITING = Waiting()
