"""A job's rollout as a run's snapshot holds it, and which host is in which wave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Q,
    QuerySet,
    SmallIntegerField,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.functions import MD5, Cast, Concat, RowNumber
from django.db.models.lookups import GreaterThan, LessThanOrEqual

from deployments.definition.rollout import DEFAULT_SAMPLE
from deployments.models import Job, Part, Run


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """Which hosts a wave takes. `tag_ids` are our own; the last wave says nothing and takes the rest."""

    number: int
    percent: int | None = None
    count: int | None = None
    tag_ids: Sequence[int] = ()
    soak_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Rollout:
    """In which waves the hosts of a run begin, how many at once, and what halts it."""

    waves: Sequence[PlannedWave]
    max_concurrent: int | None = None
    halt_percent: int | None = None
    min_sample: int = field(default=DEFAULT_SAMPLE)


def freeze_rollout(job: Job) -> dict[str, Any]:
    """What a snapshot keeps of a job's rollout; nothing where it has none, so that older plans keep their hash."""
    said = job.rollout
    if said is None:
        return {}
    keys = {str(link.tag.public_id): link.tag_id for link in _tags(job)}
    waves = [
        {
            "percent": wave["percent"],
            "count": wave["count"],
            "tag_ids": [keys[tag] for tag in wave["tagIds"] or () if tag in keys],
            "soak_minutes": wave["soakMinutes"],
        }
        for wave in said["waves"] or ()
    ]
    return {
        "rollout": {
            "waves": waves,
            "max_concurrent": said["maxConcurrent"],
            "halt_percent": said["haltOnFailurePercent"],
            "min_sample": said["haltMinSample"] or DEFAULT_SAMPLE,
        }
    }


def rollout_of(snapshot: Mapping[str, Any]) -> Rollout | None:
    """The rollout of a snapshot; its waves end with the one that takes the rest."""
    kept = snapshot.get("rollout")
    if kept is None:
        return None
    waves = [PlannedWave(number=number, **wave) for number, wave in enumerate(kept["waves"], start=1)]
    return Rollout(**kept | {"waves": [*waves, PlannedWave(number=len(waves) + 1)]})


def waved(hosts: QuerySet[Any], run: Run, *, left_out: str) -> QuerySet[Any]:
    """The hosts, each with `wave_`: null where `left_out`, a column, is not empty, or where there are no waves.

    Hosts of no tag are dealt out in an order that depends on the host and the run alone, so that a preview tells what
    the job's next run does, and no host is always among the first. Nothing may be filtered afterwards: a place is one
    among all.
    """
    rollout = rollout_of(run.snapshot)
    if rollout is None:
        unwaved: QuerySet[Any] = hosts.annotate(wave_=Value(None, SmallIntegerField()))
        return unwaved
    groups = [F(left_out), F("tagged_")]
    spread = MD5(Concat(Cast("public_id", TextField()), Value(_salt(run)), output_field=TextField()))
    placed = tagged(hosts, run).annotate(
        place_=Window(RowNumber(), partition_by=groups, order_by=[spread, F("pk").asc()]),
        dealt_=Window(Count("*"), partition_by=groups),
    )
    annotated: QuerySet[Any] = placed.annotate(
        wave_=Case(
            When(~Q(**{left_out: ""}), then=None),
            When(GreaterThan(F("tagged_"), Value(0)), then=F("tagged_")),
            *_sizes(rollout),
            default=Value(rollout.waves[-1].number),
            output_field=SmallIntegerField(),
        )
    )
    return annotated


def tagged(hosts: QuerySet[Any], run: Run) -> QuerySet[Any]:
    """The hosts, each with `tagged_`: the first wave that names one of its tags, or 0."""
    rollout = rollout_of(run.snapshot)
    named = [wave for wave in rollout.waves if wave.tag_ids] if rollout else []
    whens = [When(tag_ids__overlap=list(wave.tag_ids), then=Value(wave.number)) for wave in named]
    chosen: QuerySet[Any] = hosts.annotate(tagged_=Case(*whens, default=Value(0), output_field=IntegerField()))
    return chosen


def count_waves(hosts: QuerySet[Any]) -> dict[int, int]:
    """Wave → how many hosts it would get; they are of `waved`."""
    sql, params = hosts.order_by().values_list("wave_").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT wave, count(*) FROM ({sql}) AS hosts (wave) WHERE wave IS NOT NULL GROUP BY wave",  # noqa: S608
            params,
        )
        return dict(cursor.fetchall())


def waves_of(hosts: QuerySet[Any], assets: Sequence[Any]) -> dict[int, int | None]:
    """Asset key → its wave, for some of the hosts of `waved`."""
    sql, params = hosts.order_by().values_list("pk", "wave_").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pk, wave FROM ({sql}) AS hosts (pk, wave) WHERE pk = ANY(%s)",  # noqa: S608
            [*params, [asset.pk for asset in assets]],
        )
        return dict(cursor.fetchall())


def _sizes(rollout: Rollout) -> list[When]:
    """Up to which place each wave by percent or count goes: their parts follow one another, percents rounded up."""
    found, percents, counts = [], 0, 0
    for wave in rollout.waves:
        if wave.percent is None and wave.count is None:
            continue
        percents, counts = percents + (wave.percent or 0), counts + (wave.count or 0)
        last = counts + (F("dealt_") * percents + 99) / 100
        found.append(When(LessThanOrEqual(F("place_"), last), then=Value(wave.number)))
    return found


def _salt(run: Run) -> str:
    """The number of a run that is not stored yet is the one that comes next."""
    return f"{run.snapshot['jobId']} {run.instance or run.job.last_instance + 1}"


def _tags(job: Job) -> Any:
    return job.tag_links.filter(part=Part.WAVE).select_related("tag")
