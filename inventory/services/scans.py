"""Taking in an inventory: the catalogue grows from it, and what is missing where is told anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from inventory.descriptions import Package, Scan, Update
from inventory.models import Asset, AssetPatch, Inventory, Patch, PatchStatus, Severity
from inventory.services.assets import describe_asset

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one patch stands on the scanned asset."""

    status: PatchStatus
    from_version: str
    broken: bool = False


def record_scan(*, asset: Asset, scan: Scan, at: datetime) -> None:
    """Store an asset's inventory. The number of statements does not depend on how much it holds."""
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


def _add_to_catalogue(*, asset: Asset, updates: Iterable[Update], at: datetime) -> None:
    """Insert patches nobody has told of before. Known ones are left alone: no row that every host updates."""
    known = _catalogue(asset, {update.package for update in updates})
    Patch.objects.bulk_create(
        (
            Patch(
                customer_id=asset.customer_id,
                platform=asset.platform,
                package_manager=asset.package_manager,
                package=update.package,
                version=update.to_version,
                architecture=update.architecture,
                title=f"{update.package} {update.to_version}",
                source=update.source or "",
                severity=update.severity or Severity.NONE,
                advisory=update.advisory or "",
                cves=update.cves,
                created_at=at,
                modified_at=at,
            )
            for update in updates
            if _update_key(update) not in known
        ),
        ignore_conflicts=True,
    )


def _tell_standings(*, asset: Asset, scan: Scan, at: datetime) -> None:
    names = {update.package for update in scan.updates} | {package.name for package in scan.packages}
    catalogue = _catalogue(asset, names)
    links = AssetPatch.objects.for_customer(asset.customer_id).filter(asset=asset)
    before = {link.patch_id: link for link in links}
    now = _installed(scan.packages, catalogue, before) | {
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
