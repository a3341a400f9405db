"""Assets, tags, patches, and what is missing or installed where."""

from inventory.models.assets import NOT_DRIVABLE, Asset, Inventory
from inventory.models.choices import DownloadMethod, Installer, PatchStatus, Platform, Severity, VulnerabilityType
from inventory.models.counters import Counted, Counter
from inventory.models.patches import AssetPatch, Patch, Supersedence
from inventory.models.tags import AssetTag, Tag
from inventory.models.urls import CustomPatchUrl
from inventory.models.vulnerabilities import Closing, Fix, Vulnerability

__all__ = [
    "NOT_DRIVABLE",
    "Asset",
    "AssetPatch",
    "AssetTag",
    "Closing",
    "Counted",
    "Counter",
    "CustomPatchUrl",
    "DownloadMethod",
    "Fix",
    "Installer",
    "Inventory",
    "Patch",
    "PatchStatus",
    "Platform",
    "Severity",
    "Supersedence",
    "Tag",
    "Vulnerability",
    "VulnerabilityType",
]
