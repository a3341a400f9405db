"""What the views of assets, tags and patches answer, for the API's document. Tests hold real answers against it."""

from uuid import UUID

from core.openapi import Answer
from inventory.api.answers.assets import (
    Asset,
    AssetCount,
    Assets,
    FoundAsset,
    FoundAssets,
    MappedAssets,
)
from inventory.api.answers.patches import (
    CataloguePatch,
    CataloguePatches,
    ImportedPatches,
    PackagesOfPatches,
    Patch,
    PatchCount,
    Patches,
    ProductsOfPatches,
)
from inventory.api.answers.tags import Tag, Tagged, Tags
from inventory.api.answers.urls import CustomPatchUrl, CustomPatchUrlDeleted, CustomPatchUrls
from inventory.api.answers.vulnerabilities import (
    Insight,
    Insights,
    ProductsVulnerabilities,
    Vulnerabilities,
    Vulnerability,
)


class Deleted(Answer):
    """What is gone."""

    deleted: UUID


__all__ = [
    "Asset",
    "AssetCount",
    "Assets",
    "CataloguePatch",
    "CataloguePatches",
    "CustomPatchUrl",
    "CustomPatchUrlDeleted",
    "CustomPatchUrls",
    "Deleted",
    "FoundAsset",
    "FoundAssets",
    "ImportedPatches",
    "Insight",
    "Insights",
    "MappedAssets",
    "PackagesOfPatches",
    "Patch",
    "PatchCount",
    "Patches",
    "ProductsOfPatches",
    "ProductsVulnerabilities",
    "Tag",
    "Tagged",
    "Tags",
    "Vulnerabilities",
    "Vulnerability",
]
