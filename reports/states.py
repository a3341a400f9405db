"""The states of reports, and every legal move between them. docs/states.md is printed from this table, too."""

from collections.abc import Mapping

from django.db.models import TextChoices


class ReportState(TextChoices):
    """How far a report is."""

    QUEUED = "Queued"
    RUNNING = "Running"
    READY = "Ready"
    FAILED = "Failed"


REPORT_MOVES: Mapping[ReportState, frozenset[ReportState]] = {
    ReportState.QUEUED: frozenset({ReportState.RUNNING}),
    # Back to the queue when the worker that wrote it was not heard of any more.
    ReportState.RUNNING: frozenset({ReportState.QUEUED, ReportState.READY, ReportState.FAILED}),
    ReportState.READY: frozenset(),
    ReportState.FAILED: frozenset(),
}

FINAL_REPORTS = frozenset(state for state, onward in REPORT_MOVES.items() if not onward)
