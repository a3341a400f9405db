"""Every way in which jobs, runs and host tasks change."""

from deployments.services.approvals import approve, is_approved
from deployments.services.children import start_children
from deployments.services.controls import cancel, pause, resume, retry_failed
from deployments.services.editors import require_editor
from deployments.services.facts import count_host_tasks
from deployments.services.host_tasks import (
    Gap,
    HandedOut,
    abandon,
    hand_out,
    heartbeat,
    next_start,
    note_restart,
    take_reports,
)
from deployments.services.jobs import create, delete, lock, replace, run_now, set_status, supersede
from deployments.services.previews import patches_of_hosts, preview, waves_of_hosts
from deployments.services.runs import close, open_run, resolve
from deployments.services.sweeps import sweep
from deployments.services.thaws import look_again
from deployments.services.ticks import tick
from deployments.services.waves import advance, standing

__all__ = [
    "Gap",
    "HandedOut",
    "abandon",
    "advance",
    "approve",
    "cancel",
    "close",
    "count_host_tasks",
    "create",
    "delete",
    "hand_out",
    "heartbeat",
    "is_approved",
    "lock",
    "look_again",
    "next_start",
    "note_restart",
    "open_run",
    "patches_of_hosts",
    "pause",
    "preview",
    "replace",
    "require_editor",
    "resolve",
    "resume",
    "retry_failed",
    "run_now",
    "set_status",
    "standing",
    "start_children",
    "supersede",
    "sweep",
    "take_reports",
    "tick",
    "waves_of_hosts",
]
