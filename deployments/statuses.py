"""What hosts, patches and actions of a run are called, in the words and codes that clients of this API family know."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

from deployments.reasons import Reason
from deployments.states import HostTaskState


@dataclass(frozen=True, slots=True)
class Status:
    """A text and its code. In codes of ours, from 2900 on, the last figure says 0 final, 1 going, 2 failed."""

    text: str
    code: int


JOB_RECEIVED = Status("Job Received", 20551)
DOWNLOADED = Status("Downloaded", 20311)
DOWNLOADING_FAILED = Status("Downloading - Failed", 20312)
EXECUTION_BLOCKED = Status("Execution Blocked", 20571)
JOB_STARTED = Status("Job Started", 20440)
JOB_RESUMED = Status("Job Resumed", 20450)
COMPLETED = Status("Completed", 20360)
JOB_FAILED = Status("Job Failed", 20460)
CANCELED_BLACKOUT = Status("Canceled - Blackout", 20380)
NO_PATCH_AVAILABLE = Status("No Patch Available", 20591)
NOT_APPLICABLE = Status("Not Applicable", 20531)
PENDING = Status("Pending", 29001)
PENDING_REBOOT = Status("Pending Reboot", 29011)
TIMED_OUT = Status("Timed Out", 29022)
MISSED = Status("Missed", 29032)
LOST = Status("Lost", 29041)
CANCELED = Status("Canceled", 29050)
SKIPPED = Status("Skipped", 29060)

# By the state alone. What else decides is said below, and by services.results of a host that waits or came back.
HOST_STATUS: Mapping[HostTaskState, Status] = {
    HostTaskState.PENDING: PENDING,
    HostTaskState.LEASED: JOB_RECEIVED,
    HostTaskState.RUNNING: JOB_STARTED,
    HostTaskState.AWAITING_REBOOT: PENDING_REBOOT,
    HostTaskState.VERIFYING: JOB_STARTED,
    HostTaskState.LOST: LOST,
    HostTaskState.SUCCEEDED: COMPLETED,
    HostTaskState.FAILED: JOB_FAILED,
    HostTaskState.NOT_APPLICABLE: NOT_APPLICABLE,
    HostTaskState.TIMED_OUT: TIMED_OUT,
    HostTaskState.MISSED: MISSED,
    HostTaskState.CANCELED: CANCELED,
    HostTaskState.SKIPPED: SKIPPED,
}
BY_REASON: Mapping[tuple[HostTaskState, Reason], Status] = {
    # Until the machine restarts by itself.
    (HostTaskState.SUCCEEDED, Reason.REBOOT_PENDING): PENDING_REBOOT,
    (HostTaskState.NOT_APPLICABLE, Reason.NO_PATCH_MISSING): NO_PATCH_AVAILABLE,
}

# Every text with its code, those that come first in an order of events first.
CODES: Mapping[str, int] = {
    one.text: one.code
    for one in (
        PENDING,
        EXECUTION_BLOCKED,
        JOB_RECEIVED,
        DOWNLOADED,
        DOWNLOADING_FAILED,
        JOB_STARTED,
        JOB_RESUMED,
        PENDING_REBOOT,
        LOST,
        COMPLETED,
        JOB_FAILED,
        NO_PATCH_AVAILABLE,
        NOT_APPLICABLE,
        SKIPPED,
        TIMED_OUT,
        MISSED,
        CANCELED,
        CANCELED_BLACKOUT,
    )
}


class PatchResult(TextChoices):
    """How a patch of a run ended on one host."""

    INSTALLED = "Installed"
    SUCCESS = "Success"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    NOT_APPLICABLE = "Not Applicable"
    SKIPPED = "Skipped"


class ActionResult(TextChoices):
    """How an action of a run ended on one host, or, where hosts differ, in the whole run."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    PARTIAL = "Partial"
