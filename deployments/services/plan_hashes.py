"""A hash of what a run would do where: people approve it, and it tells whether two plans are the same."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from deployments import schedules
from deployments.models import Run
from deployments.services.fanout import hosts_of
from deployments.services.rollouts import tagged

# What differs between two looks at the same plan.
_MADE_UP = ("jobId", "actionId")
_WHEN = (*schedules.COLUMNS, "linked_job_id", "chained_job_rule")


def plan_hash(run: Run) -> str:
    """SHA-256 of what would be done where: the same for the same plan, other as soon as anything of it changes.

    `run` has its snapshot, and need not be stored.
    """
    digest = hashlib.sha256(json.dumps(_lasting(run.snapshot), sort_keys=True).encode())
    digest.update(json.dumps([str(getattr(run.job, name)) for name in _WHEN]).encode())
    # Which hosts a wave draws differs from run to run, but which ones it names does not.
    hosts = tagged(hosts_of(run), run).order_by("pk").values_list("pk", "reason_", "tagged_")
    for pk, reason, wave in hosts.iterator(chunk_size=10_000):
        digest.update(f"{pk}:{reason}:{wave};".encode() if wave else f"{pk}:{reason};".encode())
    return digest.hexdigest()


def _lasting(value: Any) -> Any:
    """The snapshot without what is made up anew for each preview of a body."""
    if isinstance(value, Mapping):
        return {key: _lasting(one) for key, one in value.items() if key not in _MADE_UP}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
