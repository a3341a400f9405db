"""Vulnerabilities come from importers, with the versions that fix them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from inventory.entries import VulnerabilityEntry
from inventory.models import Vulnerability
from inventory.services.carrying import run
from inventory.versions import version_key

_COLUMNS = ("qid", "title", "cves", "severity", "vuln_type", "detected_at", "published_at")

# Of two versions the newer one counts: advisories of a system's branches name several, and a patch must not be said to
# close what it leaves open. Rows that stay as they are return nothing.
_FIX = """
INSERT INTO inventory_fix AS fix (
    customer_id, vulnerability_id, package_manager, package, system, version, version_key
)
SELECT %(customer)s, * FROM unnest(
    %(vulnerabilities)s::bigint[], %(managers)s::text[], %(packages)s::text[], %(systems)s::text[],
    %(versions)s::text[], %(keys)s::bytea[]
)
ON CONFLICT (customer_id, vulnerability_id, package_manager, package, system)
DO UPDATE SET version = excluded.version, version_key = excluded.version_key
WHERE fix.version_key < excluded.version_key
RETURNING vulnerability_id
"""

_Fixed = tuple[int, str, str, str, str, bytes]


def store_vulnerabilities(*, customer_id: int, entries: Sequence[VulnerabilityEntry], at: datetime) -> list[int]:
    """Insert or update by reference; returns the ids of what is new or changed."""
    told = _told(entries)
    known = Vulnerability.objects.for_customer(customer_id).filter(reference__in=told).order_by("pk")
    rows = {row.reference: row for row in known.select_for_update(no_key=True)}
    changed = []
    for reference, columns in told.items():
        row = rows.setdefault(reference, Vulnerability(customer_id=customer_id, reference=reference))
        if _take(row, columns) or row.pk is None:
            row.modified_at = at
            changed.append(row)
    Vulnerability.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["customer", "reference"],
        update_fields=[*_COLUMNS, "modified_at"],
    )
    return sorted({row.pk for row in changed} | _store_fixes(customer_id, rows, entries))


def _told(entries: Sequence[VulnerabilityEntry]) -> dict[str, dict[str, Any]]:
    """What is told of each reference, by the column; of what two entries tell, the later counts."""
    told: dict[str, dict[str, Any]] = {}
    for entry in entries:
        columns = {column: getattr(entry, column) for column in _COLUMNS} | {"cves": list(entry.cves)}
        of_it = told.setdefault(entry.reference, {})
        of_it |= {column: value for column, value in columns.items() if value not in (None, "", [])}
    return told


def _take(row: Vulnerability, told: Mapping[str, Any]) -> bool:
    """Write what is told into the row; whether anything is new."""
    new = {column: value for column, value in told.items() if value != getattr(row, column)}
    for column, value in new.items():
        setattr(row, column, value)
    return bool(new)


def _store_fixes(customer_id: int, rows: dict[str, Vulnerability], entries: Sequence[VulnerabilityEntry]) -> set[int]:
    """The ids of the vulnerabilities that have a new fix, or another version of one."""
    fixes: dict[tuple[int, str, str, str], _Fixed] = {}
    for entry in entries:
        vulnerability_id = rows[entry.reference].pk
        for fix in entry.fixes:
            key = version_key(fix.package_manager, fix.version)
            place = (vulnerability_id, fix.package_manager, fix.package, fix.system)
            if key is not None and (place not in fixes or fixes[place][-1] < key):
                fixes[place] = (*place, fix.version, key)
    columns = [list(column) for column in zip(*fixes.values(), strict=True)]
    if not columns:
        return set()
    names = ("vulnerabilities", "managers", "packages", "systems", "versions", "keys")
    return {pk for (pk,) in run(_FIX, {"customer": customer_id, **dict(zip(names, columns, strict=True))})}
