"""Taking in an inventory: the catalogue grows from it, and what is missing where is told anew."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from inventory.descriptions import Package, Scan, Update
from inventory.models import Asset, AssetPatch, Inventory, Patch, PatchStatus, Platform, Severity
from inventory.models.choices import PATCH_TYPES
from inventory.services import closings
from inventory.services.assets import describe_asset
from inventory.services.carrying import lock_tree, run
from inventory.services.membership import tell_tags
from inventory.services.products import COMPARED_HERE, Standing, product_standings
from inventory.systems import system_name
from inventory.versions import version_key

Key = tuple[str, str, str]

# In the order of their ids: two hosts of a new system must not wait for each other's rows crosswise.
_ALSO_FOR = """
WITH news AS (
    SELECT id FROM inventory_patch
    WHERE customer_id = %(customer)s AND id = ANY(%(patches)s) AND NOT supported_os @> %(systems)s::varchar[]
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE inventory_patch patch SET supported_os = patch.supported_os || %(systems)s::varchar[]
FROM news WHERE patch.id = news.id AND NOT patch.supported_os @> %(systems)s::varchar[]
RETURNING patch.id
"""


def record_scan(*, asset: Asset, scan: Scan, at: datetime) -> None:
    """Store an asset's inventory. The number of statements does not depend on how much it holds."""
    # Before the asset's row: whoever changes tags takes the tree first, too.
    lock_tree(asset.customer_id, shared=True)
    describe_asset(asset=asset, machine=scan.machine, at=at)
    asset.scanned_at, asset.reboot_required = at, scan.reboot_required
    asset.save(update_fields=["scanned_at", "reboot_required"])
    Inventory.objects.bulk_create(
        [
            Inventory(
                customer_id=asset.customer_id,
                asset=asset,
                packages=[package.model_dump(by_alias=True) for package in scan.packages],
                scanned_at=at,
            )
        ],
        update_conflicts=True,
        unique_fields=["customer", "asset"],
        update_fields=["packages", "scanned_at"],
    )
    _add_to_catalogue(asset=asset, updates=scan.updates, at=at)
    _tell_standings(asset=asset, scan=scan, at=at)
    closings.detect_on(customer_id=asset.customer_id, asset_id=asset.pk, at=at)
    tell_tags(asset=asset, at=at)


def _add_to_catalogue(*, asset: Asset, updates: Iterable[Update], at: datetime) -> None:
    """Insert patches nobody has told of before. Known ones are left alone: no row that every host updates.

    But for the first host of a system that a patch was not known to be for.
    """
    names = {update.package for update in updates}
    known = _catalogue(asset, names)
    new = [_patch(asset, update, at) for update in updates if _update_key(update) not in known]
    Patch.objects.bulk_create(new, ignore_conflicts=True)
    told = _catalogue(asset, names) if new else known
    fresh = [pk for key, pk in told.items() if key not in known]
    if systems := _systems(asset):
        ids = [told[_update_key(update)] for update in updates]
        fresh += [pk for (pk,) in run(_ALSO_FOR, {"customer": asset.customer_id, "patches": ids, "systems": systems})]
    closings.link_patches(customer_id=asset.customer_id, patch_ids=fresh)


def _patch(asset: Asset, update: Update, at: datetime) -> Patch:
    return Patch(
        customer_id=asset.customer_id,
        platform=asset.platform,
        package_manager=asset.package_manager,
        package=update.package,
        version=update.to_version,
        version_key=version_key(asset.package_manager, update.to_version),
        architecture=update.architecture,
        title=update.title or f"{update.package} {update.to_version}",
        type=PATCH_TYPES[Platform(asset.platform)],
        kb=update.kb or "",
        category=update.category or "",
        reboot_required=update.reboot_required,
        supported_os=_systems(asset),
        source=update.source or "",
        severity=update.severity or Severity.NONE,
        advisory=update.advisory or "",
        cves=update.cves,
        created_at=at,
        modified_at=at,
    )


def _systems(asset: Asset) -> list[str]:
    return [system_name(asset.operating_system)] if asset.operating_system else []


def _tell_standings(*, asset: Asset, scan: Scan, at: datetime) -> None:
    names = {update.package for update in scan.updates} | {package.name for package in scan.packages}
    catalogue = _catalogue(asset, names)
    links = AssetPatch.objects.for_customer(asset.customer_id).filter(asset=asset)
    before = {link.patch_id: link for link in links}
    if asset.package_manager in COMPARED_HERE:
        installed = product_standings(asset=asset, packages=scan.packages, before=before)
    else:
        installed = _installed(scan.packages, catalogue, before)
    now = installed | {
        catalogue[_update_key(update)]: Standing(PatchStatus.MISSING, update.from_version) for update in scan.updates
    }
    AssetPatch.objects.bulk_create(
        (
            AssetPatch(
                customer_id=asset.customer_id,
                asset=asset,
                patch_id=patch_id,
                status=standing.status,
                from_version=standing.from_version,
                broken=standing.broken,
                seen_at=at,
            )
            for patch_id, standing in now.items()
        ),
        update_conflicts=True,
        unique_fields=["customer", "asset", "patch"],
        update_fields=["status", "from_version", "broken", "seen_at"],
    )
    links.exclude(patch_id__in=now).delete()


def _installed(
    packages: Iterable[Package], catalogue: Mapping[Key, int], before: Mapping[int, AssetPatch]
) -> dict[int, Standing]:
    """Standings of the patches whose very version is on the asset, whole or broken."""
    found: dict[int, Standing] = {}
    for package in packages:
        patch_id = catalogue.get((package.name, package.version, package.architecture))
        if patch_id is None:
            continue
        link = before.get(patch_id)
        # While it was missing, this was the version on the asset: the one that it replaced.
        replaced = link.from_version if link else ""
        broken = package.state == "broken"
        status = PatchStatus.MISSING if broken else PatchStatus.INSTALLED
        found[patch_id] = Standing(status, replaced, broken)
    return found


def _catalogue(asset: Asset, names: set[str]) -> dict[Key, int]:
    """The customer's patches of these packages, by package, version and architecture."""
    rows = (
        Patch.objects.for_customer(asset.customer_id)
        .filter(package_manager=asset.package_manager, package__in=names)
        .values_list("package", "version", "architecture", "pk")
    )
    return {(package, version, architecture): pk for package, version, architecture, pk in rows}


def _update_key(update: Update) -> Key:
    return (update.package, update.to_version, update.architecture)
