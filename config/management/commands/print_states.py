"""`manage.py print_states`: docs/states.md, made from the code's own tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand

from deployments.states import (
    FAILED_HOST_TASKS,
    FINAL_HOST_TASKS,
    FINAL_RUNS,
    HELD_HOST_TASKS,
    HOST_TASK_MOVES,
    HOST_TASKS_AT_WORK,
    JOB_MOVES,
    RUN_MOVES,
    WAVE_MOVES,
    HostTaskState,
    JobState,
    RunState,
    WaveState,
)
from reports.states import FINAL_REPORTS, REPORT_MOVES, ReportState

_HEAD = """\
# States

Printed by `manage.py print_states` from `deployments/states.py` and `reports/states.py`; a test compares. A move that
is not drawn here is refused. A state that nothing leaves is final; a run or a host task in one carries one of the
reasons of [reasons.md](reasons.md).
"""


class Command(BaseCommand):
    """Prints the page."""

    help = "Print docs/states.md: the legal moves of jobs, runs, host tasks and reports."
    requires_system_checks: tuple[str, ...] = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(document(), ending="")


def document() -> str:
    """The whole page."""
    return "\n".join(
        [
            _HEAD,
            *_section("Job", JobState, JOB_MOVES),
            *_section("Run", RunState, RUN_MOVES),
            _listed("Final", RunState, FINAL_RUNS),
            *_section("Host task", HostTaskState, HOST_TASK_MOVES),
            _listed("Final", HostTaskState, FINAL_HOST_TASKS),
            _listed("The agent may be at work, one such task at most per asset", HostTaskState, HELD_HOST_TASKS),
            _listed(
                "Of a run that limits how many work at once, one takes a place while", HostTaskState, HOST_TASKS_AT_WORK
            ),
            _listed("A failure, for the rate that halts a run", HostTaskState, FAILED_HOST_TASKS),
            *_section("Wave", WaveState, WAVE_MOVES),
            *_section("Report", ReportState, REPORT_MOVES),
            _listed("Final", ReportState, FINAL_REPORTS),
        ]
    )


def _section(title: str, states: Any, moves: Mapping[Any, Any]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "```mermaid\nstateDiagram-v2"
    for state in states:
        if not moves[state] and not any(state in onward for onward in moves.values()):
            # Nothing leads there or away; it would be missing.
            yield f"    {state.value}"
        for onward in states:
            if onward in moves[state]:
                yield f"    {state.value} --> {onward.value}"
    yield "```\n"


def _listed(what: str, states: Any, chosen: Any) -> str:
    return f"{what}: {', '.join(state.value for state in states if state in chosen)}.\n"
