"""What must hold between the fields of a job. Each rule looks only at fields that are not in error themselves."""

from collections.abc import Sequence

from core.errors import EXCLUDES, MISSING
from core.shapes import Report, Rule, Values
from deployments.models import ScheduleType, TimeoutUnit, TimezoneType
from deployments.states import JobState
from inventory.models import Platform

_LONGEST_WINDOW = {TimeoutUnit.HOURS: 168, TimeoutUnit.MINUTES: 10_080}
_WORK = ("approved_patches", "pre_deploy_actions", "post_deploy_actions")
_HOSTS = ("asset_ids", "asset_tag_ids")
_RUN_ONCE = {ScheduleType.ON_DEMAND, ScheduleType.ONCE}


def _start_is_given(values: Values, report: Report) -> None:
    if not values.sound("schedule_type", "start_date_time") or values.get("schedule_type") in {None, "On-demand"}:
        return
    if values.get("start_date_time") is None:
        report.add("start_date_time", "required", "is required unless scheduleType is On-demand", MISSING)


def _schedule_is_supported(values: Values, report: Report) -> None:
    kind = values.get("schedule_type")
    if kind is not None and kind not in _RUN_ONCE:
        report.add("schedule_type", "unsupported", f"{kind} is not supported yet; send On-demand or Once")


def _recurring_follows_schedule(values: Values, report: Report) -> None:
    kind, recurring = values.get("schedule_type"), values.get("recurring")
    if kind in _RUN_ONCE and recurring:
        report.add("recurring", "excludes", f"must be false or absent when scheduleType is {kind}", EXCLUDES)


def _zone_type_is_supported(values: Values, report: Report) -> None:
    if values.get("timezone_type") == TimezoneType.AGENT:
        report.add("timezone_type", "unsupported", "AGENT_TZ is not supported yet; send SPECIFIC_TZ")


def _platform_is_supported(values: Values, report: Report) -> None:
    if values.get("platform") == Platform.WINDOWS:
        report.add("platform", "unsupported", "Windows, the default, is not supported yet; send Linux")


def _window_is_in_range(values: Values, report: Report) -> None:
    if not values.sound("timeout", "timeout_unit"):
        return
    timeout, unit = values.get("timeout"), values.get("timeout_unit")
    if timeout != -1 and not 1 <= timeout <= _LONGEST_WINDOW[unit]:
        report.add("timeout", "invalid", f"must be -1 for none, or 1 to {_LONGEST_WINDOW[unit]} {unit}")


def _enabled_job_can_run(values: Values, report: Report) -> None:
    if values.get("status") != JobState.ENABLED:
        return
    if values.sound(*_WORK) and not any(values.get(name) for name in _WORK):
        message = "an enabled job needs at least one patch (approvedPatches) or action"
        report.add("approved_patches", "required", message, MISSING)
    if values.sound(*_HOSTS) and not any(values.get(name) for name in _HOSTS):
        message = "an enabled job needs at least one asset (assetIds) or tag (assetTagIds)"
        report.add("asset_ids", "required", message, MISSING)


def _status_is_a_clients(values: Values, report: Report) -> None:
    if values.get("status") in {JobState.DELETING, JobState.DELETED}:
        report.add("status", "invalid", "must be Enabled or Disabled")


def _mail_has_recipients(values: Values, report: Report) -> None:
    types, configs, events = (
        values.get(name) for name in ("notification_types", "notification_configs", "notification_events")
    )
    if types is None or not types.email:
        return
    if configs is not None and not configs.recipient_emails:
        report.add("notificationConfigs.recipientEmails", "required", "is required when email is true", MISSING)
    if events is not None and not (events.on_job_start or events.on_job_complete):
        message = "onJobStart or onJobComplete must be true when email is true"
        report.add("notification_events", "required", message, MISSING)


JOB_RULES: Sequence[Rule] = (
    _start_is_given,
    _schedule_is_supported,
    _recurring_follows_schedule,
    _zone_type_is_supported,
    _platform_is_supported,
    _window_is_in_range,
    _status_is_a_clients,
    _enabled_job_can_run,
)
NOTIFICATION_RULES: Sequence[Rule] = (_mail_has_recipients,)
