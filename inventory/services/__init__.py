"""Every way in which assets, tags and patches change."""

from inventory.services.assets import delete_asset, describe_asset, name_asset, place_asset, register_asset
from inventory.services.catalogue import Outcome, Stored, store_catalogue
from inventory.services.scans import record_scan
from inventory.services.sweeps import sweep_tags
from inventory.services.tags import (
    Tagged,
    change_tag,
    create_tag,
    delete_tag,
    put,
    set_tags,
    tag_asset,
    take,
    untag_asset,
)
from inventory.services.urls import create_custom_patch_url, delete_custom_patch_url

__all__ = [
    "Outcome",
    "Stored",
    "Tagged",
    "change_tag",
    "create_custom_patch_url",
    "create_tag",
    "delete_asset",
    "delete_custom_patch_url",
    "delete_tag",
    "describe_asset",
    "name_asset",
    "place_asset",
    "put",
    "record_scan",
    "register_asset",
    "set_tags",
    "store_catalogue",
    "sweep_tags",
    "tag_asset",
    "take",
    "untag_asset",
]
