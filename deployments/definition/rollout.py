"""A run in waves: which hosts come first, how long what was done is watched, how many work at once, when it halts.

Waves come in order. A wave with tags takes the hosts that carry one of them, wherever it stands; hosts that several
waves name are the first's. The waves by percent and by count share out all other hosts, each its own part: 10 % and
then 20 % are 30 % together. What no wave takes is a last wave of its own.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from core.errors import EXCLUDES, MISSING
from core.shapes import Report, Shape, UuidList, Values, WholeNumber
from deployments.definition.values import MINUTES_IN

MAX_WAVES = 20
MAX_WAVE_TAGS = 100
MAX_COUNT = 1_000_000
# A week.
MAX_SOAK_MINUTES = 10_080
# What the failure rate is not judged before, where nothing is said.
DEFAULT_SAMPLE = 1
_SIZES = {"percent": "percent", "count": "count", "tag_ids": "tagIds"}
_ANY_OF = ("waves", "max_concurrent", "halt_on_failure_percent")


def _a_wave_says_its_hosts_in_one_way(values: Values, report: Report) -> None:
    if not values.sound(*_SIZES):
        return
    said = [wire for name, wire in _SIZES.items() if values.get(name) not in (None, [])]
    if not said:
        report.add("", "required", "must have one of percent, count or tagIds", MISSING)
    elif len(said) > 1:
        report.add("", "excludes", f"must have one of percent, count or tagIds, not {' and '.join(said)}", EXCLUDES)


class Wave(Shape):
    """Some of a run's hosts: by percent, by count or by tags."""

    shape_rules: ClassVar = (_a_wave_says_its_hosts_in_one_way,)

    percent: Annotated[
        WholeNumber | None,
        Field(ge=1, le=100, description="So many percent of the hosts that no wave names by tags; rounded up."),
    ] = None
    count: Annotated[
        WholeNumber | None,
        Field(ge=1, le=MAX_COUNT, description="So many of the hosts that no wave names by tags."),
    ] = None
    tag_ids: Annotated[
        UuidList | None,
        Field(max_length=MAX_WAVE_TAGS, description="The hosts with one of these tags, or with a tag below them."),
    ] = None
    soak_minutes: Annotated[
        WholeNumber,
        Field(
            ge=0,
            le=MAX_SOAK_MINUTES,
            description="How long nothing begins after its hosts have ended, before the next wave opens.",
        ),
    ] = 0


def _says_something(values: Values, report: Report) -> None:
    if values.sound(*_ANY_OF) and not any(values.get(name) for name in _ANY_OF):
        message = "must have waves, maxConcurrent or haltOnFailurePercent; leave rollout out for none"
        report.add("", "required", message, MISSING)


def _percents_fit(values: Values, report: Report) -> None:
    waves = values.get("waves") or ()
    if sum(wave.percent or 0 for wave in waves) > 100:
        report.add("waves", "invalid", "the percents are shares of their own, and must add up to 100 or less")


def _a_tag_is_in_one_wave(values: Values, report: Report) -> None:
    seen: dict[UUID, int] = {}
    for number, wave in enumerate(values.get("waves") or ()):
        for place, tag in enumerate(wave.tag_ids or ()):
            if seen.setdefault(tag, number) != number:
                field = f"waves[{number}].tagIds[{place}]"
                report.add(field, "excludes", f"waves[{seen[tag]}] has this tag already", EXCLUDES)


def _a_sample_is_for_a_rate(values: Values, report: Report) -> None:
    rate, sample = "halt_on_failure_percent", "halt_min_sample"
    if values.sound(rate, sample) and values.get(sample) is not None and values.get(rate) is None:
        report.add(rate, "required", "is required when haltMinSample is given", MISSING)


class Rollout(Shape):
    """In which waves the hosts of a run begin, how many work at once, and which share of failures halts it."""

    shape_rules: ClassVar = (_says_something, _percents_fit, _a_tag_is_in_one_wave, _a_sample_is_for_a_rate)

    waves: Annotated[
        list[Wave] | None,
        Field(
            max_length=MAX_WAVES,
            description="One after the other. Hosts that none of them takes are one more wave, the last.",
        ),
    ] = None
    max_concurrent: Annotated[
        WholeNumber | None, Field(ge=1, le=MAX_COUNT, description="So many hosts of a run at most are at work at once.")
    ] = None
    halt_on_failure_percent: Annotated[
        WholeNumber | None,
        Field(
            ge=1,
            le=100,
            description="Halt the run when so many percent of the hosts that did their work failed, timed out, or are "
            "lost, until a person resumes or cancels it.",
        ),
    ] = None
    halt_min_sample: Annotated[
        WholeNumber | None,
        Field(
            ge=1, le=MAX_COUNT, description=f"Not before so many have ended or are lost; {DEFAULT_SAMPLE} if absent."
        ),
    ] = None


def wave_tags(report: Report) -> Iterator[tuple[str, UUID]]:
    """(where it stands, the tag) of each tag that a wave of a job names, also where the rollout is in error."""
    for number in range(MAX_WAVES):
        path = f"rollout.waves[{number}]"
        wave = report.inner(path)
        for place, tag in enumerate((wave and wave.get("tag_ids")) or ()):
            yield f"{path}.tagIds[{place}]", tag


def tags_of(rollout: Rollout | None) -> list[UUID]:
    """The tags that its waves name, in order."""
    waves = (rollout and rollout.waves) or ()
    return [tag for wave in waves for tag in wave.tag_ids or ()]


def _soaks_fit_the_window(values: Values, report: Report) -> None:
    """A wave that could not open before the window closes would be one of hosts that are never reached."""
    rollout: Rollout | None = values.get("rollout")
    if rollout is None or not values.sound("timeout", "timeout_unit") or values.get("timeout") == -1:
        return
    soaks = sum(wave.soak_minutes for wave in rollout.waves or ())
    if soaks >= values.get("timeout") * MINUTES_IN[values.get("timeout_unit")]:
        report.add("rollout.waves", "invalid", "the soakMinutes together must be less than the patch window (timeout)")


ROLLOUT_RULES = (_soaks_fit_the_window,)
