"""What the views of a run's results answer, for the API's document."""

from uuid import UUID

from pydantic import Field, RootModel

from actions.kinds import ActionKind
from core.openapi import Answer
from deployments.models import Stage, StepKind
from deployments.reasons import Reason, StepReason
from deployments.services.failures import MOST_NAMED
from deployments.states import HostTaskState
from deployments.statuses import ActionResult, PatchResult
from inventory.models import Severity


class ResultTag(Answer):
    """A tag on a host."""

    id: UUID
    name: str


class ResultInterface(Answer):
    """A network interface."""

    interface_name: str | None
    mac_address: str | None
    address: str | None
    gateway_address: str | None


class ResultAsset(Answer):
    """A host, as its agent last told of it."""

    id: UUID
    name: str
    operating_system: str
    tags: list[ResultTag]
    last_logged_on_user: str | None
    interfaces: list[ResultInterface]
    os_identifier: str
    scan_date_time: int | None = Field(description="Its last scan, in milliseconds since 1970.")


class ResultMore(Answer):
    """What this service says beyond the keys of its API family."""

    state: HostTaskState
    reason: Reason | None = Field(description="Why the host ended so; null while it goes on.")
    reason_text: str | None
    attempt: int = Field(description="How often it was handed its work.")
    scheduled_date_time: int = Field(description="When it may start, in milliseconds since 1970.")
    deadline: int = Field(description="When its patch window closes, in milliseconds since 1970.")


class HostResult(Answer):
    """What became of a run on one host. All times are milliseconds since 1970.

    Each patch that the host has to do with is counted once: `totalPatchCount` is the sum of the six results and the
    four that are to come.
    """

    asset: ResultAsset
    job_id: UUID
    job_instance_id: int
    run_id: UUID = Field(description="As `jobRunId` in the job's history.")
    status: str = Field(description="Such as `Job Received`; `GET /pm/v1/enumerations` lists them as HostStatus.")
    status_code: int
    status_date_time: int
    start_date_time: int | None = Field(description="When the host began; null before.")
    end_date_time: int | None
    job_sent_on: int | None = Field(description="When the run began and its hosts could ask for their work.")
    total_patch_count: int = Field(
        description="Patches that the host was told to deal with; while it waits, those that concern it by its last "
        "scan. 0 of a host that ended before it got any."
    )
    installed_patches: int = Field(description="Were on the host already.")
    failed_patches: int = Field(
        description="Failed, or were reported as done while the host's closing scan does not show them."
    )
    success_patches: int = Field(description="Installed, or taken back, by this run; the closing scan showed it.")
    superseded_patches: int = Field(description="Not installed because the host has a newer version.")
    not_applicable_patches: int = Field(description="Do not apply: the agent found nothing to install or to take back.")
    skip_patch_count: int = Field(description="Not tried, as after a failed pre-action or once the window was over.")
    executing: int = Field(description="Patches at work now.")
    pending_execution: int = Field(description="Patches whose turn has not come.")
    pending_reboot: int = Field(description="Patches that are done, on a host that waits for its restart.")
    pending_verification: int = Field(description="Patches that are done and wait for the closing scan.")
    installed: list[UUID] = Field(description="Ids of the patches that `installedPatches` counts.")
    failed: list[UUID]
    success: list[UUID]
    superseded: list[UUID]
    not_applicable: list[UUID]
    successful_actions_count: int
    failed_actions_count: int = Field(
        description="Failed, or were begun and nobody can say whether they were done to their end."
    )
    skipped_actions_count: int
    interim_result_status: PatchResult | None = Field(
        description="How it stands while the host is at work: Failed as soon as a patch or an action failed, else "
        "Success as soon as one has ended well. Null before that, and where the host has ended."
    )
    pending_for_reboot_in_another_job: bool = Field(
        description="Whether the host cannot begin because another job waits for its restart."
    )
    pending_for_reboot_in_another_job_name: str | None
    additional_fields: ResultMore | None


class JobResult(Answer):
    """What became of one run of a job; of a job that never ran, its own counts and no hosts."""

    id: UUID
    name: str
    asset_count: int = Field(description="Hosts of the run; before the first, assets that the job names itself.")
    patch_count: int = Field(description="Patches of the run; before the first, those that the job names itself.")
    created_by: str
    created_on: int = Field(description="Milliseconds since 1970.")
    assets: list[HostResult]


class PatchOfRun(Answer):
    """On how many hosts of a run one patch ended how; each host that it concerns is counted once."""

    id: UUID
    title: str
    vendor_severity: Severity
    asset_count: int = Field(description="The sum of all that follow.")
    installed: int = Field(description="Was there already.")
    success: int = Field(description="Installed, or taken back, by this run; the closing scan showed it.")
    failed: int
    superseded: int = Field(description="A newer version is there.")
    not_applicable: int
    skipped: int
    pending: int = Field(description="Not done yet, or done and waiting for the host's restart or closing scan.")


class PatchesOfRun(RootModel[list[PatchOfRun]]):
    """A page of patches."""


class ActionOfRun(Answer):
    """On how many hosts of a run one action ended how."""

    action_id: UUID
    action_type: Stage
    action: ActionKind
    name: str
    status: ActionResult | None = Field(
        description="As it ended on all hosts where it ended; Partial where hosts differ, or where it was begun and "
        "nobody can say whether it was done to its end. Null before it ended anywhere."
    )
    asset_count: int = Field(description="The sum of all that follow.")
    succeeded: int
    failed: int
    skipped: int
    partial: int = Field(description="Begun, and nobody can say whether it was done to its end.")
    pending: int


class ActionsOfRun(RootModel[list[ActionOfRun]]):
    """All actions, in the order in which hosts do them."""


class FailureOfRun(Answer):
    """Hosts of a run on which the same went wrong. What failed first on a host decides; each is in one group."""

    reason: Reason = Field(description="Why these hosts ended so.")
    reason_text: str
    kind: StepKind | None = Field(description="Of the step that failed; null where none did, as on a missed host.")
    stage: Stage | None = Field(description="Of an action: before or after the patches.")
    title: str | None = Field(description="The step's name: the action's, or the patch's title.")
    step_reason: StepReason | None = Field(
        description="What the agent said of the step. `done` and its like are of patches that the closing scan "
        "did not show."
    )
    exit_code: int | None
    cause: str = Field(
        description="The line of the step's output that tells most, with `<n>`, `<time>`, `<id>`, `<address>`, `<url>` "
        "and `…/` in place of what differs from host to host. Empty where nothing was printed."
    )
    asset_count: int = Field(description="On how many hosts.")
    asset_ids: list[UUID] = Field(description=f"The first {MOST_NAMED} of them, by name.")


class FailuresOfRun(RootModel[list[FailureOfRun]]):
    """All groups, those of most hosts first."""


class Looked(Answer):
    """One rule, and what it found."""

    rule: str
    passed: bool = Field(description="Whether the next rule was looked at; false of the one that decided.")
    found: str


class Explained(Answer):
    """Why a host, or a patch on it, stands as it does in a run."""

    job_id: UUID
    job_instance_id: int
    asset_id: UUID
    patch_id: UUID | None
    status: str | None = Field(description="That of the host; null of one that the run did not consider.")
    reason: str = Field(
        description="One code: a Reason or a Standing, as `GET /pm/v1/enumerations` lists them, or, of a patch, what "
        "the agent said of it, such as `package_manager_locked`."
    )
    reason_text: str
    rules: list[Looked] = Field(description="What was looked at, in order; the last one decided.")
