"""Telling that a run is as good as complete: once, when the share of ended hosts that its job names is reached."""

from datetime import datetime

from django.db.models import F

from core import events
from deployments.models import Run
from deployments.services.facts import count_host_tasks, facts
from deployments.states import FINAL_HOST_TASKS


def share_to_tell(notification: dict[str, object] | None) -> int | None:
    """The percentage at which a job wants to be told before its run ends; None where the end itself is meant."""
    if not notification:
        return None
    configs, events_ = notification["notificationConfigs"], notification["notificationEvents"]
    share = configs.get("completedPercentage") if isinstance(configs, dict) else None
    wanted = isinstance(events_, dict) and events_.get("onJobComplete")
    return int(share) if wanted and share is not None and int(share) < 100 else None


def tell_share(*, run_id: int, at: datetime) -> None:
    """Record that a run reached its share, if it has and nobody did so before."""
    run = Run.objects.filter(pk=run_id, share_told_at=None).exclude(tells_at_share=None).first()
    if run is None:
        return
    counts = count_host_tasks(run)
    total = sum(counts.values())
    ended = sum(hosts for state, hosts in counts.items() if state in FINAL_HOST_TASKS)
    if total == 0 or 100 * ended < (run.tells_at_share or 0) * total:
        return
    # Not once it has ended: its end is told then.
    if Run.objects.open().filter(pk=run.pk, share_told_at=None).update(share_told_at=at):
        data = facts(run) | {"counts": counts, "percentage": 100 * ended // total}
        events.record(kind="run.share_reached", at=at, data=data, **run.event_ids())


def waiting_to_tell() -> list[tuple[int, int]]:
    """(customer, run) of the open runs that have a share to tell. Served by the partial index `run_tells_share`."""
    runs = Run.objects.open().filter(share_told_at=None, tells_at_share__isnull=False, started_at__isnull=False)
    return list(runs.order_by(F("pk")).values_list("customer_id", "pk")[:1_000])
