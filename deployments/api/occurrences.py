"""How occurrences look on the wire. Shape only."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from deployments import schedules
from deployments.api.serializers import instant
from deployments.models import Job
from deployments.reasons import SENTENCES, Reason
from deployments.services.occurrences import Occurrence
from scheduling import local_time, recurrence, zones

PLANNED = "Planned"
# Notes on a start, beside those of the schedule itself.
OVERLAPS = "overlaps"
FROZEN = "frozen"


def occurrence_rows(job: Job, found: Sequence[Occurrence]) -> list[dict[str, Any]]:
    """Rows of `GET /deploymentjob/{id}/occurrences`."""
    rule = schedules.rule_of(job)
    return [_row(rule, one) for one in found]


def start_document(rule: recurrence.Rule, zone: str, start: datetime, *notes: str) -> dict[str, Any]:
    """A start where clocks are those of `zone`, with what is remarkable about it, and these notes besides."""
    return {
        "dateTime": instant(start),
        "localDateTime": local_time.wire(start.astimezone(zones.zone(zone)).replace(tzinfo=None)),
        "notes": sorted({*recurrence.notes(rule, zone, start), *notes}),
    }


def _row(rule: recurrence.Rule, one: Occurrence) -> dict[str, Any]:
    run = one.run
    frozen = {zone: [FROZEN] for zone in one.frozen}
    starts = [
        {"timezone": zone} | start_document(rule, zone, start, *frozen.get(zone, ()))
        for zone, start in one.starts.items()
    ]
    notes = {note for start in starts for note in start["notes"]} | ({OVERLAPS} if one.overlaps else set())
    notes |= {FROZEN} if one.frozen else set()
    return {
        "scheduledDateTime": instant(one.start),
        "deadline": instant(one.deadline),
        "status": run.state if run else PLANNED,
        "jobInstanceId": run.instance if run else None,
        "trigger": run.trigger if run else None,
        "reason": run.reason or None if run else None,
        "note": run.note or None if run else None,
        "reasonText": SENTENCES[Reason(run.reason)] if run and run.reason else None,
        "notes": sorted(notes),
        "starts": starts,
    }
