"""How patches stand on a machine whose own package manager cannot say it: by the catalogue's versions of its products.

A Windows machine tells what is installed. That a product has a newer version, the catalogue alone knows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventory.descriptions import Package
from inventory.models import Asset, AssetPatch, Patch, PatchStatus
from inventory.versions import version_key

# Package managers whose machines do not know what is newer.
COMPARED_HERE = ("windows",)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one patch stands on the scanned asset."""

    status: PatchStatus
    from_version: str
    broken: bool = False


def product_standings(
    *, asset: Asset, packages: Iterable[Package], before: Mapping[int, AssetPatch]
) -> dict[int, Standing]:
    """Standings of the catalogue's patches of these products: installed in this version, or missing, being newer.

    `before` are the standings of the last scan by patch: while it was missing, they tell what it would replace.
    """
    products: dict[str, list[tuple[str, bytes, str]]] = defaultdict(list)
    for package in packages:
        key = version_key(asset.package_manager, package.version) or b""
        products[package.name].append((package.architecture, key, package.version))
    rows = (
        Patch.objects.for_customer(asset.customer_id)
        .filter(package_manager=asset.package_manager, package__in=products, version_key__isnull=False, deleted=False)
        .values_list("pk", "package", "architecture", "version_key")
    )
    found: dict[int, Standing] = {}
    for pk, name, architecture, offered in rows:
        there = [(own, version) for fits, own, version in products[name] if architecture in ("", fits)]
        if standing := _standing(bytes(offered or b""), there, before.get(pk)):
            found[pk] = standing
    return found


def _standing(key: bytes, there: Iterable[tuple[bytes, str]], before: AssetPatch | None) -> Standing | None:
    """Of a patch of this version, where these versions are installed; the newest counts for what is missing."""
    versions = sorted(there)
    if any(own == key for own, _ in versions):
        return Standing(PatchStatus.INSTALLED, before.from_version if before else "")
    if versions and versions[-1][0] < key:
        return Standing(PatchStatus.MISSING, versions[-1][1])
    return None
