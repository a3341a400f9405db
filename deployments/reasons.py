"""Why a run or a host task ended as it did: one code of this closed catalogue each, and its sentence."""

from collections.abc import Mapping

from django.db.models import TextChoices


class Reason(TextChoices):
    """Codes are stable: clients and reports compare them."""

    DONE = "done"
    VERIFIED = "verified"
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


SENTENCES: Mapping[Reason, str] = {
    Reason.DONE: "All hosts have ended.",
    Reason.VERIFIED: "Everything was done, and the closing scan showed it.",
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
    Reason.AGENT_REINSTALLED: "The agent was enrolled anew while it held this work, so its journal is gone.",
    Reason.PARENT_SHARE: "Too few hosts of the linked job's run did the post-actions that this job waits for.",
    Reason.START_MISSED: "Nobody opened this when it was due, as where the service was down; later was too late.",
    Reason.JOB_WAS_DISABLED: "The job was disabled when this was due.",
    Reason.JOB_CHANGED: "The job got another schedule when this was just due.",
    Reason.FROZEN: "It was due in a freeze or a pause, and it was too late to begin when that ended.",
    Reason.HOST_AWAY: "The host did not ask for its work in time after its start, as the missed-run policy wants it.",
    Reason.EARLIER_RUN: "An earlier run of the same job was still going on this host.",
    Reason.RUN_CANCELED: "Somebody canceled the run.",
    Reason.RUN_PAUSED: "The run stood still when this was to begin, and did not go on in time.",
    Reason.NOT_APPROVED: "Nobody approved the plan while the patch window was open.",
    Reason.NO_HOSTS: "The job's targets matched no host.",
}
