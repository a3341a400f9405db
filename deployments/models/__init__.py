"""Jobs, runs, host tasks and steps."""

from deployments.models.actions import JobAction
from deployments.models.approvals import Approval
from deployments.models.choices import (
    Combine,
    HaltEnding,
    HistoryStrategy,
    JobType,
    MissedRunPolicy,
    Part,
    ScheduleType,
    Stage,
    StepKind,
    TimeoutUnit,
    TimezoneType,
    Trigger,
)
from deployments.models.feeds import Feed
from deployments.models.jobs import Job, JobAsset, JobCalendar, JobCoAuthor, JobPatch, JobQuerySet, JobTag
from deployments.models.moving import Moving
from deployments.models.runs import HostTask, HostTaskQuerySet, Run, RunQuerySet, Step
from deployments.models.waves import RunHalt, RunWave

__all__ = [
    "Approval",
    "Combine",
    "Feed",
    "HaltEnding",
    "HistoryStrategy",
    "HostTask",
    "HostTaskQuerySet",
    "Job",
    "JobAction",
    "JobAsset",
    "JobCalendar",
    "JobCoAuthor",
    "JobPatch",
    "JobQuerySet",
    "JobTag",
    "JobType",
    "MissedRunPolicy",
    "Moving",
    "Part",
    "Run",
    "RunHalt",
    "RunQuerySet",
    "RunWave",
    "ScheduleType",
    "Stage",
    "Step",
    "StepKind",
    "TimeoutUnit",
    "TimezoneType",
    "Trigger",
]
