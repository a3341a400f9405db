"""The words that the columns of jobs, runs and steps take."""

from django.db import models


class JobType(models.TextChoices):
    """What a job does with its patches."""

    INSTALL = "Install"
    ROLLBACK = "Rollback"


class ScheduleType(models.TextChoices):
    """When a job starts."""

    ON_DEMAND = "On-demand"
    ONCE = "Once"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    INTERVAL = "Interval"


class TimezoneType(models.TextChoices):
    """Whose clock a schedule is read by: each machine's own, or that of one named zone."""

    AGENT = "AGENT_TZ"
    SPECIFIC = "SPECIFIC_TZ"


class TimeoutUnit(models.TextChoices):
    """Of the patch window."""

    HOURS = "HOURS"
    MINUTES = "MINUTES"


class Combine(models.TextChoices):
    """How several tags combine."""

    ANY = "Any"
    ALL = "All"


class MissedRunPolicy(models.TextChoices):
    """What a start that was missed gets."""

    SKIP = "Skip"
    RUN_WITHIN = "RunWithin"
    AT_NEXT_CONTACT = "AtNextContact"


class HistoryStrategy(models.TextChoices):
    """What of a run is kept."""

    OFF = "OFF"
    MINIMAL = "MINIMAL"
    ERROR = "ERROR"
    FULL = "FULL"


class Trigger(models.TextChoices):
    """What opened a run."""

    SCHEDULE = "schedule"
    ENABLED = "enabled"
    USER = "user"
    PARENT = "parent"
    RETRY = "retry"


class Part(models.TextChoices):
    """Which list of a job's targets a row belongs to, or that a wave of its rollout names it."""

    INCLUDE = "include"
    MATCH_ALL = "match_all"
    EXCLUDE = "exclude"
    WAVE = "wave"


class HaltEnding(models.TextChoices):
    """What ended a halt."""

    RESUMED = "resumed"
    CANCELED = "canceled"
    RUN_ENDED = "run_ended"


class Stage(models.TextChoices):
    """Before or after the patches."""

    PRE = "predeploy"
    POST = "postdeploy"


class StepKind(models.TextChoices):
    """What a step does."""

    ACTION = "action"
    PATCH = "patch"
    SCAN = "scan"
