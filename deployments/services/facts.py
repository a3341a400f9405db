"""What events say of a run."""

from typing import Any

from django.db.models import Count

from deployments.models import Run


def facts(run: Run) -> dict[str, Any]:
    """What a notification says of a run. No secrets, no scripts."""
    snapshot = run.snapshot
    return {
        "jobId": snapshot["jobId"],
        "jobName": snapshot["name"],
        "type": snapshot["type"],
        # A run that an earlier version of this service resolved has neither.
        "description": snapshot.get("description"),
        "remediationQids": snapshot.get("remediationQids"),
        "jobInstanceId": run.instance,
        "hosts": run.host_tasks.count(),
        "notification": snapshot["notification"],
    }


def count_host_tasks(run: Run) -> dict[str, int]:
    """How many host tasks of a run are in each state, by one grouped query."""
    rows = run.host_tasks.values("state").annotate(hosts=Count("pk")).order_by("state")
    return {row["state"]: row["hosts"] for row in rows}
