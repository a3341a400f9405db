"""The states of jobs, runs, host tasks and steps, and every legal move between them.

docs/states.md is printed from these tables (`manage.py print_states`).
"""

from collections.abc import Mapping

from django.db.models import TextChoices


class JobState(TextChoices):
    """Whether a job starts runs, and whether it is on its way out."""

    DISABLED = "Disabled"
    ENABLED = "Enabled"
    DELETING = "Deleting"
    DELETED = "Deleted"


class RunState(TextChoices):
    """Where one occurrence of a job stands."""

    PENDING = "Pending"
    RESOLVING = "Resolving"
    RUNNING = "Running"
    PAUSED = "Paused"
    HALTED = "Halted"
    COMPLETED = "Completed"
    CANCELED = "Canceled"
    MISSED = "Missed"
    FROZEN = "Frozen"
    SKIPPED = "Skipped"
    AWAITING_APPROVAL = "AwaitingApproval"


class HostTaskState(TextChoices):
    """Where one host's share of a run stands."""

    PENDING = "Pending"
    LEASED = "Leased"
    RUNNING = "Running"
    AWAITING_REBOOT = "AwaitingReboot"
    VERIFYING = "Verifying"
    LOST = "Lost"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    NOT_APPLICABLE = "NotApplicable"
    TIMED_OUT = "TimedOut"
    MISSED = "Missed"
    CANCELED = "Canceled"
    SKIPPED = "Skipped"


class WaveState(TextChoices):
    """Where one wave of a run stands."""

    WAITING = "Waiting"
    OPEN = "Open"
    SOAKING = "Soaking"
    CLOSED = "Closed"
    SKIPPED = "Skipped"


class StepState(TextChoices):
    """Where one step of a host task stands, as the agent told it."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    NOT_APPLICABLE = "NotApplicable"
    INTERRUPTED = "Interrupted"


JOB_MOVES: Mapping[JobState, frozenset[JobState]] = {
    JobState.DISABLED: frozenset({JobState.ENABLED, JobState.DELETING, JobState.DELETED}),
    JobState.ENABLED: frozenset({JobState.DISABLED, JobState.DELETING, JobState.DELETED}),
    JobState.DELETING: frozenset({JobState.DELETED}),
    JobState.DELETED: frozenset(),
}

RUN_MOVES: Mapping[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset(
        {RunState.RESOLVING, RunState.AWAITING_APPROVAL, RunState.CANCELED, RunState.MISSED, RunState.SKIPPED}
    ),
    RunState.RESOLVING: frozenset({RunState.RUNNING, RunState.CANCELED, RunState.SKIPPED}),
    RunState.RUNNING: frozenset({RunState.PAUSED, RunState.HALTED, RunState.COMPLETED, RunState.CANCELED}),
    RunState.PAUSED: frozenset({RunState.RUNNING, RunState.COMPLETED, RunState.CANCELED}),
    RunState.HALTED: frozenset({RunState.RUNNING, RunState.COMPLETED, RunState.CANCELED}),
    RunState.AWAITING_APPROVAL: frozenset({RunState.PENDING, RunState.CANCELED, RunState.MISSED}),
    RunState.COMPLETED: frozenset(),
    RunState.CANCELED: frozenset(),
    RunState.MISSED: frozenset(),
    # When the freeze ends, the missed-run policy says whether it begins.
    RunState.FROZEN: frozenset({RunState.PENDING, RunState.MISSED, RunState.CANCELED}),
    RunState.SKIPPED: frozenset(),
}

_ENDS_ON_HOST = frozenset(
    {
        HostTaskState.SUCCEEDED,
        HostTaskState.FAILED,
        HostTaskState.NOT_APPLICABLE,
        HostTaskState.TIMED_OUT,
        HostTaskState.CANCELED,
    }
)

HOST_TASK_MOVES: Mapping[HostTaskState, frozenset[HostTaskState]] = {
    HostTaskState.PENDING: frozenset(
        {HostTaskState.LEASED, HostTaskState.CANCELED, HostTaskState.MISSED, HostTaskState.SKIPPED}
    ),
    HostTaskState.LEASED: frozenset({HostTaskState.RUNNING, HostTaskState.LOST}) | _ENDS_ON_HOST,
    HostTaskState.RUNNING: frozenset({HostTaskState.AWAITING_REBOOT, HostTaskState.VERIFYING, HostTaskState.LOST})
    | _ENDS_ON_HOST,
    HostTaskState.AWAITING_REBOOT: frozenset({HostTaskState.RUNNING, HostTaskState.VERIFYING, HostTaskState.LOST})
    | _ENDS_ON_HOST,
    HostTaskState.VERIFYING: frozenset({HostTaskState.LOST}) | _ENDS_ON_HOST,
    # Its journal decides when the agent comes back.
    HostTaskState.LOST: frozenset({HostTaskState.LEASED, HostTaskState.RUNNING, HostTaskState.VERIFYING})
    | _ENDS_ON_HOST,
    HostTaskState.SUCCEEDED: frozenset(),
    HostTaskState.FAILED: frozenset(),
    HostTaskState.NOT_APPLICABLE: frozenset(),
    HostTaskState.TIMED_OUT: frozenset(),
    HostTaskState.MISSED: frozenset(),
    HostTaskState.CANCELED: frozenset(),
    HostTaskState.SKIPPED: frozenset(),
}

WAVE_MOVES: Mapping[WaveState, frozenset[WaveState]] = {
    # Skipped: the run ended before its turn came.
    WaveState.WAITING: frozenset({WaveState.OPEN, WaveState.SKIPPED}),
    WaveState.OPEN: frozenset({WaveState.SOAKING, WaveState.CLOSED}),
    WaveState.SOAKING: frozenset({WaveState.CLOSED}),
    WaveState.CLOSED: frozenset(),
    WaveState.SKIPPED: frozenset(),
}

# A job that still exists for clients.
LIVE_JOBS = frozenset({JobState.DISABLED, JobState.ENABLED})

FINAL_RUNS = frozenset(state for state, onward in RUN_MOVES.items() if not onward)
FINAL_HOST_TASKS = frozenset(state for state, onward in HOST_TASK_MOVES.items() if not onward)

# A step that fails its host; of an interrupted one nobody can say whether it took effect.
BAD_STEPS = frozenset({StepState.FAILED, StepState.INTERRUPTED})

# The agent may be at work on these: one such task at most per asset.
HELD_HOST_TASKS = frozenset(
    {
        HostTaskState.LEASED,
        HostTaskState.RUNNING,
        HostTaskState.AWAITING_REBOOT,
        HostTaskState.VERIFYING,
        HostTaskState.LOST,
    }
)

# Those of them that take one of the places of a run that limits how many work at once. A lost host takes none: it may
# never come back.
HOST_TASKS_AT_WORK = HELD_HOST_TASKS - {HostTaskState.LOST}
# What is a failure for the rate that halts a run. A host that never began says nothing of the work.
FAILED_HOST_TASKS = frozenset({HostTaskState.FAILED, HostTaskState.TIMED_OUT, HostTaskState.LOST})
