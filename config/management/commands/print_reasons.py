"""`manage.py print_reasons`: docs/reasons.md, made from the code's own catalogue."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import TextChoices

from deployments.reasons import CATALOGUE, Reason, Standing, StepReason

_HEAD = """\
# Reasons

Printed by `manage.py print_reasons` from `deployments/reasons.py`; a test compares. The catalogue is closed: what
`/runs/{n}/explain` answers of a run, a host or a patch on it is exactly one of these codes, and a report of an agent
that names another is refused. Codes are stable; sentences may get better.
"""
_SECTIONS: Mapping[type[TextChoices], tuple[str, str]] = {
    Reason: ("Ends of runs and of hosts", "A run or a host task in a final state carries one of these."),
    StepReason: ("Ends of steps", "What the agent says of an action, a patch or the closing scan that has ended."),
    Standing: ("What has not ended, or was never to be done", "Answered by `explain` alone."),
}


class Command(BaseCommand):
    """Prints the page."""

    help = "Print docs/reasons.md: why runs, hosts and steps ended or stand as they do."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(document(), ending="")


def document() -> str:
    """The whole page."""
    sections = (_section(*_SECTIONS[kind], CATALOGUE[kind]) for kind in _SECTIONS)
    return "\n".join([_HEAD, *(line for section in sections for line in section)])


def _section(title: str, about: str, sentences: Mapping[str, str]) -> Iterator[str]:
    yield f"## {title}\n\n{about}\n"
    yield "| code | sentence |\n|---|---|"
    for code, sentence in sentences.items():
        yield f"| `{code}` | {sentence} |"
    yield ""
