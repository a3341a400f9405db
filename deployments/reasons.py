"""Why runs, host tasks and steps ended or stand as they do: one code of a closed catalogue each, and its sentence.

docs/reasons.md is printed from here (`manage.py print_reasons`). Codes are stable: clients and reports compare them.
"""

from collections.abc import Mapping

from django.db.models import TextChoices


class Reason(TextChoices):
    """Why a run or a host task ended so."""

    DONE = "done"
    VERIFIED = "verified"
    REBOOT_PENDING = "reboot_pending"
    EXCLUDED = "excluded"
    OTHER_PLATFORM = "other_platform"
    NO_PATCH_MISSING = "no_patch_missing"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    NO_PATCH_APPLIED = "no_patch_applied"
    PRE_ACTION_FAILED = "pre_action_failed"
    PATCH_FAILED = "patch_failed"
    POST_ACTION_FAILED = "post_action_failed"
    NOT_VERIFIED = "not_verified"
    MANIFEST_REFUSED = "manifest_refused"
    WINDOW_OVER = "window_over"
    NEVER_CAME = "never_came"
    JOB_DELETED = "job_deleted"
    JOB_DISABLED = "job_disabled"
    AGENT_REINSTALLED = "agent_reinstalled"
    NO_HOSTS = "no_hosts"
    PARENT_SHARE = "parent_share"
    START_MISSED = "start_missed"
    JOB_WAS_DISABLED = "job_was_disabled"
    JOB_CHANGED = "job_changed"
    FROZEN = "frozen"
    HOST_AWAY = "host_away"
    EARLIER_RUN = "earlier_run"
    RUN_CANCELED = "run_canceled"
    RUN_PAUSED = "run_paused"
    NOT_APPROVED = "not_approved"
    RUN_HALTED = "run_halted"
    WAVE_NOT_OPENED = "wave_not_opened"
    NO_ROOM = "no_room"


class StepReason(TextChoices):
    """Why a step ended so, as its agent says it."""

    DONE = "done"
    ALREADY_INSTALLED = "already_installed"
    NOT_INSTALLED = "not_installed"
    NO_CANDIDATE = "no_candidate"
    NOTHING_TO_ROLL_BACK = "nothing_to_roll_back"
    NONZERO_EXIT = "nonzero_exit"
    TIMED_OUT = "timed_out"
    PACKAGE_MANAGER_FAILED = "package_manager_failed"
    PACKAGE_MANAGER_LOCKED = "package_manager_locked"
    EARLIER_STEP_FAILED = "earlier_step_failed"
    WINDOW_OVER = "window_over"
    DROPPED = "dropped"
    INTERRUPTED = "interrupted"
    UNSUPPORTED = "unsupported"
    DOWNLOAD_FAILED = "download_failed"
    BAD_FILE_DIGEST = "bad_file_digest"
    NO_SUCH_KEY = "no_such_key"
    NOT_DETECTED = "not_detected"
    DISK_FULL = "disk_full"


class Standing(TextChoices):
    """Codes for what the others do not say, since nothing has ended there, or nothing was ever to be done."""

    RUN_NOT_RESOLVED = "run_not_resolved"
    NOT_TARGETED = "not_targeted"
    NOT_IN_RUN = "not_in_run"
    NOT_CONCERNED = "not_concerned"
    WAITS_FOR_START = "waits_for_start"
    WAITS_FOR_ANOTHER_JOB = "waits_for_another_job"
    WAITS_FOR_RUN = "waits_for_run"
    WAITS_FOR_WAVE = "waits_for_wave"
    WAITS_FOR_PLACE = "waits_for_place"
    WAITS_FOR_HOST = "waits_for_host"
    AT_WORK = "at_work"
    NEWER_VERSION = "newer_version"


SENTENCES: Mapping[Reason, str] = {
    Reason.DONE: "All hosts have ended.",
    Reason.VERIFIED: "Everything was done, and the closing scan showed it.",
    Reason.REBOOT_PENDING: "Everything was done and shown by the closing scan; a restart of the host is still wanted.",
    Reason.EXCLUDED: "The job's exclusions name this host or one of its tags.",
    Reason.OTHER_PLATFORM: "The job is for another platform than this host's.",
    Reason.NO_PATCH_MISSING: "By its last scan, none of the job's patches is missing on this host.",
    Reason.NOTHING_TO_ROLL_BACK: "None of the job's patches is on this host with a known earlier version.",
    Reason.NO_PATCH_APPLIED: "The agent found that none of the job's patches applies to this host.",
    Reason.PRE_ACTION_FAILED: "A pre-action failed, so nothing after it was done.",
    Reason.PATCH_FAILED: "A patch failed.",
    Reason.POST_ACTION_FAILED: "A post-action failed.",
    Reason.NOT_VERIFIED: "The agent reported success, but the closing scan did not show it.",
    Reason.MANIFEST_REFUSED: "The agent refused the manifest.",
    Reason.WINDOW_OVER: "The patch window closed before everything was done.",
    Reason.NEVER_CAME: "The host did not ask for its work while the patch window was open.",
    Reason.JOB_DELETED: "The job was deleted before this began.",
    Reason.JOB_DISABLED: "The job was disabled before this began.",
    Reason.AGENT_REINSTALLED: "The agent that held this was enrolled anew, revoked or copied, so its journal is gone.",
    Reason.PARENT_SHARE: "Too few hosts of the linked job's run did the post-actions that this job waits for.",
    Reason.START_MISSED: "Nobody opened this when it was due, as where the service was down; later was too late.",
    Reason.JOB_WAS_DISABLED: "The job was disabled when this was due.",
    Reason.JOB_CHANGED: "The job got another schedule when this was just due.",
    Reason.FROZEN: "It was due in a freeze or a pause, and it was too late to begin when that ended.",
    Reason.HOST_AWAY: "The host did not ask for its work in time after its start, as the missed-run policy wants it.",
    Reason.EARLIER_RUN: "An earlier run of the same job was still going on this host.",
    Reason.RUN_CANCELED: "Somebody canceled the run.",
    Reason.RUN_PAUSED: "The run stood still when this was to begin, and did not go on in time.",
    Reason.RUN_HALTED: "The run was halted because too much failed, and nobody resumed it in time.",
    Reason.WAVE_NOT_OPENED: "The host's wave did not open before its patch window closed.",
    Reason.NO_ROOM: "Until the patch window closed, as many hosts of the run were at work as may be at once.",
    Reason.NOT_APPROVED: "Nobody approved the plan while the patch window was open.",
    Reason.NO_HOSTS: "The job's targets matched no host.",
}

STEP_SENTENCES: Mapping[StepReason, str] = {
    StepReason.DONE: "It was done.",
    StepReason.ALREADY_INSTALLED: "It was there already.",
    StepReason.NOT_INSTALLED: "The package is not on this host.",
    StepReason.NO_CANDIDATE: "No source that the host knows offers this version.",
    StepReason.NOTHING_TO_ROLL_BACK: "The host knows no earlier version to go back to.",
    StepReason.NONZERO_EXIT: "It ended with an exit code that means failure.",
    StepReason.TIMED_OUT: "It took longer than it may.",
    StepReason.PACKAGE_MANAGER_FAILED: "The package manager failed.",
    StepReason.PACKAGE_MANAGER_LOCKED: "Somebody else held the package manager's lock.",
    StepReason.EARLIER_STEP_FAILED: "An earlier step failed, so this one was not tried.",
    StepReason.WINDOW_OVER: "The patch window was over before its turn came.",
    StepReason.DROPPED: "The service took the work back before its turn came.",
    StepReason.INTERRUPTED: "The host stopped in the middle, and nobody can say whether it took effect.",
    StepReason.UNSUPPORTED: "The host's agent cannot do this.",
    StepReason.DOWNLOAD_FAILED: "The file could not be fetched.",
    StepReason.BAD_FILE_DIGEST: "The file that was fetched is not the one whose checksum the job names.",
    StepReason.NO_SUCH_KEY: "The registry key is not there.",
    StepReason.NOT_DETECTED: "It was done without an error, but a look at the machine does not show it.",
    StepReason.DISK_FULL: "There was no room on the host's disk.",
}

STANDING_SENTENCES: Mapping[Standing, str] = {
    Standing.RUN_NOT_RESOLVED: "The run has not found out its hosts yet.",
    Standing.NOT_TARGETED: "The run's targets do not include this host.",
    Standing.NOT_IN_RUN: "The patch is none of this run's.",
    Standing.NOT_CONCERNED: "The host's last scan before its work did not call for this patch.",
    Standing.WAITS_FOR_START: "The host's start has not come.",
    Standing.WAITS_FOR_ANOTHER_JOB: "Another run holds the host; this one waits until that has ended.",
    Standing.WAITS_FOR_RUN: "The run is held back, so the host gets no work of it.",
    Standing.WAITS_FOR_WAVE: "The wave of the run that the host is in has not opened.",
    Standing.WAITS_FOR_PLACE: "As many hosts of the run are at work as may be at once.",
    Standing.WAITS_FOR_HOST: "The work is ready, and the host has not asked for it.",
    Standing.AT_WORK: "The host is at work, or its restart or closing scan is awaited.",
    Standing.NEWER_VERSION: "A newer version was on the host already.",
}

# The whole catalogue, each code with its sentence.
CATALOGUE: Mapping[type[TextChoices], Mapping[str, str]] = {
    Standing: {code.value: text for code, text in STANDING_SENTENCES.items()},
    StepReason: {code.value: text for code, text in STEP_SENTENCES.items()},
    Reason: {code.value: text for code, text in SENTENCES.items()},
}
_IN_WORDS = {code: text for sentences in CATALOGUE.values() for code, text in sentences.items()}


def sentence(code: str) -> str:
    """Any code in words. One that means the same of a step and of a host is told as the host's."""
    return _IN_WORDS.get(code, code)


def step_sentence(code: str) -> str:
    """What an agent said of a step, in words; where it said nothing, the code of its host's end."""
    return STEP_SENTENCES[StepReason(code)] if code in StepReason else sentence(code)
