"""The files that install patches which no package manager fetches, as manifests tell of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from inventory.models import Asset, Patch


def download(patch: Patch) -> dict[str, str] | None:
    """Where its file is, and how it is told from any other; None where there is none."""
    if not patch.download_url:
        return None
    return {
        "version": patch.version,
        "url": patch.download_url,
        "sha256": patch.file_checksum,
        "kind": patch.installer,
        "arguments": patch.installer_arguments,
    }


def ways_back(asset: Asset, patches: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, str]]:
    """Key of a patch → the file of the version that it replaced on this asset, as far as the catalogue has it."""
    wanted = {
        (patch["package"], patch["standing"].from_version): patch
        for patch in patches
        if patch.get("download") and patch["standing"] and patch["standing"].from_version
    }
    if not wanted:
        return {}
    rows = Patch.objects.for_customer(asset.customer_id).filter(
        package_manager=asset.package_manager,
        package__in={package for package, _ in wanted},
        version__in={version for _, version in wanted},
    )
    found: dict[int, dict[str, str]] = {}
    for row in rows:
        patch = wanted.get((row.package, row.version))
        if patch and row.architecture == patch["architecture"] and (told := download(row)):
            found[patch["pk"]] = told
    return found
