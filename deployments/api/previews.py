"""How a preview looks on the wire. Shape only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from calendars.services import Stretch, frozen_at
from deployments import schedules
from deployments.api.occurrences import FROZEN, start_document
from deployments.api.serializers import instant
from deployments.due import last_start
from deployments.models import Job, TimezoneType
from deployments.reasons import SENTENCES, Reason
from deployments.services.approvals import is_approved
from deployments.services.previews import Overlap, Preview, WaveHosts, ZoneStarts
from inventory.models import Asset
from scheduling import sentences


def preview_document(
    plan: Preview, hosts: Sequence[Asset], patches: Mapping[int, Sequence[str]], waves: Mapping[int, int | None]
) -> dict[str, Any]:
    """The plan with these of its hosts; `patches` and `waves` are theirs by the key of the host."""
    job = plan.run.job
    own_clock = job.timezone_type == TimezoneType.AGENT
    return {
        "planHash": plan.plan_hash,
        "approved": is_approved(job, plan.plan_hash) if job.requires_approval else None,
        "schedule": sentences.sentence(schedules.rule_of(job), None if own_clock else job.timezone),
        "startDateTime": instant(plan.run.scheduled_for),
        "deadline": instant(plan.run.deadline),
        "patchCount": len(plan.patches),
        "patches": [
            {"id": str(patch.public_id), "title": patch.title, "vendorSeverity": patch.severity}
            for patch in plan.patches
        ],
        "assetCount": sum(plan.reasons.values()),
        "applicableAssetCount": plan.reasons.get("", 0),
        "reasons": {reason: hosts for reason, hosts in plan.reasons.items() if reason},
        "assets": [_host(job, asset, patches.get(asset.pk, ()), waves.get(asset.pk)) for asset in hosts],
        "waves": None if plan.waves is None else [_wave(one) for one in plan.waves if one.hosts],
        "occurrences": [_starts(plan, one) for one in plan.starts],
        "freezes": [_freeze(one) for one in _hit(plan)],
        "overlaps": [_overlap(one) for one in plan.overlaps],
        "remedies": [{"qid": qid, "patches": list(patches)} for qid, patches in plan.remedies.items()],
    }


def _wave(one: WaveHosts) -> dict[str, Any]:
    return {"number": one.wave.number, "assetCount": one.hosts, "soakMinutes": one.wave.soak_minutes}


def _host(job: Job, asset: Any, patches: Sequence[str], wave: int | None) -> dict[str, Any]:
    reason = asset.reason_ or None
    return {
        "assetId": str(asset.public_id),
        "name": asset.name,
        "timezone": asset.timezone or None,
        "applicable": reason is None,
        "reason": reason,
        "reasonText": SENTENCES[Reason(reason)] if reason else None,
        "startDateTime": instant(asset.start_),
        "startBefore": instant(last_start(job, start=asset.start_, deadline=asset.deadline_)),
        "deadline": instant(asset.deadline_),
        "patches": list(patches),
        "wave": wave,
    }


def _starts(plan: Preview, one: ZoneStarts) -> dict[str, Any]:
    rule = schedules.rule_of(plan.run.job)
    return {
        "timezone": one.zone,
        "starts": [start_document(rule, one.zone, start, *_frozen(plan, start)) for start in one.starts],
    }


def _hit(plan: Preview) -> list[Stretch]:
    """The freezes that a shown start lies in."""
    starts = {start for one in plan.starts for start in one.starts} or {plan.run.scheduled_for}
    return [one for one in plan.freezes if any(one.starts_at <= start < one.ends_at for start in starts)]


def _frozen(plan: Preview, start: datetime) -> set[str]:
    return {FROZEN} if frozen_at(plan.freezes, start) else set()


def _freeze(one: Stretch) -> dict[str, Any]:
    return {
        "calendar": one.calendar,
        "summary": one.summary or None,
        "startDateTime": instant(one.starts_at),
        "endDateTime": instant(one.ends_at),
    }


def _overlap(one: Overlap) -> dict[str, Any]:
    return {
        "jobId": str(one.job.public_id),
        "name": one.job.name,
        "startDateTime": instant(one.start),
        "deadline": instant(one.deadline),
        "assetCount": one.hosts,
    }
