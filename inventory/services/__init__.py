"""Every way in which assets, tags and patches change."""

from inventory.services.assets import delete_asset, describe_asset, register_asset
from inventory.services.scans import record_scan
from inventory.services.tags import change_tag, create_tag, delete_tag, tag_asset, untag_asset

__all__ = [
    "change_tag",
    "create_tag",
    "delete_asset",
    "delete_tag",
    "describe_asset",
    "record_scan",
    "register_asset",
    "tag_asset",
    "untag_asset",
]
