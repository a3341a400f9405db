"""What agents say beside their steps: written as events of the host task, and read back as what happened there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import events
from core.models import REMARKS, Event
from deployments.models import HostTask, Step
from deployments.reports import Remark, StepTried

# Of one attempt; an agent may lie, and an honest one says a few dozen things.
_LAST_SEQUENCE = 10_000
_MOST_SHOWN = 1_000


def take(task: HostTask, remark: Remark, *, at: datetime) -> None:
    """Record what was said. Of a try, show on its step what it printed, too."""
    if remark.sequence > _LAST_SEQUENCE:
        return
    if isinstance(remark, StepTried):
        steps = Step.objects.for_customer(task.customer_id).filter(host_task=task, attempt=task.attempt)
        steps.filter(number=remark.number).update(
            tries=remark.try_, output=remark.output, output_cut=remark.output_cut, exit_code=remark.exit_code
        )
    data = {**remark.facts(), "attempt": task.attempt}
    events.record(kind=f"{task.EVENT}.{remark.kind}", at=at, data=data, **task.event_ids())


def of(task: HostTask) -> Sequence[dict[str, Any]]:
    """What was said of the host in its current attempt, in order: `kind`, and the facts of that kind."""
    said = Event.objects.for_customer(task.customer_id).filter(host_task_id=task.pk, kind__in=REMARKS)
    rows = said.order_by("pk").values_list("kind", "data")
    current = ((kind, data) for kind, data in rows[:_MOST_SHOWN] if data["attempt"] == task.attempt)
    return [{**data, "kind": kind.rpartition(".")[2]} for kind, data in current]
