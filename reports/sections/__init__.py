"""The sections of reports: what a row stands for, which columns there are, and how the rows are read."""

from collections.abc import Mapping

from core.errors import Problem
from core.shapes import guess
from inventory.models import Platform
from reports.models import ReportKind, ReportSection
from reports.sections.assets import ASSETS
from reports.sections.columns import PAGE, Column, ColumnType, Section
from reports.sections.hosts import HOSTS
from reports.sections.missing import MISSING_PATCHES
from reports.sections.runs import RUNS
from reports.sections.steps import ACTIONS, PATCHES

# The first one of a kind is that of a report which names none.
SECTIONS: Mapping[ReportSection, Section] = {
    one.name: one for one in (HOSTS, PATCHES, ACTIONS, RUNS, ASSETS, MISSING_PATCHES)
}


def of_kind(kind: ReportKind) -> list[Section]:
    """The sections that a report of this kind may have."""
    return [one for one in SECTIONS.values() if one.kind == kind]


def wrong_columns(section: Section, keys: list[str], platform: Platform | None) -> list[Problem]:
    """What is wrong with the columns that somebody chose."""
    return [
        Problem(f"columns[{place}]", "invalid", _wrong(section, key, platform))
        for place, key in enumerate(keys)
        if key not in section.by_key or not section.by_key[key].fits(platform)
    ]


def _wrong(section: Section, key: str, platform: Platform | None) -> str:
    if key in section.by_key:
        return f"{key!r} is a column of {section.by_key[key].platform} reports, and this one is of {platform} machines"
    known = [one.key for one in section.columns if one.fits(platform)]
    return f"there is no column {key[:64]!r} in the section {section.name.value}{guess(key, known)}"


__all__ = [
    "PAGE",
    "SECTIONS",
    "Column",
    "ColumnType",
    "Section",
    "of_kind",
    "wrong_columns",
]
