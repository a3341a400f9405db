"""How waves and halts look on the wire. Shape only."""

from typing import Any

from core.instants import milliseconds
from deployments.models import RunHalt, RunWave
from deployments.services.waves import Standing


def rollout_document(standing: Standing | None) -> dict[str, Any] | None:
    """How a run stands with its rollout; None of one without."""
    if standing is None:
        return None
    rollout, waves = standing.rollout, standing.waves
    return {
        "maxConcurrent": rollout.max_concurrent,
        "haltOnFailurePercent": rollout.halt_percent,
        "haltMinSample": rollout.min_sample if rollout.halt_percent is not None else None,
        "failed": standing.failed,
        "sampled": standing.sampled,
        "waves": [_wave(wave, len(waves), standing.counts.get(wave.number, {})) for wave in waves],
        "halts": [_halt(halt) for halt in standing.halts],
    }


def _wave(wave: RunWave, of: int, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "number": wave.number,
        "of": of,
        "state": wave.state,
        "assetCount": wave.hosts,
        "soakMinutes": wave.soak_minutes,
        "openDateTime": milliseconds(wave.opened_at),
        "endDateTime": milliseconds(wave.ended_at),
        "soakEndDateTime": milliseconds(wave.soaks_until),
        "closeDateTime": milliseconds(wave.closed_at),
        "counts": counts,
    }


def _halt(halt: RunHalt) -> dict[str, Any]:
    return {
        "haltDateTime": milliseconds(halt.halted_at),
        "wave": halt.wave,
        "why": halt.why,
        "failed": halt.failed,
        "sampled": halt.sampled,
        "endDateTime": milliseconds(halt.ended_at),
        "ending": halt.ending or None,
        "endedBy": halt.ended_by.username if halt.ended_by else None,
    }
