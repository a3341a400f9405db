"""Which patches close which vulnerabilities: by somebody's word, by the versions that fix them, by their CVEs."""

from collections.abc import Sequence
from datetime import datetime

from inventory.models import Closing, Patch, Vulnerability
from inventory.services.carrying import run

# Where all CVEs of a vulnerability are among a patch's, the patch closes it. One of several would not be enough.
_BY_CVES = """
SELECT vulnerability.id AS vulnerability_id, patch.id AS patch_id
FROM inventory_patch patch
CROSS JOIN LATERAL unnest(patch.cves) AS cve
JOIN inventory_vulnerability vulnerability
    ON vulnerability.customer_id = patch.customer_id AND vulnerability.cves[1] = cve
    AND vulnerability.cves <@ patch.cves
WHERE patch.customer_id = %(customer)s AND {touched}
"""
_BY_FIXES = """
SELECT fix.vulnerability_id, patch.id
FROM inventory_patch patch
JOIN inventory_fix fix
    ON fix.customer_id = patch.customer_id AND fix.package_manager = patch.package_manager
    AND (fix.package = patch.package OR fix.package = patch.source_package)
    AND fix.version_key <= patch.version_key
    AND (fix.system = '' OR fix.system = ANY(patch.supported_os))
WHERE patch.customer_id = %(customer)s AND {touched}
"""
_LINK = """
INSERT INTO inventory_closing (customer_id, vulnerability_id, patch_id)
SELECT %(customer)s, vulnerability_id, patch_id FROM ({by_cves} UNION {by_fixes}) AS closing
ORDER BY patch_id, vulnerability_id
ON CONFLICT (customer_id, patch_id, vulnerability_id) DO NOTHING
"""
_OF_PATCHES = _LINK.format(
    by_cves=_BY_CVES.format(touched="patch.id = ANY(%(touched)s)"),
    by_fixes=_BY_FIXES.format(touched="patch.id = ANY(%(touched)s)"),
)
_OF_VULNERABILITIES = _LINK.format(
    by_cves=_BY_CVES.format(touched="vulnerability.id = ANY(%(touched)s)"),
    by_fixes=_BY_FIXES.format(touched="fix.vulnerability_id = ANY(%(touched)s)"),
)
# Rows that another transaction holds are passed over: it is telling them the same.
_DETECT = """
UPDATE inventory_vulnerability SET detected_at = %(at)s
WHERE id IN (
    SELECT id FROM inventory_vulnerability vulnerability
    WHERE customer_id = %(customer)s AND detected_at IS NULL AND EXISTS (
        SELECT FROM inventory_closing closing
        JOIN inventory_assetpatch standing
            ON standing.customer_id = closing.customer_id AND standing.patch_id = closing.patch_id
        WHERE closing.customer_id = %(customer)s AND closing.vulnerability_id = vulnerability.id
            AND standing.status = 'Missing' AND {touched}
    )
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
"""
_DETECT_ON_ASSET = _DETECT.format(touched="standing.asset_id = %(asset)s")
_DETECT_THESE = _DETECT.format(
    touched="(vulnerability.id = ANY(%(vulnerabilities)s) OR standing.patch_id = ANY(%(patches)s))"
)


def link_patches(*, customer_id: int, patch_ids: Sequence[int]) -> None:
    """Link these patches to what they close, beside what they are linked to."""
    if patch_ids:
        run(_OF_PATCHES, {"customer": customer_id, "touched": list(patch_ids)})


def relink_patches(*, customer_id: int, patch_ids: Sequence[int]) -> None:
    """The same, and unlink them from what they close no longer."""
    if patch_ids:
        Closing.objects.for_customer(customer_id).filter(patch__in=patch_ids, told=False).delete()
        link_patches(customer_id=customer_id, patch_ids=patch_ids)


def relink_vulnerabilities(*, customer_id: int, vulnerability_ids: Sequence[int]) -> None:
    """Link these vulnerabilities anew to what closes them; words that people said stay."""
    if vulnerability_ids:
        Closing.objects.for_customer(customer_id).filter(vulnerability__in=vulnerability_ids, told=False).delete()
        run(_OF_VULNERABILITIES, {"customer": customer_id, "touched": list(vulnerability_ids)})


def tell_closings(*, customer_id: int, told: Sequence[tuple[Patch, Sequence[str]]]) -> None:
    """Let each patch close the vulnerabilities of these references, in place of what was told of it before."""
    if not told:
        return
    references = {one for _, each in told for one in each}
    known = Vulnerability.objects.for_customer(customer_id).filter(reference__in=references)
    ids = dict(known.values_list("reference", "pk"))
    pairs = dict.fromkeys((patch.pk, ids[one]) for patch, each in told for one in each if one in ids)
    Closing.objects.for_customer(customer_id).filter(patch__in=[patch.pk for patch, _ in told], told=True).delete()
    Closing.objects.bulk_create(
        (
            Closing(customer_id=customer_id, patch_id=patch_id, vulnerability_id=vulnerability_id, told=True)
            for patch_id, vulnerability_id in pairs
        ),
        update_conflicts=True,
        unique_fields=["customer", "patch", "vulnerability"],
        update_fields=["told"],
    )
    # What is told no longer may still follow from its CVEs.
    link_patches(customer_id=customer_id, patch_ids=[patch.pk for patch, _ in told])


def detect_on(*, customer_id: int, asset_id: int, at: datetime) -> None:
    """Note the vulnerabilities that this asset is the first one to have."""
    run(_DETECT_ON_ASSET, {"customer": customer_id, "asset": asset_id, "at": at})


def detect(*, customer_id: int, patch_ids: Sequence[int], vulnerability_ids: Sequence[int], at: datetime) -> None:
    """Note those of these vulnerabilities, and of what these patches close, that some asset has."""
    run(
        _DETECT_THESE,
        {"customer": customer_id, "patches": list(patch_ids), "vulnerabilities": list(vulnerability_ids), "at": at},
    )
